//! Classifies error texts by the phrases that model providers and their programs use. Only for texts that are known to be
//! errors: a model's answer may well be about rate limits.

use crate::words::{ErrorClass, Fault, capped};

/// The most bytes of a text in a message.
const SHOWN_BYTES: usize = 1000;

const BUDGET: [&str; 9] = [
    "credit balance",
    "insufficient credits",
    "insufficient_quota",
    "insufficient quota",
    "exceeded your current quota",
    "plan and billing",
    "billing_error",
    "budget has been exceeded",
    "budgetexceeded",
];

const REFUSED: [&str; 6] = [
    "usage policy",
    "safety policy",
    "content policy",
    "content_policy",
    "contentpolicyviolation",
    "was flagged",
];

const RATE_LIMITED: [&str; 9] = [
    "rate limit",
    "rate_limit",
    "ratelimit",
    "too many requests",
    "usage limit",
    "session limit",
    "weekly limit",
    "limit reached",
    "resource_exhausted",
];

const UNAUTHORIZED: [&str; 12] = [
    "unauthorized",
    "authenticat",
    "invalid api key",
    "incorrect api key",
    "api key not valid",
    "api_key",
    "not logged in",
    "/login",
    "token expired",
    "token has expired",
    "token could not be refreshed",
    "permission_error",
];

const INVALID_INPUT: [&str; 6] = [
    "prompt is too long",
    "context window",
    "context length",
    "context_length",
    "contextwindowexceeded",
    "has hit a token limit",
];

/// Phrases for a malformed request.
const MALFORMED: [&str; 4] = ["bad request", "bad_request", "invalid_request_error", "invalid_argument"];

const ENVIRONMENT: [&str; 4] =
    ["model_not_found", "issue with the selected model", "model is not supported", "unknown model"];

const TRANSIENT: [&str; 11] = [
    "overloaded",
    "internal server error",
    "internalservererror",
    "service unavailable",
    "serviceunavailable",
    "bad gateway",
    "high demand",
    "stream disconnected",
    "connection",
    "timed out",
    "timeout",
];

/// A fault with this text, of the class that its phrases indicate, or `otherwise`.
pub fn fault(text: &str, otherwise: ErrorClass) -> Fault {
    Fault {
        retry_after: retry_after(text),
        ..Fault::new(class(text).unwrap_or(otherwise), capped(text.trim(), SHOWN_BYTES))
    }
}

/// The class that the phrases of a text indicate; none if it has no known one.
pub fn class(text: &str) -> Option<ErrorClass> {
    let text = text.to_lowercase();
    let speaks_of = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if speaks_of(&BUDGET) {
        Some(ErrorClass::Budget)
    } else if speaks_of(&REFUSED) {
        Some(ErrorClass::Refused)
    } else if speaks_of(&RATE_LIMITED) {
        Some(ErrorClass::RateLimited)
    } else if speaks_of(&UNAUTHORIZED) {
        Some(ErrorClass::Unauthorized)
    } else if speaks_of(&INVALID_INPUT) {
        Some(ErrorClass::InvalidInput)
    } else if speaks_of(&ENVIRONMENT) {
        Some(ErrorClass::Environment)
    } else if let Some(class) = named_status(&text) {
        Some(class)
    } else if speaks_of(&MALFORMED) {
        Some(ErrorClass::InvalidInput)
    } else if speaks_of(&TRANSIENT) {
        Some(ErrorClass::Transient)
    } else {
        None
    }
}

/// The class of an HTTP status; none if it is not an error.
pub fn status(status: i64) -> Option<ErrorClass> {
    match status {
        401 | 403 => Some(ErrorClass::Unauthorized),
        402 => Some(ErrorClass::Budget),
        404 => Some(ErrorClass::Environment),
        408 => Some(ErrorClass::Timeout),
        429 => Some(ErrorClass::RateLimited),
        400 | 405..=407 | 409..=428 | 430..=499 => Some(ErrorClass::InvalidInput),
        500..=599 => Some(ErrorClass::Transient),
        _ => None,
    }
}

