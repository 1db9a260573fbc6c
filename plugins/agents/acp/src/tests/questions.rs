//! Permissions, and what people are asked.

use super::*;

#[test]
fn a_permission_is_given_once() {
    let text = include_str!("../../transcripts/permission-allow.jsonl");
    let played = play_with(&[("permissions", "allow")], None, text);
    assert_eq!(played.reports[1], "may: execute: Run cargo test");
    let outcome = outcome(played);
    assert_eq!((outcome.summary.as_str(), attr(&outcome, "permissions-denied")), ("All tests pass.", None));
}

#[test]
fn a_permission_is_denied_unless_it_is_configured() {
    let text = include_str!("../../transcripts/permission-deny.jsonl");
    let outcome = outcome(play_as(Effects::Pure, &[], None, text));
    assert_eq!(attr(&outcome, "permissions-denied"), Some(r#"["execute: Run cargo test"]"#));
}

#[test]
fn a_person_is_asked_and_the_attempt_is_over() {
    let text = include_str!("../../transcripts/permission-ask.jsonl");
    let played = play_with(&[("permissions", "ask")], None, text);
    assert_eq!(
        played.questions,
        [people::Question {
            key: String::from("execute: Run cargo test #e7bb2d7efbfe67d4"),
            purpose: people::Purpose::Permission,
            text: String::from(
                "The agent asks for leave: execute: Run cargo test\nInput: {\"command\":\"cargo test\"}"
            ),
            choices: ["Allow", "Always", "Reject"].map(String::from).to_vec(),
            resume: String::from("sess-1"),
        }]
    );
    assert_eq!(played.result, Some(Err(Fault::stopped("a permission waits for a person"))));
}

#[test]
fn the_attempt_after_the_answer_takes_up_the_session() {
    let text = include_str!("../../transcripts/permission-resumed.jsonl");
    let played = play_with(&[("permissions", "ask")], Some("sess-1"), text);
    assert_eq!(played.questions[0].key, "execute: Run cargo test #e7bb2d7efbfe67d4");
    let outcome = outcome(played);
    assert_eq!(outcome.summary, "All tests pass.");
    assert_eq!(outcome.usage.cost_micros, Some(250_000));
}

#[test]
fn an_agent_may_ask_a_person() {
    let played = play(include_str!("../../transcripts/form.jsonl"));
    assert_eq!(played.questions.len(), 1);
    let question = &played.questions[0];
    assert_eq!(question.purpose, people::Purpose::Question);
    assert!(question.text.starts_with("The agent asks: Which colour?"), "{}", question.text);
    assert_eq!(question.resume, "sess-1");
    assert_eq!(played.result, Some(Err(Fault::stopped("a question waits for a person"))));
    let resumed = play_with(&[], Some("sess-1"), include_str!("../../transcripts/form-resumed.jsonl"));
    assert_eq!(resumed.questions[0].key, question.key);
    assert_eq!(outcome(resumed).summary, "Painted it red.");
}

#[test]
fn who_may_not_ask_is_told_so_at_the_start() {
    let greeting = machine(&[("questions", "off")]).start();
    assert!(matches!(&greeting[..], [Do::Write(message)] if !message.to_string().contains("elicitation")));
}

#[test]
fn who_was_denied_everything_has_done_nothing() {
    assert_eq!(
        fault(include_str!("../../transcripts/all-denied.jsonl")),
        (
            ErrorClass::Environment,
            String::from(
                "it was denied all that it asked leave for (edit: Write a.rs), and did nothing; `permissions` of \
                 the agent's configuration says who allows what"
            )
        )
    );
}
