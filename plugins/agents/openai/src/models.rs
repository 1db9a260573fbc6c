//! What the list of models says of a service's health.

use baton_sdk::agent::{Health, status_fault};
use serde_json::Value;

pub fn health(status: u16, body: &[u8], model: &str) -> Health {
    match status {
        200..300 => {}
        // Not every service lists its models.
        404 | 405 => return Health::Ready,
        401 | 403 => return Health::Unreachable(status_fault(status, &[], body, 0).message),
        _ => return Health::Degraded(status_fault(status, &[], body, 0).message),
    }
    let list = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let Some(list) = list.get("data").and_then(Value::as_array) else {
        return Health::Degraded(String::from("the service's list of models is none"));
    };
    if list.iter().any(|entry| entry.get("id").and_then(Value::as_str) == Some(model)) {
        Health::Ready
    } else {
        Health::Degraded(format!("the model `{model}` is none of the {} that the service lists", list.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_must_be_listed() {
        let body = br#"{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}"#;
        assert_eq!(health(200, body, "b"), Health::Ready);
        let lacking = "the model `c` is none of the 2 that the service lists";
        assert_eq!(health(200, body, "c"), Health::Degraded(lacking.to_owned()));
    }

    #[test]
    fn a_service_without_a_list_is_ready_and_one_that_wants_another_key_is_not() {
        assert_eq!(health(404, b"", "a"), Health::Ready);
        let refused = Health::Unreachable(String::from("the service answered 401"));
        assert_eq!(health(401, b"", "a"), refused);
    }

    #[test]
    fn a_service_that_answers_otherwise_is_degraded() {
        assert_eq!(health(500, b"", "a"), Health::Degraded(String::from("the service answered 500")));
        let none = "the service's list of models is none";
        assert_eq!(health(200, b"<html>", "a"), Health::Degraded(none.to_owned()));
    }
}
