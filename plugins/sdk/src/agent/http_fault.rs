//! Faults of HTTP requests, classified in the same way in every adapter.

use serde_json::Value;

use super::given::given;
use super::http::HttpError;
use super::retry_after::retry_after;
use crate::words::{Attr, ErrorClass, Fault, capped};

/// The most bytes of a server's message that are shown.
const SHOWN_BYTES: usize = 200;

/// The fault of a request without a complete response.
pub fn http_fault(error: &HttpError) -> Fault {
    match error {
        HttpError::Denied(why) => Fault::new(ErrorClass::Environment, why),
        HttpError::BadRequest(why) => Fault::new(ErrorClass::InvalidInput, why),
        HttpError::Unreachable(why) => Fault::new(ErrorClass::Transient, why),
        HttpError::TimedOut(after) => {
            Fault::new(ErrorClass::Timeout, format!("the service was silent for {after} ms"))
        }
        HttpError::TooLarge(limit) => Fault::new(
            ErrorClass::InvalidOutput,
            format!("the service sent more than the {limit} bytes that it may send"),
        ),
        HttpError::Broken(why) => Fault::new(ErrorClass::Transient, format!("the connection broke: {why}")),
        HttpError::Stopped => Fault::stopped("the attempt is over"),
    }
}

/// The fault of a response whose status is no success. `now` is in Unix milliseconds, for a `Retry-After` that is a date.
pub fn status_fault(status: u16, headers: &[Attr], body: &[u8], now: u64) -> Fault {
    let text = String::from_utf8_lossy(body);
    let json = serde_json::from_str::<Value>(&text).ok();
    let error = json.as_ref().map(|json| given(json, "error").unwrap_or(json));
    let class = match error.and_then(word_class) {
        // Servers use this for anything from a wrong key to an unknown model, so the status is more precise.
        None | Some(ErrorClass::InvalidInput) => status_class(status),
        Some(class) => class,
    };
    let said = match error.and_then(message) {
        Some(message) => message,
        None => text.trim(),
    };
    let said = one_line(said);
    let message = match said.as_str() {
        "" => format!("the service answered {status}"),
        said => format!("the service answered {status}: {said}"),
    };
    Fault { retry_after: retry_after(headers, now), ..Fault::new(class, message) }
}

/// The fault of an error object inside of a response with a success status.
pub fn error_fault(error: &Value) -> Fault {
    let status = error.get("code").and_then(number).filter(|status| (300..600).contains(status));
    let class = word_class(error).or_else(|| status.map(status_class)).unwrap_or(ErrorClass::Transient);
    let said = message(error).map_or_else(|| error.to_string(), str::to_owned);
    Fault::new(class, format!("the service reported an error: {}", one_line(&said)))
}

/// The fault of a reply that violates its protocol: transient, because the task is not to blame. `what` describes the reply,
/// `shown` is quoted.
pub fn malformed_reply(what: &str, shown: &str) -> Fault {
    Fault::new(ErrorClass::Transient, format!("the service sent {what}: {}", one_line(shown)))
}

/// The text as one line of at most 200 bytes.
pub fn one_line(text: &str) -> String {
    capped(&text.split_whitespace().collect::<Vec<_>>().join(" "), SHOWN_BYTES).to_owned()
}

fn status_class(status: u16) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Unauthorized,
        402 => ErrorClass::Budget,
        // The operator's: the path, the model's name, or a redirect, which is not followed.
        300..400 | 404 | 405 | 410 | 501 => ErrorClass::Environment,
        408 | 504 => ErrorClass::Timeout,
        409 | 425 => ErrorClass::Transient,
        429 => ErrorClass::RateLimited,
        400..500 => ErrorClass::InvalidInput,
        500..600 => ErrorClass::Transient,
        _ => ErrorClass::Other(String::from("http-status")),
    }
}

/// The class of an error's well-known code or type, which says more than the status: an empty account is often a 429.
fn word_class(error: &Value) -> Option<ErrorClass> {
    let word = |key| error.get(key).and_then(Value::as_str);
    [word("code"), word("type"), word("status")].into_iter().flatten().find_map(|word| match word {
        "insufficient_quota" | "billing_hard_limit_reached" | "insufficient_credits" => {
            Some(ErrorClass::Budget)
        }
        "rate_limit_exceeded" | "rate_limit_error" | "RESOURCE_EXHAUSTED" => Some(ErrorClass::RateLimited),
        "content_filter" | "content_policy_violation" | "invalid_prompt" => Some(ErrorClass::Refused),
        "context_length_exceeded" | "string_above_max_length" => Some(ErrorClass::InvalidInput),
        "model_not_found" => Some(ErrorClass::Environment),
        "invalid_api_key" | "authentication_error" | "permission_error" => Some(ErrorClass::Unauthorized),
        "server_error" | "overloaded_error" | "internal_server_error" => Some(ErrorClass::Transient),
        "timeout_error" => Some(ErrorClass::Timeout),
        "invalid_request_error" => Some(ErrorClass::InvalidInput),
        _ => None,
    })
}

