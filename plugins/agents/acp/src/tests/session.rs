//! What is said at the start and during a session, and what is counted.

use super::*;

#[test]
fn good() {
    let played = play(include_str!("../../transcripts/good.jsonl"));
    assert_eq!(
        played.reports,
        [
            "started",
            "1 of 2 steps done",
            "thinks",
            "writes",
            "Edit a.rs",
            "Edit a.rs: completed",
            "Edit a.rs: completed",
            "writes",
            "writes",
        ]
    );
    let usage = |input_tokens, output_tokens, cached: &[&str]| Usage {
        input_tokens,
        output_tokens,
        cost_micros: Some(45_000),
        requests: 0,
        attrs: [Attr::new("context-tokens", "53000")]
            .into_iter()
            .chain(cached.iter().map(|cached| Attr::new("cached-input-tokens", *cached)))
            .collect(),
    };
    assert_eq!(played.spent, [usage(0, 0, &[]), usage(1100, 40, &["90"])]);
    assert_eq!(
        outcome(played),
        Outcome {
            usage: usage(1100, 40, &["90"]),
            attrs: vec![Attr::new("session", "sess-1"), Attr::new("changed-files", r#"["/w/a.rs"]"#)],
            ..Outcome::json("Mended a.rs.", &json!({"text": "Mended a.rs.\n\nThe rest was fine."}))
        }
    );
}

#[test]
fn a_session_that_is_gone_is_begun_anew() {
    let text = include_str!("../../transcripts/session-gone.jsonl");
    let outcome = outcome(play_with(&[], Some("sess-1"), text));
    assert_eq!(attr(&outcome, "session"), Some("sess-2"));
}

#[test]
fn noise_is_skipped_and_counted() {
    let outcome = outcome(play(include_str!("../../transcripts/malformed.jsonl")));
    assert_eq!((outcome.summary.as_str(), attr(&outcome, "skipped-lines")), ("Done.", Some("3")));
    assert_eq!(
        fault(include_str!("../../transcripts/noise.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("what it says is not the protocol; 100 line(s) could not be read, first `line 0`")
        )
    );
}

#[test]
fn every_program_tells_its_tokens_in_its_own_way() {
    let told = |text: &str| {
        let usage = outcome(play(text)).usage;
        let attr = |name: &str| {
            usage
                .attrs
                .iter()
                .find(|attr| attr.name == name)
                .map(|attr| attr.value.clone())
                .unwrap_or_default()
        };
        let cached = attr("cached-input-tokens").parse().unwrap_or(0);
        (usage.input_tokens, usage.output_tokens, cached, attr("model"))
    };
    let expect = |input, output, cached: u64, model: &str| (input, output, cached, model.to_owned());
    assert_eq!(
        told(include_str!("../../transcripts/usage-gemini.jsonl")),
        expect(2450, 120, 0, "gemini-2.5-pro")
    );
    assert_eq!(
        told(include_str!("../../transcripts/usage-qwen.jsonl")),
        expect(2450, 120, 400, "qwen3-coder-plus")
    );
    assert_eq!(
        told(include_str!("../../transcripts/usage-codex-acp.jsonl")),
        expect(2450, 120, 400, "gpt-5-codex")
    );
    assert_eq!(told(include_str!("../../transcripts/usage-copilot.jsonl")), expect(5100, 240, 800, ""));
    assert_eq!(
        told(include_str!("../../transcripts/usage-claude-agent-acp.jsonl")),
        expect(2850, 120, 400, "claude-sonnet-4-5")
    );
    assert_eq!(told(include_str!("../../transcripts/usage-vibe.jsonl")), expect(3750, 120, 600, ""));
    let nothing = play(include_str!("../../transcripts/null-usage.jsonl"));
    assert_eq!(nothing.spent, [], "nothing is told, which is not zero");
}

#[test]
fn another_version_is_refused() {
    assert_eq!(
        fault(include_str!("../../transcripts/version.jsonl")),
        (
            ErrorClass::Environment,
            String::from("the agent speaks version 2 of the protocol, and this adapter only version 1")
        )
    );
}

#[test]
fn an_unknown_request_is_answered() {
    assert_eq!(outcome(play(include_str!("../../transcripts/unknown-request.jsonl"))).summary, "Done.");
}

#[test]
fn mode_and_model_are_chosen() {
    let text = include_str!("../../transcripts/choices.jsonl");
    let played = play_with(&[("mode", "code"), ("model", "large")], None, text);
    assert_eq!(outcome(played).summary, "Done.");
    let text = include_str!("../../transcripts/not-offered.jsonl");
    let fault = play_with(&[("model", "huge")], None, text).result.unwrap().unwrap_err();
    assert_eq!(
        (fault.class, fault.message.as_str()),
        (ErrorClass::Environment, "`model` is configured as `huge`, and the agent offers: small, large")
    );
}

#[test]
fn what_the_operator_wrote_is_checked() {
    let message = |config: &[(&str, &str)]| {
        let attrs: Vec<Attr> = config.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        Settings::read(&attrs).unwrap_err().to_string()
    };
    assert_eq!(message(&[]), "configuration key `profile` is required");
    assert_eq!(
        message(&[("profile", "p"), ("permissions", "maybe")]),
        "configuration key `permissions` is `maybe`, expected `allow`, `deny` or `ask`"
    );
    assert_eq!(
        message(&[("profle", "p")]),
        "configuration key `profle` is unknown; the nearest is `profile`"
    );
}
