//! Hand-off: passes the summary and output of one step to the next. A long output is shortened: small members whole, and of
//! long texts and lists the most informative parts (see [`super::extract`]), with a note of how much was kept and where the
//! whole output is.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;

use super::extract::{extract, ranked, worth};
use super::{Child, Keys};
use crate::words::{Attr, NewTask, SUMMARY_BYTES, capped};

/// The most bytes of JSON of one output: some 16,000 tokens.
pub(super) const OUTPUT_BYTES: usize = 64 * 1024;
/// The most bytes of JSON of all outputs that are passed on together.
const ALL_BYTES: usize = 256 * 1024;
/// The least share of one of them.
const LEAST_BYTES: usize = 8 * 1024;

impl NewTask {
    /// The task with the result of the one before it as `handoff_from_<name>` in its input. An input that is no object becomes
    /// `{"input": …}` first. If the result was shortened, an attribute says so.
    pub fn after(mut self, before: &Child) -> Self {
        self.input = with_member(&self.input, &format!("handoff_from_{}", before.name), &handoff(before));
        if let Some(Cut { kept, of, .. }) = Cut::of(before, OUTPUT_BYTES) {
            let attr = format!("handoff.{}", before.name);
            self.attrs.push(Attr::new(attr, format!("{kept} of {of} bytes")));
        }
        self
    }
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

/// The results of children as a JSON list, for a task that works on them: name, score if there is one, summary, and the
/// output, shortened if need be.
pub fn gathered<'a>(children: impl IntoIterator<Item = &'a Child>) -> String {
    let children: Vec<&Child> = children.into_iter().collect();
    let each = (ALL_BYTES / children.len().max(1)).clamp(LEAST_BYTES, OUTPUT_BYTES);
    let results: Vec<String> = children.into_iter().map(|child| result(child, each)).collect();
    format!("[{}]", results.join(","))
}

fn result(child: &Child, bytes: usize) -> String {
    let mut fields = handed(child, "output", bytes);
    fields.insert(String::from("name"), raw(&json!(child.name).to_string()));
    if let Some(score) = child.score() {
        fields.insert(String::from("score"), raw(&json!(score).to_string()));
    }
    text(&fields)
}

fn handoff(before: &Child) -> String {
    text(&handed(before, "key_outputs", OUTPUT_BYTES))
}

/// Summary and output of a child, with a note if the output was shortened.
fn handed(child: &Child, output: &str, bytes: usize) -> Keys {
    let summary = child.outcome.as_ref().map_or("", |outcome| outcome.summary.as_str());
    let all = child.output();
    let kept = shrunk(all, bytes);
    let mut fields = Keys::from([
        (String::from("summary"), raw(&json!(capped(summary, SUMMARY_BYTES)).to_string())),
        (output.to_owned(), raw(&kept)),
    ]);
    if let Some(cut) = Cut::of(child, bytes) {
        let said = json!({ "kept_bytes": cut.kept, "of_bytes": cut.of, "all": cut.all }).to_string();
        fields.insert(String::from("cut"), raw(&said));
    }
    fields
}

/// The note on an output that was shortened.
struct Cut {
    kept: usize,
    of: usize,
    /// Where the whole output is.
    all: String,
}

impl Cut {
    fn of(child: &Child, bytes: usize) -> Option<Self> {
        let of = child.output().len();
        let all = format!("the output of {}: `baton show TASK --json`", child.name);
        (of > bytes).then(|| Self { kept: shrunk(child.output(), bytes).len(), of, all })
    }
}

/// A JSON value in at most this many bytes, shortened if need be.
pub(super) fn shrunk(json: &str, bytes: usize) -> String {
    if json.len() <= bytes {
        return json.to_owned();
    }
    if let Ok(long) = serde_json::from_str::<String>(json) {
        return json!(extract(&long, bytes.saturating_sub(2))).to_string();
    }
    if let Ok(fields) = serde_json::from_str::<Keys>(json) {
        return members(fields, bytes);
    }
    match serde_json::from_str::<Vec<Box<RawValue>>>(json) {
        Ok(elements) => list(&elements, bytes),
        Err(_) => String::from("null"),
    }
}

