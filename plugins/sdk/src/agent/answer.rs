//! Turns a model's answer into an outcome, in the same way in every adapter of a model.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::words::{ErrorClass, Fault, Outcome, SUMMARY_BYTES, capped};

/// The outcome of this answer.
///
/// With a contract, the JSON object or list that the text is, or else its last block marked `json`, is the output as it
/// was written. Anything else is `{"text": ...}`. The summary is the output's `summary` if it has one, or else the
/// first paragraph.
///
/// # Errors
/// `invalid-output` if the text is blank.
pub fn answer(text: &str, contract: bool) -> Result<Outcome, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new(ErrorClass::InvalidOutput, "the answer is empty"));
    }
    match data(text).filter(|_| contract) {
        None => Ok(Outcome::json(summary(text), &json!({ "text": text }))),
        Some(data) => {
            let value: Value = serde_json::from_str(data).unwrap_or_default();
            let said = value.get("summary").and_then(Value::as_str).map(|said| capped(said, SUMMARY_BYTES));
            Ok(Outcome::raw(said.unwrap_or_else(|| summary(text)), data.to_owned()))
        }
    }
}

/// The JSON object or list that the whole text is, otherwise that of its last block marked `json`; none without either.
pub fn data(text: &str) -> Option<&str> {
    structure(text).or_else(|| structure(last_block(text)?))
}

/// The first paragraph, at most [`SUMMARY_BYTES`].
pub fn summary(text: &str) -> &str {
    let text = text.trim();
    let end = text.find("\n\n").into_iter().chain(text.find("\n\r\n")).min().unwrap_or(text.len());
    capped(text[..end].trim_end(), SUMMARY_BYTES)
}

fn structure(text: &str) -> Option<&str> {
    let text = text.trim();
    let opens = text.starts_with('{') || text.starts_with('[');
    (opens && serde_json::from_str::<&RawValue>(text).is_ok()).then_some(text)
}

/// The text between the last line "```json" and the next line "```".
fn last_block(text: &str) -> Option<&str> {
    let mut block = None;
    let mut opened = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        match (line.trim(), opened) {
            ("```", Some(start)) => {
                block = text.get(start..at);
                opened = None;
            }
            (fence, None) if fence.eq_ignore_ascii_case("```json") => opened = Some(end),
            (_, Some(_) | None) => {}
        }
        at = end;
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, contract: bool) -> (String, String) {
        let outcome = answer(text, contract).unwrap();
        (outcome.summary, outcome.output)
    }

    fn pair(summary: &str, output: &str) -> (String, String) {
        (summary.to_owned(), output.to_owned())
    }

    #[test]
    fn words_are_text() {
        assert_eq!(read("\nDone.\nAll of it.\n\nMore.", true).0, "Done.\nAll of it.");
        assert_eq!(read("Done.", true), pair("Done.", r#"{"text":"Done."}"#));
        assert_eq!(read("a\r\n\r\nb", false).0, "a");
    }

    #[test]
    fn data_is_the_output_where_a_contract_wants_it() {
        assert_eq!(read(" {\"n\": 1.50}\n", true), pair("{\"n\": 1.50}", "{\"n\": 1.50}"));
        assert_eq!(read("{\"summary\": \"Did it.\"}", true).0, "Did it.");
        assert_eq!(read("[1]", true).1, "[1]");
        assert_eq!(read("{\"n\": 1}", false).1, r#"{"text":"{\"n\": 1}"}"#);
    }

    #[test]
    fn the_last_block_is_taken() {
        let text =
            "Here:\n```json\n{\"n\": 1}\n```\nNo, here:\n\n```json\n{\"n\": 2}\n```\n```sh\nls\n```\nBye.";
        assert_eq!(read(text, true).1, "{\"n\": 2}");
        assert_eq!(read("```json\n{\"n\": 1", true).1, r#"{"text":"```json\n{\"n\": 1"}"#);
    }

    #[test]
    fn what_does_not_parse_is_text() {
        assert_eq!(read("{\"n\": ", true).1, r#"{"text":"{\"n\": "}"#);
        assert_eq!(read("5", true).1, r#"{"text":"5"}"#);
    }

    #[test]
    fn blank_is_no_answer() {
        assert_eq!(answer(" \n", false).unwrap_err().class, ErrorClass::InvalidOutput);
    }

    #[test]
    fn a_long_paragraph_is_cut() {
        assert_eq!(read(&"x".repeat(5000), false).0.len(), SUMMARY_BYTES);
    }
}