/// The class of an HTTP status that a text names. Some numbers are hardly ever anything else; the others count only right
/// after a word for it, as in `HTTP 400` or `API Error: 500`.
fn named_status(text: &str) -> Option<ErrorClass> {
    if !["status", "error", "http", "rejected"].iter().any(|word| text.contains(word)) {
        return None;
    }
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let number = |word: &&str| word.parse::<i64>().ok();
    let plain = words.iter().filter_map(number);
    let plain = plain.filter(|number| matches!(number, 401 | 403 | 429 | 502 | 503 | 504 | 529));
    let is_named =
        |pair: &&[&str]| matches!(pair[0], "status" | "http" | "error" | "code" | "rejected" | "details");
    let named = words.windows(2).filter(is_named).filter_map(|pair| number(&pair[1]));
    plain.chain(named.filter(|number| (400..600).contains(number))).find_map(status)
}

/// The wait in milliseconds from a phrase such as `try again in 20s`, `1.5 s`, `300ms`, `2 minutes` or `3 hours`.
pub fn retry_after(text: &str) -> Option<u64> {
    let text = text.to_lowercase();
    let (_, rest) = text.split_once("again in ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let amount: f64 = rest[..digits].trim_end_matches('.').parse().ok()?;
    let unit: String = rest[digits..].trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let milliseconds = match unit.as_str() {
        "ms" | "milliseconds" => 1.0,
        "s" | "second" | "seconds" | "sec" => 1000.0,
        "m" | "min" | "minute" | "minutes" => 60_000.0,
        "h" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => 86_400_000.0,
        _ => return None,
    };
    Some((amount * milliseconds).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_print_has_a_class() {
        let cases = [
            ("exceeded retry limit, last status: 429 Too Many Requests", Some(ErrorClass::RateLimited)),
            ("API Error: Request rejected (429)", Some(ErrorClass::RateLimited)),
            ("You've hit your session limit · resets 9am (Europe/Berlin)", Some(ErrorClass::RateLimited)),
            ("API Error: 529 {\"type\":\"overloaded_error\"}", Some(ErrorClass::Transient)),
            ("unexpected status 401 Unauthorized: token expired", Some(ErrorClass::Unauthorized)),
            ("Invalid API key · Please run /login", Some(ErrorClass::Unauthorized)),
            ("litellm.AuthenticationError: AnthropicException", Some(ErrorClass::Unauthorized)),
            ("Your credit balance is too low", Some(ErrorClass::Budget)),
            ("Quota exceeded. Check your plan and billing details.", Some(ErrorClass::Budget)),
            ("This request appears to violate our Usage Policy", Some(ErrorClass::Refused)),
            ("prompt is too long: 220000 tokens > 200000 maximum", Some(ErrorClass::InvalidInput)),
            ("stream disconnected before completion", Some(ErrorClass::Transient)),
            ("error: line 12 of 500 is odd", None),
            ("unexpected status 400 Bad Request: scripted 400", Some(ErrorClass::InvalidInput)),
            ("Internal error: API Error: 400 {\"type\":\"error\"}", Some(ErrorClass::InvalidInput)),
            ("status 422: no such parameter", Some(ErrorClass::InvalidInput)),
            ("provider answered (HTTP 500)", Some(ErrorClass::Transient)),
            ("{\"type\":\"invalid_request_error\",\"message\":\"x\"}", Some(ErrorClass::InvalidInput)),
            ("GenerateContentRequest: INVALID_ARGUMENT", Some(ErrorClass::InvalidInput)),
            ("error: it has 400 lines", None),
            ("error in room 404 of the hotel", None),
            ("it has 429 lines", None),
            ("no such branch", None),
        ];
        for (text, expected) in cases {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wait_is_read() {
        assert_eq!(retry_after("Please try again in 1.5s. Visit"), Some(1500));
        assert_eq!(retry_after("try again in 20 seconds"), Some(20_000));
        assert_eq!(retry_after("Try again in 3 hours 5 minutes."), Some(10_800_000));
        assert_eq!(retry_after("try again in a while"), None);
        assert_eq!(retry_after("try again at 5pm"), None);
    }

    #[test]
    fn a_fault_keeps_the_text() {
        let fault = fault(" boom \n", ErrorClass::Crashed);
        assert_eq!(fault, Fault::new(ErrorClass::Crashed, "boom"));
    }
}
