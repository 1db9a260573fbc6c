//! The input and the arguments of the program.

use std::collections::BTreeMap;

use baton_sdk::agent::{Attempt, Attr, inputs, notes};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// For the `{name}` places of the profile's arguments.
pub fn values(attempt: &Attempt) -> Vec<Attr> {
    let task = &attempt.task;
    let mut values = vec![
        Attr::new("task", &task.id),
        Attr::new("run", &task.run),
        Attr::new("title", &task.title),
        Attr::new("attempt", attempt.epoch.to_string()),
        Attr::new("agent", &attempt.agent),
        Attr::new("input", &task.input),
    ];
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&task.input).unwrap_or_default();
    for (key, raw) in fields {
        if let Some(value) = plain(&raw) {
            values.push(Attr::new(format!("input.{key}"), value));
        }
    }
    values
}

/// A scalar without its quotes; numbers as they were written.
fn plain(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()) {
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Bool(_) | Value::Number(_) | Value::Null) => Some(raw.get().to_owned()),
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => None,
    }
}

/// The attempt as one JSON object; its input stays the text that it was.
pub fn stdin(attempt: &Attempt) -> Vec<u8> {
    let task = &attempt.task;
    let mut fields = vec![
        ("task", json!(task.id).to_string()),
        ("run", json!(task.run).to_string()),
        ("title", json!(task.title).to_string()),
        ("attempt", attempt.epoch.to_string()),
        ("idempotency_key", json!(attempt.idempotency_key).to_string()),
        ("feedback", json!(task.feedback).to_string()),
    ];
    fields.push(("input", task.input.clone()));
    fields.extend(inputs(attempt).map(|inputs| ("inputs", inputs.to_owned())));
    fields.extend(notes(attempt).map(|notes| ("notes", json!(notes).to_string())));
    let members: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", members.join(",")).into_bytes()
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::attempt;

    use super::*;

    #[test]
    fn plain_values_of_the_input_have_places_of_their_own() {
        let attempt = attempt(r#"{"a": "x\ny", "b": 1.50, "c": [1], "d": true, "e": null}"#);
        let values: Vec<(String, String)> =
            values(&attempt).into_iter().skip(6).map(|attr| (attr.name, attr.value)).collect();
        let expected = [("input.a", "x\ny"), ("input.b", "1.50"), ("input.d", "true"), ("input.e", "null")];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn every_attempt_has_the_common_places() {
        let names: Vec<String> = values(&attempt("[1]")).into_iter().map(|attr| attr.name).collect();
        assert_eq!(names, ["task", "run", "title", "attempt", "agent", "input"]);
    }

    #[test]
    fn the_attempt_is_one_line_of_json() {
        let mut attempt = attempt("1.50");
        attempt.task.feedback = vec![String::from("say \"why\"")];
        assert_eq!(
            String::from_utf8(stdin(&attempt)).unwrap(),
            "{\"task\":\"t\",\"run\":\"r1\",\"title\":\"Title\",\"attempt\":1,\"idempotency_key\":\"r1/t\",\
             \"feedback\":[\"say \\\"why\\\"\"],\"input\":1.50}\n"
        );
    }
}
