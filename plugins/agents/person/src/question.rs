//! Turns a task into a question.

use baton_sdk::agent::people::{Purpose, Question};
use baton_sdk::agent::{ErrorClass, Fault, Outcome, Task};
use baton_sdk::executor::Keys;
use baton_sdk::words::{SUMMARY_BYTES, capped};
use serde_json::{Value, json};

/// As long as a question may be.
const TEXT_BYTES: usize = 8 * 1024;

/// What says that a text was longer.
const CUT: &str = "\n(cut; the task holds the rest)";

pub fn of(task: &Task, prefix: Option<&str>) -> Result<Question, Fault> {
    let fields: Option<Keys> = serde_json::from_str(&task.input).ok();
    Ok(Question {
        key: key(task),
        purpose: Purpose::Question,
        text: text(task, fields.as_ref(), prefix),
        choices: choices(fields.as_ref())?,
        resume: String::new(),
    })
}

pub fn outcome(answer: &str) -> Outcome {
    Outcome::json(capped(answer, SUMMARY_BYTES), &json!({ "answer": answer }))
}

/// The same until an answer was refused: the next attempt must not be given that answer again.
fn key(task: &Task) -> String {
    match task.feedback.len() {
        0 => String::from("task"),
        refused => format!("task-{}", refused + 1),
    }
}

fn text(task: &Task, fields: Option<&Keys>, prefix: Option<&str>) -> String {
    let mut parts: Vec<String> = prefix.map(str::to_owned).into_iter().collect();
    parts.push(task.title.clone());
    if !task.feedback.is_empty() {
        let refused: Vec<String> = task.feedback.iter().map(|why| format!("- {why}")).collect();
        parts.push(format!("Earlier answers were not accepted:\n{}", refused.join("\n")));
    }
    match fields {
        Some(fields) => {
            parts.extend(["question", "prompt"].iter().filter_map(|key| string(fields, key)));
            parts.extend(rest(fields));
        }
        None => match serde_json::from_str(&task.input) {
            Ok(Value::Null) => {}
            Ok(Value::String(text)) => parts.push(text),
            Ok(_) | Err(_) => parts.push(task.input.clone()),
        },
    }
    let text = parts.join("\n\n");
    match text.len() > TEXT_BYTES {
        true => format!("{}{CUT}", capped(&text, TEXT_BYTES - CUT.len())),
        false => text,
    }
}

fn string(fields: &Keys, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

/// The members that are shown nowhere else, one per line, as JSON.
fn rest(fields: &Keys) -> Option<String> {
    let told = |key: &str| {
        key == "choices" || (matches!(key, "question" | "prompt") && string(fields, key).is_some())
    };
    let lines: Vec<String> = fields
        .iter()
        .filter(|(key, _)| !told(key))
        .map(|(key, value)| format!("{key}: {}", value.get()))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn choices(fields: Option<&Keys>) -> Result<Vec<String>, Fault> {
    let Some(choices) = fields.and_then(|fields| fields.get("choices")) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(choices.get())
        .map_err(|_| Fault::new(ErrorClass::InvalidInput, "/choices: expected an array of strings"))
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::task;

    use super::*;

    fn asked(input: &str) -> Question {
        of(&task(input), None).unwrap()
    }

    #[test]
    fn question_and_choices_come_from_the_input() {
        let question = asked(r#"{"question": "May it?", "choices": ["yes", "no"], "outcome": {"n": 1.50}}"#);
        assert_eq!(question.text, "Title\n\nMay it?\n\noutcome: {\"n\": 1.50}");
        assert_eq!(
            (question.key.as_str(), question.choices),
            ("task", vec!["yes".to_owned(), "no".to_owned()])
        );
    }

    #[test]
    fn any_input_can_be_told() {
        assert_eq!(asked("null").text, "Title");
        assert_eq!(asked("\"Look at the door.\"").text, "Title\n\nLook at the door.");
        assert_eq!(asked("[1.50]").text, "Title\n\n[1.50]");
        assert_eq!(asked(r#"{"question": 7}"#).text, "Title\n\nquestion: 7");
        assert!(asked("{}").choices.is_empty());
    }

    #[test]
    fn a_prefix_comes_first() {
        let question = of(&task("null"), Some("For the release team:")).unwrap();
        assert_eq!(question.text, "For the release team:\n\nTitle");
    }

    #[test]
    fn a_refused_answer_is_asked_for_anew() {
        let mut task = task("null");
        task.feedback = vec![String::from("too short")];
        let question = of(&task, None).unwrap();
        assert_eq!(question.key, "task-2");
        assert_eq!(question.text, "Title\n\nEarlier answers were not accepted:\n- too short");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let question = asked(&json!("é".repeat(9000)).to_string());
        assert!(question.text.len() <= TEXT_BYTES && question.text.ends_with(CUT));
    }

    #[test]
    fn choices_that_are_none_are_refused() {
        let fault = of(&task(r#"{"choices": "yes"}"#), None).unwrap_err();
        assert_eq!(fault, Fault::new(ErrorClass::InvalidInput, "/choices: expected an array of strings"));
    }

    #[test]
    fn the_answer_is_the_outcome() {
        assert_eq!(outcome("yes").output, r#"{"answer":"yes"}"#);
        assert_eq!(outcome(&"x".repeat(5000)).summary.len(), 4096);
    }
}
