use baton_sdk::agent::talk::{IdleTimeout, News, converse};
use baton_sdk::agent::{ErrorClass, Usage, session};
use baton_sdk::fixture::{ScriptedProgram, attempt};
use serde_json::json;

use super::*;

fn play(transcript: &str) -> (Result<Outcome, Fault>, ScriptedProgram) {
    let mut program = ScriptedProgram::new(transcript);
    let result = converse(&mut program, IdleTimeout::default(), &mut Codex::new(&attempt("null")));
    (result, program)
}

fn fault(transcript: &str) -> (ErrorClass, String) {
    let fault = play(transcript).0.unwrap_err();
    (fault.class, fault.message)
}

#[test]
fn good() {
    let (result, program) = play(include_str!("../transcripts/good.jsonl"));
    let usage = Usage {
        input_tokens: 24763,
        output_tokens: 122,
        attrs: vec![Attr::new("cached-input-tokens", "24448")],
        ..Usage::default()
    };
    assert_eq!(
        result,
        Ok(Outcome {
            usage: usage.clone(),
            attrs: vec![
                Attr::new("session", "th-1"),
                Attr::new("permissions-denied", r#"["rm -rf /"]"#),
                Attr::new("changed-files", r#"["/w/a.rs","/w/b.rs"]"#),
            ],
            ..Outcome::json("Mended.", &json!({"text": "Mended.\n\nIn two files."}))
        })
    );
    assert_eq!(
        program.progress(),
        [
            "started",
            "started",
            "started",
            "1 of 2 steps done",
            "I'll look at it.",
            "bash -lc ls",
            "bash -lc ls",
            "rm -rf /",
            "changes /w/a.rs, /w/b.rs",
            "changes /w/c.rs",
            "Mended.",
            "done",
        ]
    );
    assert_eq!(program.told[0], News::Session(String::from("th-1")));
    assert!(program.told.contains(&News::Spent(usage)));
}

#[test]
fn data_is_the_output_where_a_contract_wants_it() {
    let mut attempt = attempt("null");
    attempt.task.metadata = vec![Attr::new("baton.contract", "{}")];
    let mut program = ScriptedProgram::new(
        "< {\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"{\\\"n\\\": 1.50}\"}}\n\
         < {\"type\":\"turn.completed\",\"usage\":{}}\n!exit 0",
    );
    let outcome = converse(&mut program, IdleTimeout::default(), &mut Codex::new(&attempt)).unwrap();
    assert_eq!(outcome.output, r#"{"n": 1.50}"#);
}

#[test]
fn what_is_malformed_is_skipped_and_what_was_overcome_is_no_fault() {
    let (result, _) = play(include_str!("../transcripts/malformed.jsonl"));
    assert_eq!(result.unwrap().summary, "Done.");
}

#[test]
fn a_hang_is_a_timeout() {
    let message = String::from("silent for 1800 s, and killed");
    assert_eq!(fault(include_str!("../transcripts/hang.jsonl")), (ErrorClass::Timeout, message));
}

#[test]
fn exit_code_0_without_effect_is_no_success() {
    assert_eq!(
        fault(include_str!("../transcripts/without-effect.jsonl")),
        (ErrorClass::InvalidOutput, String::from("it did nothing and said nothing, and ended its turn"))
    );
    assert_eq!(
        fault(include_str!("../transcripts/no-end.jsonl")),
        (ErrorClass::Crashed, String::from("exit code 0 without a `turn.completed`"))
    );
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let fault = play(include_str!("../transcripts/rate-limit.jsonl")).0.unwrap_err();
    assert_eq!((fault.class, fault.retry_after), (ErrorClass::RateLimited, Some(30_000)));
}

#[test]
fn failures_have_their_classes() {
    let class = |transcript| fault(transcript).0;
    assert_eq!(class(include_str!("../transcripts/over-budget.jsonl")), ErrorClass::Budget);
    assert_eq!(class(include_str!("../transcripts/refusal.jsonl")), ErrorClass::Refused);
    assert_eq!(class(include_str!("../transcripts/unauthorized.jsonl")), ErrorClass::Unauthorized);
    assert_eq!(
        fault(include_str!("../transcripts/rejected.jsonl")),
        (
            ErrorClass::Environment,
            String::from(
                "status 400: The 'gpt-9' model is not supported when using Codex with a ChatGPT account."
            )
        )
    );
}

#[test]
fn a_disconnect_is_told_with_its_cause() {
    assert_eq!(
        fault(include_str!("../transcripts/disconnect.jsonl")),
        (
            ErrorClass::Crashed,
            String::from(
                "stream disconnected before completion: error sending request \
                 (signal 15 ended the program before a `turn.completed`)"
            )
        )
    );
}

#[test]
fn a_thread_that_is_gone_is_known_as_such() {
    let fault = play(include_str!("../transcripts/session-gone.jsonl")).0.unwrap_err();
    assert!(session::is_gone(&fault), "{}", fault.message);
}

#[test]
fn the_model_has_a_place_where_it_is_configured() {
    let mut attempt = attempt("null");
    let values = |attempt: &Attempt| values(attempt).into_iter().map(|attr| attr.name).collect::<Vec<_>>();
    assert_eq!(values(&attempt), ["task", "run"]);
    attempt.config = vec![Attr::new("model", "gpt-5-codex")];
    assert_eq!(values(&attempt), ["task", "run", "model"]);
}
