//! Time, and the only place that reads it. Everything else is told what time it is.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Later than anything that happens.
    pub const NEVER: Self = Self(i64::MAX);

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Time {
    /// `2026-11-21T08:37:54.120Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let (hour, minute, second, milli) =
            (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// Year, month and day of a day count since 1970-01-01.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A wall clock that is behind the record by less is only being set: time stands still until it has caught up.
const SLACK: Duration = Duration::from_secs(60);
/// A record that ends so long ago is worth a word: the clock may be ahead.
const LONG: Duration = Duration::from_secs(31 * 86_400);
/// 2026-01-01. A clock before this program was written was never set, and says nothing.
const UNSET: Time = Time(1_767_225_600_000);

/// How the machine's clock stands to the record at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSkew {
    None,
    /// The record goes further: a clock was ahead once, or is behind now.
    Behind(Duration),
    /// Nothing was recorded for long: nobody was there, or the clock is ahead now.
    Ahead(Duration),
    /// It was never set, and time goes on where the record ends.
    Unset,
}

impl ClockSkew {
    /// When a record that ends at `last` goes on, by a clock that says `wall`. Calendar and daily caps are the real
    /// day's, so a record from the future does not keep the store there.
    #[must_use]
    pub fn at_start(wall: Time, last: Time) -> (Time, Self) {
        let behind = last.since(wall);
        if wall < UNSET && wall < last {
            (last, Self::Unset)
        } else if behind > SLACK {
            (wall, Self::Behind(behind))
        } else if last > Time(0) && wall.since(last) > LONG {
            (wall, Self::Ahead(wall.since(last)))
        } else {
            (wall.max(last), Self::None)
        }
    }

    /// For people, if there is something to say.
    #[must_use]
    pub fn warning(self) -> Option<String> {
        let rounded = |span: Duration, unit: u64| (span.as_secs() + unit / 2) / unit;
        let days = |span: Duration| match rounded(span, 3600) {
            0..2 => format!("{} minutes", rounded(span, 60)),
            hours @ 2..48 => format!("{hours} hours"),
            48.. => format!("{} days", rounded(span, 86_400)),
        };
        match self {
            Self::None => None,
            Self::Behind(span) => Some(format!(
                "the record of this store goes {} beyond this machine's clock: a clock was ahead once, or this one is \
                 behind; times go on by this machine's, and what was to wait for longer is tried now",
                days(span)
            )),
            Self::Ahead(span) => Some(format!(
                "nothing was recorded in this store for {}: if that is not so, this machine's clock is ahead",
                days(span)
            )),
            Self::Unset => Some(
                "this machine's clock was never set: times go on where the record ends, set the clock"
                    .to_owned(),
            ),
        }
    }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's, made monotonic: it starts at a given time and then follows the one that also counts while the
    /// machine sleeps.
    System { origin: Duration, at: Time },
    /// Set by hand, for tests and simulations.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// By the wall clock, whatever was recorded.
    #[must_use]
    pub fn system() -> Self {
        Self::from(wall())
    }

    /// Goes on after the latest time that the store has seen.
    #[must_use]
    pub fn after(last: Time) -> (Self, ClockSkew) {
        let (at, drift) = ClockSkew::at_start(wall(), last);
        (Self::from(at), drift)
    }

    fn from(at: Time) -> Self {
        Self::System { origin: since_boot(), at }
    }

    #[must_use]
    pub fn manual(at: Time) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.0)))
    }

    #[must_use]
    pub fn now(&self) -> Time {
        match self {
            Self::System { origin, at } => *at + since_boot().saturating_sub(*origin),
            Self::Manual(at) => Time(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock on; a system clock moves by itself.
    pub fn advance_to(&self, time: Time) {
        match self {
            Self::System { .. } => {}
            Self::Manual(at) => {
                at.fetch_max(time.0, Ordering::SeqCst);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
fn wall() -> Time {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX))
}

/// Unlike `Instant` it goes on while the machine sleeps.
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// A stopwatch for measurements that are reported and never decided upon.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_as_rfc_3339() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time(951_827_696_789).to_string(), "2000-02-29T12:34:56.789Z");
        assert_eq!(Time(1_795_250_274_120).to_string(), "2026-11-21T08:37:54.120Z");
    }

    const DAY: i64 = 86_400_000;
    const NOW: Time = Time(1_795_250_274_120);

    #[test]
    fn a_record_from_the_future_does_not_keep_the_store_there() {
        for days in [1, 400, 4000] {
            let (at, drift) = ClockSkew::at_start(NOW, Time(NOW.0 + days * DAY));
            assert_eq!(
                (at, drift),
                (NOW, ClockSkew::Behind(Duration::from_secs(days.unsigned_abs() * 86_400)))
            );
        }
        let shown = ClockSkew::Behind(Duration::from_secs(400 * 86_400)).warning().unwrap();
        assert!(
            shown.starts_with("the record of this store goes 400 days beyond this machine's clock"),
            "{shown}"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_a_little_lets_time_stand_still() {
        let last = Time(NOW.0 + 59_000);
        assert_eq!(ClockSkew::at_start(NOW, last), (last, ClockSkew::None));
        assert_eq!(ClockSkew::at_start(last, NOW), (last, ClockSkew::None));
    }

    #[test]
    fn a_clock_that_was_never_set_does_not_take_the_record_back() {
        assert_eq!(ClockSkew::at_start(Time(5000), NOW), (NOW, ClockSkew::Unset));
        assert_eq!(ClockSkew::at_start(Time(5000), Time(0)), (Time(5000), ClockSkew::None));
    }

    #[test]
    fn a_long_silence_is_worth_a_word() {
        let (at, drift) = ClockSkew::at_start(Time(NOW.0 + 400 * DAY), NOW);
        assert_eq!(at, Time(NOW.0 + 400 * DAY));
        assert!(drift.warning().unwrap().starts_with("nothing was recorded in this store for 400 days"));
        assert_eq!(ClockSkew::at_start(NOW, Time(0)).1, ClockSkew::None, "a new store");
    }
}