/// The small members whole, and the large ones shortened to a share of what is left.
fn members(fields: Keys, bytes: usize) -> String {
    let mut kept = Keys::from([(String::from("truncated"), raw("true"))]);
    let mut left = bytes.saturating_sub(text(&kept).len());
    let mut fields: Vec<(String, Box<RawValue>)> =
        fields.into_iter().filter(|(key, _)| key != "truncated").collect();
    fields.sort_by_key(|(key, value)| (value.get().len(), key.clone()));
    let mut more = fields.len();
    for (key, value) in fields {
        let share = left / more.max(1);
        more -= 1;
        let around = json!(key).to_string().len() + 2;
        let Some(room) = share.checked_sub(around).filter(|room| *room >= 4) else { continue };
        let value = shrunk(value.get(), room);
        left -= around + value.len();
        kept.insert(key, raw(&value));
    }
    text(&kept)
}

/// The most informative elements, in their order.
fn list(elements: &[Box<RawValue>], bytes: usize) -> String {
    let texts: Vec<&str> = elements.iter().map(|element| element.get()).collect();
    let mut chosen: BTreeMap<usize, String> = BTreeMap::new();
    let mut left = bytes.saturating_sub(2);
    let longest = left / 4;
    for at in ranked(&worth(&texts)) {
        let element = shrunk(texts[at], longest);
        if element.len() < left {
            left -= element.len() + 1;
            chosen.insert(at, element);
        }
    }
    format!("[{}]", chosen.into_values().collect::<Vec<_>>().join(","))
}

fn text(fields: &Keys) -> String {
    serde_json::to_string(fields).unwrap_or_else(|_| String::from("{}"))
}

/// JSON text as a raw value. Texts from the host always parse; any other text becomes `null`.
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
    use crate::words::Outcome;

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
            NewTask::new("next", "", "7.10").after(&before).input,
            r#"{"handoff_from_plan":{"key_outputs":[1, 2],"summary":"Two parts."},"input":7.10}"#
        );
    }

    #[test]
    fn a_long_summary_ends_between_characters() {
        let before = succeeded("plan", Outcome::text(format!("{}é", "x".repeat(4095))));
        let input = NewTask::new("next", "", "{}").after(&before).input;
        let expected =
            format!(r#"{{"handoff_from_plan":{{"key_outputs":null,"summary":"{}"}}}}"#, "x".repeat(4095));
        assert_eq!(input, expected);
    }

    #[test]
    fn a_large_output_keeps_what_fits_and_says_how_much_that_is() {
        let long: String = (0..3_000).map(|at| format!("Line {at} of a long text. ")).collect();
        let before = succeeded("plan", Outcome::raw("", json!({ "a": 3, "z": long, "b": [1] }).to_string()));
        let told: serde_json::Value = serde_json::from_str(&handoff(&before)).unwrap();
        let output = &told["key_outputs"];
        assert_eq!(
            (&output["a"], &output["b"], &output["truncated"]),
            (&json!(3), &json!([1]), &json!(true))
        );
        assert!(output["z"].as_str().unwrap().len() > 40_000);
        let kept = told["cut"]["kept_bytes"].as_u64().unwrap();
        assert_eq!(kept as usize, output.to_string().len());
        assert_eq!(told["cut"]["of_bytes"].as_u64().unwrap() as usize, before.output().len());
        let attrs = NewTask::new("next", "", "{}").after(&before).attrs;
        assert_eq!(attrs, [Attr::new("handoff.plan", format!("{kept} of {} bytes", before.output().len()))]);
    }

    #[test]
    fn every_kind_of_value_fits() {
        let values = [
            json!("word ".repeat(9_000)),
            json!((0..9_000).collect::<Vec<u32>>()),
            json!({ "deep": { "deeper": ["x".repeat(9_000), "y".repeat(9_000)] } }),
            json!([["x".repeat(40_000)]]),
        ];
        for value in values {
            for bytes in [16, 100, 1_000, 16_384] {
                let shrunk = shrunk(&value.to_string(), bytes);
                assert!(shrunk.len() <= bytes.max(18), "{bytes}: {} bytes", shrunk.len());
                assert!(serde_json::from_str::<serde_json::Value>(&shrunk).is_ok(), "{shrunk}");
            }
        }
    }

    #[test]
    fn what_fits_is_handed_on_as_it_was_written() {
        let string = format!("\"{}\"", "x".repeat(OUTPUT_BYTES - 2));
        assert_eq!(shrunk(&string, OUTPUT_BYTES), string);
        assert_eq!(shrunk("{\"n\": 1.50}", 64), "{\"n\": 1.50}");
    }
}