fn message(error: &Value) -> Option<&str> {
    let word = |key| error.get(key).and_then(Value::as_str);
    error.as_str().or_else(|| word("message")).or_else(|| word("detail")).or_else(|| word("title"))
}

/// A number, also one written as text.
fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16) -> ErrorClass {
        status_fault(status, &[], b"", 0).class
    }

    #[test]
    fn a_status_has_a_class() {
        for status in [401, 403] {
            assert_eq!(class(status), ErrorClass::Unauthorized);
        }
        for status in [408, 504] {
            assert_eq!(class(status), ErrorClass::Timeout);
        }
        for status in [409, 425, 500, 502, 503, 529] {
            assert_eq!(class(status), ErrorClass::Transient);
        }
        for status in [400, 413, 422, 418] {
            assert_eq!(class(status), ErrorClass::InvalidInput);
        }
        for status in [302, 404, 405] {
            assert_eq!(class(status), ErrorClass::Environment);
        }
        assert_eq!(class(402), ErrorClass::Budget);
        assert_eq!(class(429), ErrorClass::RateLimited);
        assert_eq!(class(101), ErrorClass::Other(String::from("http-status")));
    }

    #[test]
    fn the_server_is_quoted() {
        let message = |body: &str| status_fault(500, &[], body.as_bytes(), 0).message;
        assert_eq!(message(""), "the service answered 500");
        assert_eq!(message("<h1>Oh\n no</h1>"), "the service answered 500: <h1>Oh no</h1>");
        for body in [
            r#"{"error": {"message": "Oh"}}"#,
            r#"{"error": "Oh"}"#,
            r#"{"message": "Oh"}"#,
            r#"{"detail": "Oh"}"#,
        ] {
            assert_eq!(message(body), "the service answered 500: Oh");
        }
        assert_eq!(message(&"x".repeat(500)).len(), "the service answered 500: ".len() + 200);
    }

    #[test]
    fn words_say_more_than_a_status() {
        let class = |status, body: &str| status_fault(status, &[], body.as_bytes(), 0).class;
        assert_eq!(class(429, r#"{"error": {"code": "insufficient_quota"}}"#), ErrorClass::Budget);
        assert_eq!(class(400, r#"{"error": {"code": "content_filter"}}"#), ErrorClass::Refused);
        assert_eq!(class(400, r#"{"error": {"code": "model_not_found"}}"#), ErrorClass::Environment);
        assert_eq!(class(401, r#"{"error": {"type": "invalid_request_error"}}"#), ErrorClass::Unauthorized);
    }

    #[test]
    fn a_request_to_wait_is_handed_on() {
        let fault = status_fault(429, &[Attr::new("retry-after", "3")], b"", 0);
        assert_eq!(fault.retry_after, Some(3000));
    }

    #[test]
    fn an_error_inside_a_success_is_sorted_too() {
        let class = |text: &str| error_fault(&serde_json::from_str(text).unwrap()).class;
        assert_eq!(class(r#"{"code": 429, "message": "Slow down."}"#), ErrorClass::RateLimited);
        assert_eq!(class(r#"{"code": "502"}"#), ErrorClass::Transient);
        assert_eq!(class(r#"{"type": "invalid_request_error"}"#), ErrorClass::InvalidInput);
        assert_eq!(class(r#""broken""#), ErrorClass::Transient);
    }

    #[test]
    fn a_request_without_response_has_a_class() {
        let why = || String::from("why");
        assert_eq!(http_fault(&HttpError::Denied(why())).class, ErrorClass::Environment);
        assert_eq!(http_fault(&HttpError::BadRequest(why())).class, ErrorClass::InvalidInput);
        assert_eq!(http_fault(&HttpError::Unreachable(why())).class, ErrorClass::Transient);
        assert_eq!(http_fault(&HttpError::TimedOut(5)).class, ErrorClass::Timeout);
        assert_eq!(http_fault(&HttpError::TooLarge(5)).class, ErrorClass::InvalidOutput);
        assert_eq!(http_fault(&HttpError::Broken(why())).class, ErrorClass::Transient);
        assert_eq!(http_fault(&HttpError::Stopped), Fault::stopped("the attempt is over"));
    }
}
