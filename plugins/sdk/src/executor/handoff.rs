//! What a step learns from the one before: its summary and its output, both capped.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;

use super::{Child, Keys};
use crate::words::{SUMMARY_BYTES, capped};

/// How much of an output is handed on.
const OUTPUT_BYTES: usize = 16 * 1024;

/// `input` with `handoff_from_<name>` in it. An input that is no object becomes `{"input": …}` first.
pub fn handed_on(input: &str, before: &Child) -> String {
    with_member(input, &format!("handoff_from_{}", before.name), &handoff(before))
}

/// `input` with one more member, whose value is JSON text. An input that is no object becomes `{"input": …}` first.
pub fn with_member(input: &str, key: &str, value: &str) -> String {
    let mut fields = match serde_json::from_str::<Keys>(input) {
        Ok(fields) => fields,
        Err(_) => BTreeMap::from([(String::from("input"), raw(input))]),
    };
    fields.insert(key.to_owned(), raw(value));
    text(&fields)
}

/// What the children came to, as a JSON list for the next who works on it: name, score where there is one, summary, and
/// output, or those of its members that fit.
pub fn gathered<'a>(children: impl IntoIterator<Item = &'a Child>) -> String {
    let told: Vec<String> = children.into_iter().map(told).collect();
    format!("[{}]", told.join(","))
}

fn told(child: &Child) -> String {
    let output = child.outcome.as_ref().map_or("null", |outcome| outcome.output.as_str());
    let summary = child.outcome.as_ref().map_or("", |outcome| outcome.summary.as_str());
    let mut fields = Keys::from([
        (String::from("name"), raw(&json!(child.name).to_string())),
        (String::from("summary"), raw(&json!(capped(summary, SUMMARY_BYTES)).to_string())),
        (String::from("output"), raw(&key_outputs(output))),
    ]);
    if let Some(score) = child.score() {
        fields.insert(String::from("score"), raw(&json!(score).to_string()));
    }
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
pub(super) fn key_outputs(output: &str) -> String {
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
pub fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| null())
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::succeeded;
    use crate::words::{Attr, Outcome};

    #[test]
    fn what_was_gathered_says_name_score_summary_and_output() {
        let mut scored = Outcome::raw("One.", String::from("1.50"));
        scored.attrs = vec![Attr::new("baton.score", "0.5")];
        let children = [succeeded("a", scored), succeeded("b", Outcome::text("Two."))];
        assert_eq!(
            gathered(&children),
            r#"[{"name":"a","output":1.50,"score":0.5,"summary":"One."},{"name":"b","output":null,"summary":"Two."}]"#
        );
    }

    #[test]
    fn a_value_that_is_no_object_is_wrapped() {
        let before = succeeded("plan", Outcome::raw("Two parts.", String::from("[1, 2]")));
        assert_eq!(
            handed_on("7.10", &before),
            r#"{"handoff_from_plan":{"key_outputs":[1, 2],"summary":"Two parts."},"input":7.10}"#
        );
    }

    #[test]
    fn a_long_summary_ends_between_characters() {
        let before = succeeded("plan", Outcome::text(format!("{}é", "x".repeat(4095))));
        let input = handed_on("{}", &before);
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
