//! Reads an answer, in the various places and forms in which models give it.

use baton_sdk::agent::data;
use baton_sdk::router::Outcome;
use baton_sdk::words::capped;
use serde_json::{Map, Value};

/// The most bytes of a name and of a reason that are repeated in the decision's reason.
const NAME: usize = 80;
const REASON: usize = 240;

#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// As it was written; it may not be the id of an agent.
    pub agent: String,
    /// One line, empty if there is none.
    pub reason: String,
}

impl Reply {
    /// Reads the output, or the summary if the output names no agent. The error says what is wrong.
    pub fn read(outcome: &Outcome) -> Result<Self, String> {
        let said = match serde_json::from_str(&outcome.output) {
            Ok(value) => said(&value)?,
            Err(_) => written(&outcome.output)?,
        };
        match said {
            Some(reply) => Ok(reply),
            None => written(&outcome.summary)?.ok_or_else(|| String::from("its answer names no agent")),
        }
    }

    /// The name as a reason repeats it.
    pub fn name(&self) -> String {
        line(&self.agent, NAME)
    }
}

fn said(value: &Value) -> Result<Option<Reply>, String> {
    match value {
        Value::Object(members) => member(members),
        Value::String(text) => match written(text)? {
            None if is_one_word(text) => {
                Ok(Some(Reply { agent: text.trim().to_owned(), reason: String::new() }))
            }
            reply => Ok(reply),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Ok(None),
    }
}

/// Adapters turn answers without data into `{"text": …}`.
fn member(members: &Map<String, Value>) -> Result<Option<Reply>, String> {
    match (members.get("agent"), members.get("text")) {
        (Some(Value::String(agent)), _) => {
            let reason = members.get("reason").and_then(Value::as_str).unwrap_or_default();
            Ok(Some(Reply { agent: agent.clone(), reason: line(reason, REASON) }))
        }
        (Some(other), _) => Err(format!("its `agent` is {}, not a text", line(&other.to_string(), NAME))),
        (None, Some(Value::String(text))) => written(text),
        (None, _) => Ok(None),
    }
}

/// The JSON object that a text is, or that stands in it, fenced or between its outermost braces.
fn written(text: &str) -> Result<Option<Reply>, String> {
    let braces = text.find('{').zip(text.rfind('}'));
    let between = braces.and_then(|(first, last)| text.get(first..=last));
    let mut objects =
        data(text).into_iter().chain(between).filter_map(|json| serde_json::from_str(json).ok());
    match objects.next() {
        Some(members) => member(&members),
        None => Ok(None),
    }
}

fn is_one_word(text: &str) -> bool {
    text.split_whitespace().count() == 1 && !text.contains(['{', '}'])
}

/// One line without control characters.
fn line(text: &str, bytes: usize) -> String {
    let words: Vec<&str> = capped(text, bytes).split_whitespace().collect();
    words.join(" ").replace(char::is_control, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(json: &str) -> Result<Reply, String> {
        Reply::read(&Outcome::raw("Done.", json.to_owned()))
    }

    fn reply(agent: &str, reason: &str) -> Result<Reply, String> {
        Ok(Reply { agent: agent.to_owned(), reason: reason.to_owned() })
    }

    #[test]
    fn an_object_names_the_agent_as_it_stands() {
        assert_eq!(
            output(r#"{"agent": "b", "reason": "It\n knows\u0007 Rust."}"#),
            reply("b", "It knows Rust.")
        );
        assert_eq!(output(r#"{"agent": " b", "reason": 3}"#), reply(" b", ""));
        assert_eq!(output(r#"{"agent": "b", "text": "{\"agent\": \"c\"}"}"#), reply("b", ""));
    }

    #[test]
    fn a_text_may_hold_the_object_or_be_the_name() {
        assert_eq!(output(r#""{\"agent\": \"b\"}""#), reply("b", ""));
        assert_eq!(output(r#""I say {\"agent\": \"b\"}, clearly.""#), reply("b", ""));
        assert_eq!(output(r#"{"text": "```json\n{\"agent\": \"b\"}\n```"}"#), reply("b", ""));
        assert_eq!(output(r#"" b\n""#), reply("b", ""));
    }

    #[test]
    fn the_summary_is_read_where_the_output_says_nothing() {
        for summary in [
            r#"{"agent": "b"}"#,
            "```json\n{\"agent\": \"b\"}\n```",
            "```\n{\"agent\": \"b\"}\n```",
            "Here:\n```JSON\n{\"agent\": \"b\"}\n```\nBye {now}.",
        ] {
            assert_eq!(Reply::read(&Outcome::text(summary)), reply("b", ""), "{summary}");
        }
        let both = Outcome::raw(r#"{"agent": "c"}"#, String::from(r#"{"agent": "b"}"#));
        assert_eq!(Reply::read(&both), reply("b", ""));
    }

    #[test]
    fn what_names_nobody_is_no_reply() {
        let none = Err(String::from("its answer names no agent"));
        let deep = "[".repeat(100_000);
        for json in ["null", "", "7", "[\"b\"]", "{}", "{\"agent\": ", "\"b or c\"", "\"}{\"", "\"\"", &deep]
        {
            assert_eq!(output(json), none, "{}", capped(json, 20));
        }
        assert_eq!(Reply::read(&Outcome::text("b")), none);
        assert_eq!(Reply::read(&Outcome::text("{\"agent\": \"b\"")), none);
        assert_eq!(output(r#"{"agent": 2}"#), Err(String::from("its `agent` is 2, not a text")));
    }

    #[test]
    fn long_words_are_cut_where_they_are_repeated() {
        let long = output(&format!(r#"{{"agent": "{0}", "reason": "{0}"}}"#, "é".repeat(500))).unwrap();
        assert_eq!((long.agent.len(), long.name().len(), long.reason.len()), (1000, 80, 240));
    }
}
