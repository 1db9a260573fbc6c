use baton_sdk::agent::Usage;
use baton_sdk::agent::talk::{IdleTimeout, News, converse};
use baton_sdk::fixture::{ScriptedProgram, attempt};

use super::*;

fn play_with(needs_edits: bool, transcript: &str) -> (Result<Outcome, Fault>, ScriptedProgram) {
    let mut program = ScriptedProgram::new(transcript);
    let mut reader = Aider::new(&attempt("null"), needs_edits);
    let result = converse(&mut program, IdleTimeout::default(), &mut reader);
    (result, program)
}

fn outcome(transcript: &str) -> Outcome {
    play_with(true, transcript).0.unwrap()
}

fn fault(transcript: &str) -> (ErrorClass, String) {
    let fault = play_with(true, transcript).0.unwrap_err();
    (fault.class, fault.message)
}

#[test]
fn good() {
    let (result, program) = play_with(true, include_str!("../transcripts/good.txt"));
    let outcome = result.unwrap();
    let usage = Usage {
        input_tokens: 12_000,
        output_tokens: 1200,
        cost_micros: Some(20_000),
        requests: 1,
        attrs: Vec::new(),
    };
    assert_eq!(outcome.summary, "I'll mend the sum.");
    assert_eq!(outcome.usage, usage);
    assert!(program.told.contains(&News::Spent(usage)));
    assert_eq!(
        outcome.attrs,
        [
            Attr::new("changed-files", r#"["some/long/path/a.py","b.py"]"#),
            Attr::new("commits", r#"["1a2b3c4"]"#),
        ]
    );
    assert_eq!(program.progress().last(), Some(&"commit 1a2b3c4"));
}

#[test]
fn what_was_overcome_is_no_fault() {
    let outcome = outcome(include_str!("../transcripts/retried.txt"));
    assert_eq!(outcome.summary, "Edited a.py");
}

#[test]
fn what_no_rule_knows_is_text() {
    let outcome = outcome(include_str!("../transcripts/malformed.txt"));
    assert_eq!(outcome.output, r#"{"text":"Tokens: lots\n{\"jsonrpc\":"}"#);
}

#[test]
fn a_hang_is_a_timeout() {
    assert_eq!(
        fault(include_str!("../transcripts/hang.txt")),
        (ErrorClass::Timeout, String::from("silent for 300 s, and killed: Waiting for openai/gpt-x"))
    );
}

#[test]
fn exit_code_0_without_effect_is_no_success() {
    let text = include_str!("../transcripts/without-effect.txt");
    assert_eq!(
        fault(text),
        (
            ErrorClass::InvalidOutput,
            String::from("it applied no edit: The code looks fine to me. I did not change anything.")
        )
    );
    let outcome = play_with(false, text).0.unwrap();
    assert_eq!(outcome.summary, "The code looks fine to me. I did not change anything.");
    assert_eq!(play_with(false, "!exit 0").0.unwrap_err().message, "it applied no edit: and said nothing");
}

#[test]
fn troubles_have_their_classes() {
    let class = |transcript| fault(transcript).0;
    assert_eq!(class(include_str!("../transcripts/rate-limit.txt")), ErrorClass::RateLimited);
    assert_eq!(class(include_str!("../transcripts/unauthorized.txt")), ErrorClass::Unauthorized);
    assert_eq!(class(include_str!("../transcripts/over-budget.txt")), ErrorClass::Budget);
    assert_eq!(class(include_str!("../transcripts/refusal.txt")), ErrorClass::Refused);
    assert_eq!(class(include_str!("../transcripts/too-long.txt")), ErrorClass::InvalidInput);
    assert_eq!(
        fault(include_str!("../transcripts/reflections.txt")),
        (
            ErrorClass::InvalidOutput,
            String::from("what it wrote does not pass its own checks: Only 3 reflections allowed, stopping.")
        )
    );
}

#[test]
fn who_is_killed_has_crashed_whatever_it_edited() {
    assert_eq!(
        fault(include_str!("../transcripts/disconnect.txt")),
        (ErrorClass::Crashed, String::from("signal 9 ended the program before having finished"))
    );
    assert_eq!(
        fault(include_str!("../transcripts/usage.txt")),
        (
            ErrorClass::Crashed,
            String::from(
                "exit code 2 without having finished: \
                 aider: error: unrecognized arguments: --frobnicate"
            )
        )
    );
}

#[test]
fn the_prompt_is_an_argument_that_is_none_of_its_commands() {
    let mut attempt = attempt("null");
    attempt.task.title = String::from("/run rm -rf x");
    attempt.config = vec![Attr::new("model", "gpt-x")];
    let expected = [("prompt", "Task: /run rm -rf x"), ("task", "t"), ("run", "r1"), ("model", "gpt-x")];
    assert_eq!(values(&attempt), Ok(expected.map(|(name, value)| Attr::new(name, value)).to_vec()));
    attempt.task.title = "x".repeat(200_000);
    assert_eq!(values(&attempt).unwrap_err().class, ErrorClass::InvalidInput);
}

#[test]
fn edits_are_required_unless_they_are_optional() {
    let read = |attrs: &[Attr]| needs_edits(Config(attrs));
    assert_eq!(read(&[]), Ok(true));
    assert_eq!(read(&[Attr::new("edits", "optional")]), Ok(false));
    assert!(read(&[Attr::new("edits", "no")]).is_err());
}
