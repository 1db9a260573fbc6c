//! Turns a task into a prompt, in the same way in every adapter of a model.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Attempt;
use crate::words::MAY_AMEND;

/// The host's metadata with the JSON Schema that the output must satisfy.
const CONTRACT: &str = "baton.contract";

/// The host's metadata with the results of the tasks that this one depends on.
const INPUTS: &str = "baton.inputs";

/// The host's metadata with notes from earlier tasks of the kind.
const NOTES: &str = "baton.notes";

/// The prompt: title, input, results of the tasks it depends on, notes, why earlier attempts were refused, and the schema of
/// the answer; each only if there is any.
///
/// An input that is a string is used as it is. Of an object with a member `prompt`, that member comes first, and the others
/// follow as JSON under `Context:`. Any other input but `null` is shown as JSON.
pub fn prompt(attempt: &Attempt) -> String {
    let task = &attempt.task;
    let mut parts = vec![task.title.clone()];
    parts.extend(input(&task.input));
    parts.extend(inputs(attempt).map(|inputs| format!("What this builds on:\n{inputs}")));
    parts.extend(notes(attempt).map(|notes| format!("Learned from earlier tasks of this kind:\n{notes}")));
    if !task.feedback.is_empty() {
        let lines: Vec<String> = task.feedback.iter().map(|line| item(line)).collect();
        parts.push(format!("Earlier attempts were not accepted:\n{}", lines.join("\n")));
    }
    parts.extend(amendments(attempt));
    if let Some(schema) = contract(attempt) {
        parts.push(format!("Answer with JSON that satisfies this schema:\n{schema}"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// The JSON Schema that the output must satisfy, as text.
pub fn contract(attempt: &Attempt) -> Option<&str> {
    let attr = attempt.task.metadata.iter().find(|attr| attr.name == CONTRACT)?;
    Some(&attr.value)
}

/// The results of the tasks that this one depends on, as the text of a JSON object by task name.
pub fn inputs(attempt: &Attempt) -> Option<&str> {
    let attr = attempt.task.metadata.iter().find(|attr| attr.name == INPUTS)?;
    Some(&attr.value)
}

/// Notes from earlier tasks of the kind, one `- ` line each.
pub fn notes(attempt: &Attempt) -> Option<&str> {
    let attr = attempt.task.metadata.iter().find(|attr| attr.name == NOTES)?;
    Some(&attr.value)
}

/// How to add tasks to the plan, if the task may.
fn amendments(attempt: &Attempt) -> Option<String> {
    let most = &attempt.task.metadata.iter().find(|attr| attr.name == MAY_AMEND)?.value;
    Some(format!(
        "If something is missing that no task of the plan does, end your answer with a block marked json: {{\"amend\": \
         {{\"tasks\": [{{\"name\": …, \"title\": …, \"input\": …, \"skills\": […], \"depends_on\": […]}}]}}}}, of at most {most} \
         tasks. Otherwise leave the block out."
    ))
}

/// The parts of the prompt for an input. Numbers stay as they were written.
fn input(text: &str) -> Vec<String> {
    let members = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).ok();
    if let Some(mut members) = members
        && let Some(prompt) = members.remove("prompt")
    {
        let mut parts = plain(prompt.get());
        if !members.is_empty() {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())))
                .collect();
            parts.push(format!("Context:\n{{{}}}", members.join(", ")));
        }
        return parts;
    }
    plain(text)
}

fn plain(text: &str) -> Vec<String> {
    match serde_json::from_str(text) {
        Ok(Value::String(text)) => vec![text],
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | Err(_) => {
            vec![text.trim().to_owned()]
        }
    }
}

/// A list item; further lines are indented so that they belong to it.
fn item(text: &str) -> String {
    format!("- {}", text.trim_end().replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::attempt;
    use crate::words::Attr;

    #[test]
    fn a_string_stands_as_it_is() {
        assert_eq!(prompt(&attempt(r#""Say \"hi\".\nTwice.""#)), "Title\n\nSay \"hi\".\nTwice.");
    }

    #[test]
    fn of_an_object_the_prompt_comes_first() {
        assert_eq!(
            prompt(&attempt(r#"{"path": "a\"b", "prompt": "Mend it.", "factor": 1.50}"#)),
            "Title\n\nMend it.\n\nContext:\n{\"factor\": 1.50, \"path\": \"a\\\"b\"}"
        );
        assert_eq!(prompt(&attempt(r#"{"prompt": "Mend it."}"#)), "Title\n\nMend it.");
        assert_eq!(prompt(&attempt(r#"{"prompt": ["a", 1.0]}"#)), "Title\n\n[\"a\", 1.0]");
    }

    #[test]
    fn anything_else_is_json() {
        assert_eq!(prompt(&attempt(r#"{"n": 1.50}"#)), "Title\n\n{\"n\": 1.50}");
        assert_eq!(prompt(&attempt("[1]")), "Title\n\n[1]");
        assert_eq!(prompt(&attempt("null")), "Title");
    }

    #[test]
    fn who_may_amend_a_plan_is_told_how() {
        let mut attempt = attempt(r#""Do it.""#);
        attempt.task.metadata = vec![Attr::new(MAY_AMEND, "3")];
        let prompt = prompt(&attempt);
        assert!(prompt.starts_with("Title\n\nDo it.\n\nIf something is missing"), "{prompt}");
        assert!(prompt.contains("of at most 3 tasks"), "{prompt}");
    }

    #[test]
    fn feedback_and_contract_follow() {
        let mut attempt = attempt(r#""Do it.""#);
        attempt.task.feedback = vec![String::from("two\nlines\n"), String::from("one")];
        attempt.task.metadata = vec![Attr::new("other", "x"), Attr::new(CONTRACT, r#"{"type":"object"}"#)];
        assert_eq!(
            prompt(&attempt),
            "Title\n\nDo it.\n\nEarlier attempts were not accepted:\n- two\n  lines\n- one\n\n\
             Answer with JSON that satisfies this schema:\n{\"type\":\"object\"}"
        );
    }
}
