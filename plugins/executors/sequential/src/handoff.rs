//! What a step learns from the one before: its summary and its output, both capped.

use std::collections::BTreeMap;

use baton_sdk::executor::{Child, Keys};
use baton_sdk::words::{SUMMARY_BYTES, capped};
use serde_json::json;
use serde_json::value::RawValue;

/// How much of an output is handed on.
const OUTPUT_BYTES: usize = 16 * 1024;

/// `input` with `handoff_from_<name>` in it. An input that is no object becomes `{"input": …}` first.
pub fn added(input: &str, before: &Child) -> String {
    let key = format!("handoff_from_{}", before.name);
    let mut fields = match serde_json::from_str::<Keys>(input) {
        Ok(fields) => fields,
        Err(_) => BTreeMap::from([(String::from("input"), raw(input))]),
    };
    fields.insert(key, raw(&handoff(before)));
    text(&fields)
}

fn handoff(before: &Child) -> String {
    let (summary, output) = match &before.outcome {
        Some(outcome) => (outcome.summary.as_str(), outcome.output.as_str()),
        None => ("", "null"),
    };
    let fields = Keys::from([
        (String::from("key_outputs"), raw(&key_outputs(output))),
        (String::from("summary"), raw(&json!(capped(summary, SUMMARY_BYTES)).to_string())),
    ]);
    text(&fields)
}

/// The output if it is small enough, else those of its top-level keys that fit, in the order of their names.
fn key_outputs(output: &str) -> String {
    if output.len() <= OUTPUT_BYTES {
        return output.to_owned();
    }
    let mut kept = Keys::from([(String::from("truncated"), raw("true"))]);
    let mut size = text(&kept).len();
    for (key, value) in serde_json::from_str::<Keys>(output).unwrap_or_default() {
        let added = json!(key).to_string().len() + value.get().len() + 2;
        if key != "truncated" && size + added <= OUTPUT_BYTES {
            size += added;
            kept.insert(key, value);
        }
    }
    text(&kept)
}

fn text(fields: &Keys) -> String {
    serde_json::to_string(fields).unwrap_or_else(|_| String::from("{}"))
}

/// JSON text as a value of a larger one. The host lets nothing else than JSON come here; `null` stands for what is not.
fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| null())
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests {
    use baton_sdk::executor::Outcome;
    use baton_sdk::fixture::succeeded;

    use super::*;

    #[test]
    fn a_value_that_is_no_object_is_wrapped() {
        let before = succeeded("plan", Outcome::raw("Two parts.", String::from("[1, 2]")));
        assert_eq!(
            added("7.10", &before),
            r#"{"handoff_from_plan":{"key_outputs":[1, 2],"summary":"Two parts."},"input":7.10}"#
        );
    }

    #[test]
    fn a_long_summary_ends_between_characters() {
        let before = succeeded("plan", Outcome::text(format!("{}é", "x".repeat(4095))));
        let input = added("{}", &before);
        let expected =
            format!(r#"{{"handoff_from_plan":{{"key_outputs":null,"summary":"{}"}}}}"#, "x".repeat(4095));
        assert_eq!(input, expected);
    }

    #[test]
    fn a_large_output_keeps_the_keys_that_fit() {
        let large = json!({"a": "x".repeat(10_000), "b": "x".repeat(10_000), "c": 3}).to_string();
        let kept = format!(r#"{{"a":"{}","c":3,"truncated":true}}"#, "x".repeat(10_000));
        assert_eq!(key_outputs(&large), kept);
    }

    #[test]
    fn exactly_16_kib_fit() {
        let string = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert_eq!(key_outputs(&string(16_384)), string(16_384));
        assert_eq!(key_outputs(&string(16_385)), r#"{"truncated":true}"#);
    }
}
