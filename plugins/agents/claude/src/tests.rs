use baton_sdk::agent::talk::{IdleTimeout, News, converse};
use baton_sdk::agent::{ErrorClass, Usage, session};
use baton_sdk::fixture::{ScriptedProgram, attempt};
use serde_json::json;

use super::*;

fn play(transcript: &str) -> (Result<Outcome, Fault>, ScriptedProgram) {
    let mut program = ScriptedProgram::new(transcript);
    let result = converse(&mut program, IdleTimeout::default(), &mut Claude::new(&attempt("null")));
    (result, program)
}

fn fault(transcript: &str) -> (ErrorClass, String) {
    let fault = play(transcript).0.unwrap_err();
    (fault.class, fault.message)
}

fn spent(input_tokens: u64, output_tokens: u64, requests: u32, cost_micros: Option<u64>) -> News {
    News::Spent(Usage { input_tokens, output_tokens, requests, cost_micros, attrs: Vec::new() })
}

fn with_model(news: News, model: &str) -> News {
    match news {
        News::Spent(usage) => News::Spent(Usage { attrs: vec![Attr::new("model", model)], ..usage }),
        other => other,
    }
}

#[test]
fn good() {
    let (result, program) = play(include_str!("../transcripts/good.jsonl"));
    let outcome = result.unwrap();
    assert_eq!(outcome.summary, "Mended a.rs.");
    assert_eq!(outcome.output, json!({"text": "Mended a.rs.\n\nThe rest was fine."}).to_string());
    assert_eq!(
        outcome.attrs,
        [
            Attr::new("session", "s-1"),
            Attr::new("turns", "3"),
            Attr::new("permissions-denied", r#"["Bash: rm -rf /","Write: /etc/x"]"#),
            Attr::new("changed-files", r#"["/w/src/a.rs"]"#),
        ]
    );
    let reported = [
        "started",
        "I'll look first.",
        "Edit: /w/src/a.rs",
        "Edit: /w/src/a.rs",
        "Edit: /w/src/a.rs",
        "Write: /etc/x",
        "done",
    ];
    assert_eq!(program.progress(), reported);
    // A tool is at work from its call to its result.
    let waits: Vec<u64> = program.timeouts.iter().map(|timeout| timeout / 1000).collect();
    assert_eq!(waits[..7], [300, 300, 300, 1800, 300, 300, 1800]);
    let rest: Vec<News> =
        program.told.iter().filter(|news| !matches!(news, News::Progress { .. })).cloned().collect();
    assert_eq!(
        rest,
        [
            News::Session(String::from("s-1")),
            spent(1110, 5, 1, None),
            spent(1130, 12, 2, None),
            with_model(spent(1133, 13, 2, Some(12346)), "claude-sonnet-5"),
        ]
    );
    assert_eq!(News::Spent(outcome.usage), rest[3]);
}

#[test]
fn an_answer_to_a_schema_is_the_output() {
    let (result, _) = play(include_str!("../transcripts/structured.jsonl"));
    let outcome = result.unwrap();
    assert_eq!((outcome.summary.as_str(), outcome.output.as_str()), ("Counted.", r#"{"n":2}"#));
}

#[test]
fn what_is_malformed_is_skipped() {
    let (result, _) = play(include_str!("../transcripts/malformed.jsonl"));
    assert_eq!(result.unwrap().summary, "Done.");
}

#[test]
fn a_hang_is_a_timeout() {
    assert_eq!(
        fault(include_str!("../transcripts/hang.jsonl")),
        (ErrorClass::Timeout, String::from("silent for 1800 s, and killed: waiting for a lock"))
    );
}

#[test]
fn exit_code_0_without_effect_is_no_success() {
    assert_eq!(
        fault(include_str!("../transcripts/without-effect.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("it did nothing and said nothing, and called that a success")
        )
    );
    assert_eq!(
        fault(include_str!("../transcripts/no-result.jsonl")),
        (
            ErrorClass::Crashed,
            String::from(
                "exit code 0 without a `result` line; 1 line(s) could not be read, first `Segmentation`"
            )
        )
    );
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let fault = play(include_str!("../transcripts/rate-limit.jsonl")).0.unwrap_err();
    assert_eq!((fault.class, fault.retry_after), (ErrorClass::RateLimited, Some(3_600_000)));
    assert_eq!(fault.message, "You've hit your session limit · resets 9am (Europe/Berlin)");
}

#[test]
fn errors_of_the_provider_have_their_classes() {
    let class = |transcript| fault(transcript).0;
    assert_eq!(class(include_str!("../transcripts/overloaded.jsonl")), ErrorClass::Transient);
    assert_eq!(class(include_str!("../transcripts/unauthorized.jsonl")), ErrorClass::Unauthorized);
}

#[test]
fn what_is_used_up_is_not_tried_again() {
    assert_eq!(
        fault(include_str!("../transcripts/over-budget.jsonl")),
        (ErrorClass::Budget, String::from("its money is used up: Reached maximum budget ($0.5)"))
    );
    assert_eq!(
        fault(include_str!("../transcripts/max-turns.jsonl")),
        (ErrorClass::Budget, String::from("its turns are used up: Reached maximum number of turns (4)"))
    );
    assert_eq!(fault(include_str!("../transcripts/schema-retries.jsonl")).0, ErrorClass::InvalidOutput);
}

#[test]
fn a_refusal_is_one_even_as_a_success() {
    assert_eq!(
        fault(include_str!("../transcripts/refusal.jsonl")),
        (ErrorClass::Refused, String::from("I can't help with that."))
    );
}

#[test]
fn a_disconnect_is_a_crash() {
    assert_eq!(
        fault(include_str!("../transcripts/disconnect.jsonl")),
        (
            ErrorClass::Crashed,
            String::from("signal 9 ended the program before a `result` line: out of memory")
        )
    );
}

#[test]
fn a_session_that_is_gone_is_known_as_such() {
    let fault = play(include_str!("../transcripts/session-gone.jsonl")).0.unwrap_err();
    assert!(session::is_gone(&fault), "{}", fault.message);
}

#[test]
fn a_limit_that_the_host_sets_stops_it() {
    let mut program = ScriptedProgram::new(include_str!("../transcripts/good.jsonl"));
    program.stop_after = Some(3);
    let result = converse(&mut program, IdleTimeout::default(), &mut Claude::new(&attempt("null")));
    assert_eq!(result, Err(Fault::stopped("the attempt is over")));
}
