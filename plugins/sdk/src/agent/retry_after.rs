//! How long a server asks clients to wait: `Retry-After` (RFC 9110) and `retry-after-ms` of some services.

use crate::words::Attr;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The wait in milliseconds; none if the headers have none. A date is relative to the response's `Date`, or to `now` (Unix
/// milliseconds) if there is none.
pub fn retry_after(headers: &[Attr], now: u64) -> Option<u64> {
    if let Some(millis) = header(headers, "retry-after-ms").and_then(|value| value.parse().ok()) {
        return Some(millis);
    }
    let value = header(headers, "retry-after")?;
    // Some services send fractions.
    if let Ok(seconds) = value.parse::<f64>() {
        let sensible = seconds.is_finite() && seconds >= 0.0;
        return sensible.then_some((seconds * 1000.0).ceil() as u64);
    }
    let now = header(headers, "date").and_then(date).unwrap_or(now);
    Some(date(value)?.saturating_sub(now))
}

fn header<'a>(headers: &'a [Attr], name: &str) -> Option<&'a str> {
    let attr = headers.iter().find(|attr| attr.name.eq_ignore_ascii_case(name))?;
    Some(attr.value.trim())
}

/// Unix milliseconds of an HTTP date in any of its three formats. In all of them the day comes before the year.
fn date(text: &str) -> Option<u64> {
    let (mut month, mut clock, mut numbers) = (None, None, Vec::new());
    for word in text.split([' ', ',', '-']).filter(|word| !word.is_empty()) {
        if word.contains(':') {
            clock = seconds_of_day(word);
        } else if let Some(at) = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(word)) {
            month = Some(at as i64 + 1);
        } else if let Ok(number) = word.parse::<u32>() {
            numbers.push(i64::from(number));
        }
    }
    let [day, year] = numbers[..] else {
        return None;
    };
    let year = match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    };
    let sensible = (1..=31).contains(&day) && (1970..10_000).contains(&year);
    let days = days_since_1970(year, month.filter(|_| sensible)?, day);
    u64::try_from(days * 86_400 + clock?).ok()?.checked_mul(1000)
}

fn seconds_of_day(text: &str) -> Option<i64> {
    let parts: Vec<u32> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    match parts[..] {
        [hours @ 0..24, minutes @ 0..60, seconds @ 0..=60] => {
            Some(i64::from(hours * 3600 + minutes * 60 + seconds))
        }
        _ => None,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(value: &str) -> Option<u64> {
        retry_after(&[Attr::new("retry-after", value)], 784_111_777_000)
    }

    #[test]
    fn seconds_are_seconds() {
        assert_eq!(after("7"), Some(7000));
        assert_eq!(after(" 0.25 "), Some(250));
        assert_eq!(after("-1"), None);
        assert_eq!(after("NaN"), None);
        assert_eq!(after("soon"), None);
        assert_eq!(retry_after(&[], 0), None);
    }

    #[test]
    fn milliseconds_go_first() {
        let headers = [Attr::new("retry-after", "7"), Attr::new("Retry-After-Ms", "1500")];
        assert_eq!(retry_after(&headers, 0), Some(1500));
    }

    #[test]
    fn a_date_has_three_forms() {
        for text in
            ["Sun, 06 Nov 1994 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:47 GMT", "Sun Nov  6 08:49:47 1994"]
        {
            assert_eq!(after(text), Some(10_000), "{text}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0));
        assert_eq!(after("Sun, 06 Nov 1994 48:49:00 GMT"), None);
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000_000));
    }

    #[test]
    fn the_clock_of_the_server_is_preferred() {
        let headers = [
            Attr::new("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
            Attr::new("date", "Sun, 06 Nov 1994 08:49:07 GMT"),
        ];
        assert_eq!(retry_after(&headers, 0), Some(30_000));
    }
}
