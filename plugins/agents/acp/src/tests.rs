use std::collections::VecDeque;

use baton_sdk::agent::process::Line;
use baton_sdk::agent::{Effects, ErrorClass, Usage};
use baton_sdk::fixture::{Step, transcript};
use serde_json::{Value, json};

use super::*;

impl Played {
    /// Who has ended its turn says nothing more.
    fn settle(mut self, machine: &mut Machine) -> Self {
        if self.result.is_none()
            && let Some(Do::Conclude(result)) = machine.receive(Line::Silent).pop()
        {
            self.result = Some(result);
        }
        self
    }
}

/// What came of a transcript: how it ended, what was reported, what was asked.
#[derive(Debug, Default)]
struct Played {
    result: Option<Result<Outcome, Fault>>,
    reports: Vec<String>,
    spent: Vec<Usage>,
    questions: Vec<people::Question>,
}

fn play_with(config: &[(&str, &str)], resume: Option<&str>, text: &str) -> Played {
    play_as(Effects::Workspace, config, resume, text)
}

fn play_as(effects: Effects, config: &[(&str, &str)], resume: Option<&str>, text: &str) -> Played {
    let mut attrs = vec![Attr::new("profile", "gemini")];
    attrs.extend(config.iter().map(|(name, value)| Attr::new(*name, *value)));
    let task = Task {
        folder: String::from("/w"),
        prompt: String::from("Title\n\nMend it."),
        contract: false,
        effects,
        resume: resume.map(str::to_owned),
    };
    let mut machine = Machine::new(Settings::read(&attrs).unwrap(), task);
    let mut played = Played::default();
    let mut written = VecDeque::new();
    let mut take = |todo: Vec<Do>, written: &mut VecDeque<String>| {
        for step in todo {
            assert_eq!(played.result, None, "something follows the end: {step:?}");
            match step {
                Do::Write(message) => written.push_back(message.to_string()),
                Do::Report { message, .. } => played.reports.push(message),
                Do::Spent(usage) => played.spent.push(usage),
                Do::Ask(question) => played.questions.push(question),
                Do::Conclude(result) => played.result = Some(result),
            }
        }
    };
    take(machine.start(), &mut written);
    for step in transcript(&text.replace("VERSION", env!("CARGO_PKG_VERSION"))) {
        if let Step::Told(expected) = step {
            let line = written.pop_front().unwrap_or_else(|| panic!("not written: {expected}"));
            let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
            assert_eq!(parse(&line), parse(&expected));
            continue;
        }
        assert_eq!(written.pop_front(), None, "not in the transcript, before {step:?}");
        let todo = match step {
            Step::Said(line) => machine.receive(Line::Text(line)),
            Step::Silent => machine.receive(Line::Silent),
            Step::Ended(_) => machine.receive(Line::Closed),
            Step::Answer(answer) => machine.answered(answer),
            Step::Told(_) | Step::Stderr(_) => Vec::new(),
        };
        take(todo, &mut written);
    }
    assert_eq!(written.pop_front(), None, "not in the transcript");
    played.settle(&mut machine)
}

/// With a profile, and this.
fn machine(config: &[(&str, &str)]) -> Machine {
    let mut attrs = vec![Attr::new("profile", "gemini")];
    attrs.extend(config.iter().map(|(name, value)| Attr::new(*name, *value)));
    let (folder, prompt) = (String::from("/w"), String::from("Mend it."));
    let task = Task { folder, prompt, contract: false, effects: Effects::Pure, resume: None };
    Machine::new(Settings::read(&attrs).unwrap(), task)
}

fn play(text: &str) -> Played {
    play_with(&[], None, text)
}

fn outcome(played: Played) -> Outcome {
    played.result.unwrap().unwrap()
}

fn fault(text: &str) -> (ErrorClass, String) {
    let fault = play(text).result.unwrap().unwrap_err();
    (fault.class, fault.message)
}

fn attr<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a str> {
    Some(&outcome.attrs.iter().find(|attr| attr.name == name)?.value)
}

#[test]
fn good() {
    let played = play(include_str!("../transcripts/good.jsonl"));
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
fn a_permission_is_given_once() {
    let text = include_str!("../transcripts/permission-allow.jsonl");
    let played = play_with(&[("permissions", "allow")], None, text);
    assert_eq!(played.reports[1], "may: execute: Run cargo test");
    let outcome = outcome(played);
    assert_eq!((outcome.summary.as_str(), attr(&outcome, "permissions-denied")), ("All tests pass.", None));
}

#[test]
fn a_permission_is_denied_unless_it_is_configured() {
    let text = include_str!("../transcripts/permission-deny.jsonl");
    let outcome = outcome(play_as(Effects::Pure, &[], None, text));
    assert_eq!(attr(&outcome, "permissions-denied"), Some(r#"["execute: Run cargo test"]"#));
}

#[test]
fn a_person_is_asked_and_the_attempt_is_over() {
    let text = include_str!("../transcripts/permission-ask.jsonl");
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
    let text = include_str!("../transcripts/permission-resumed.jsonl");
    let played = play_with(&[("permissions", "ask")], Some("sess-1"), text);
    assert_eq!(played.questions[0].key, "execute: Run cargo test #e7bb2d7efbfe67d4");
    let outcome = outcome(played);
    assert_eq!(outcome.summary, "All tests pass.");
    assert_eq!(outcome.usage.cost_micros, Some(250_000));
}

#[test]
fn a_session_that_is_gone_is_begun_anew() {
    let text = include_str!("../transcripts/session-gone.jsonl");
    let outcome = outcome(play_with(&[], Some("sess-1"), text));
    assert_eq!(attr(&outcome, "session"), Some("sess-2"));
}

#[test]
fn noise_is_skipped_and_counted() {
    let outcome = outcome(play(include_str!("../transcripts/malformed.jsonl")));
    assert_eq!((outcome.summary.as_str(), attr(&outcome, "skipped-lines")), ("Done.", Some("3")));
    assert_eq!(
        fault(include_str!("../transcripts/noise.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("what it says is not the protocol; 100 line(s) could not be read, first `line 0`")
        )
    );
}

#[test]
fn a_hang_is_a_timeout() {
    assert_eq!(
        fault(include_str!("../transcripts/hang.jsonl")),
        (ErrorClass::Timeout, String::from("silent for 1800 s")),
        "its tool was at work"
    );
}

#[test]
fn who_closes_in_the_middle_has_crashed() {
    assert_eq!(
        fault(include_str!("../transcripts/closed.jsonl")),
        (ErrorClass::Crashed, String::from("it closed its output before it ended its turn"))
    );
    assert_eq!(
        fault(include_str!("../transcripts/closed-at-once.jsonl")),
        (
            ErrorClass::Crashed,
            String::from(
                "it closed its output before it answered `initialize`; \
                 1 line(s) could not be read, first `Usage: agent [--acp]`"
            )
        )
    );
}

#[test]
fn a_refusal_is_a_fault() {
    assert_eq!(
        fault(include_str!("../transcripts/refusal.jsonl")),
        (ErrorClass::Refused, String::from("I won't do that."))
    );
}

#[test]
fn a_login_is_the_operators() {
    assert_eq!(
        fault(include_str!("../transcripts/auth-required.jsonl")),
        (
            ErrorClass::Unauthorized,
            String::from(
                "the agent wants a login (Log in with Google, API key): Authentication required; log in once \
                 with the program of profile `gemini`, as the user that Baton runs as, or give the profile \
                 the key that it needs"
            )
        )
    );
}

#[test]
fn only_an_end_that_the_agent_came_to_is_a_good_one() {
    let max_turns = play(include_str!("../transcripts/max-turns.jsonl")).result.unwrap().unwrap_err();
    assert_eq!(max_turns.class, ErrorClass::Budget);
    assert_eq!(max_turns.attrs, [Attr::new("stop-reason", "max-turns")]);
    assert_eq!(
        fault(include_str!("../transcripts/max-tokens.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("its turn was cut at the limit of tokens before it had ended")
        )
    );
    assert_eq!(
        fault(include_str!("../transcripts/unknown-end.jsonl")),
        (
            ErrorClass::Other(String::from("stop-reason")),
            String::from("its turn ended for a reason that is not known to be a good one, `paused`")
        )
    );
}

#[test]
fn what_comes_after_the_end_of_the_turn_belongs_to_it() {
    let late = outcome(play(include_str!("../transcripts/late.jsonl")));
    assert_eq!(late.output, r#"{"text":"{\"verdict\": \"no\", \"n\": 42}"}"#);
    let gone = outcome(play(include_str!("../transcripts/late-and-gone.jsonl")));
    assert_eq!((gone.summary.as_str(), gone.usage.cost_micros), ("Done late.", Some(2000)));
    assert_eq!(outcome(play(include_str!("../transcripts/chatter.jsonl"))).summary, "Done.");
    let text = include_str!("../transcripts/late-request.jsonl");
    let late_request = play_with(&[("permissions", "ask")], None, text);
    assert_eq!(late_request.questions, []);
    assert_eq!(outcome(late_request).summary, "Done.");
}

/// However an answer is divided by the end of the turn.
#[test]
fn an_answer_is_whole_wherever_its_turn_ends() {
    let whole = include_str!("../transcripts/late.jsonl");
    let lines: Vec<&str> = whole.lines().collect();
    let end = lines.iter().position(|line| line.contains("stopReason")).unwrap();
    let chunks = [lines[end - 1], lines[end + 1]];
    for before in 0..=chunks.len() {
        let mut order = lines[..end - 1].to_vec();
        order.extend(&chunks[..before]);
        order.push(lines[end]);
        order.extend(&chunks[before..]);
        for last in ["!silent", "!exit 0", "!signal 15"] {
            let text = [order.join("\n"), String::from(last)].join("\n");
            assert_eq!(outcome(play(&text)).summary, "{\"verdict\": \"no\", \"n\": 42}", "{text}");
        }
    }
}

#[test]
fn a_tool_at_work_has_a_clock_of_its_own() {
    let idle_timeout = |text: &str, until: &str| {
        let mut machine = machine(&[("silence-s", "12"), ("tool-timeout-s", "40")]);
        machine.start();
        for step in transcript(text) {
            if let Step::Said(line) = step {
                let is_last = line.contains(until);
                machine.receive(Line::Text(line));
                if is_last {
                    break;
                }
            }
        }
        machine.timeout_ms()
    };
    let open = include_str!("../transcripts/open-tool.jsonl");
    assert_eq!(idle_timeout(open, "sess-1\"}"), 12_000);
    assert_eq!(idle_timeout(open, "cargo build"), 40_000);
    let good = include_str!("../transcripts/good.jsonl");
    assert_eq!(idle_timeout(good, "\"pending\""), 40_000);
    assert_eq!(idle_timeout(good, "\"completed\",\"content\""), 12_000);
    assert_eq!(idle_timeout(good, "stopReason"), 200);
    // Nothing was said or done yet.
    assert_eq!(idle_timeout(include_str!("../transcripts/late-and-gone.jsonl"), "stopReason"), 2000);
    assert_eq!(
        fault(open),
        (ErrorClass::Timeout, String::from("silent for 1800 s")),
        "and it is not without an end"
    );
}

#[test]
fn an_agent_may_ask_a_person() {
    let played = play(include_str!("../transcripts/form.jsonl"));
    assert_eq!(played.questions.len(), 1);
    let question = &played.questions[0];
    assert_eq!(question.purpose, people::Purpose::Question);
    assert!(question.text.starts_with("The agent asks: Which colour?"), "{}", question.text);
    assert_eq!(question.resume, "sess-1");
    assert_eq!(played.result, Some(Err(Fault::stopped("a question waits for a person"))));
    let resumed = play_with(&[], Some("sess-1"), include_str!("../transcripts/form-resumed.jsonl"));
    assert_eq!(resumed.questions[0].key, question.key);
    assert_eq!(outcome(resumed).summary, "Painted it red.");
}

#[test]
fn who_may_not_ask_is_told_so_at_the_start() {
    let greeting = machine(&[("questions", "off")]).start();
    assert!(matches!(&greeting[..], [Do::Write(message)] if !message.to_string().contains("elicitation")));
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
        told(include_str!("../transcripts/usage-gemini.jsonl")),
        expect(2450, 120, 0, "gemini-2.5-pro")
    );
    assert_eq!(
        told(include_str!("../transcripts/usage-qwen.jsonl")),
        expect(2450, 120, 400, "qwen3-coder-plus")
    );
    assert_eq!(
        told(include_str!("../transcripts/usage-codex-acp.jsonl")),
        expect(2450, 120, 400, "gpt-5-codex")
    );
    assert_eq!(told(include_str!("../transcripts/usage-copilot.jsonl")), expect(5100, 240, 800, ""));
    assert_eq!(
        told(include_str!("../transcripts/usage-claude-agent-acp.jsonl")),
        expect(2850, 120, 400, "claude-sonnet-4-5")
    );
    assert_eq!(told(include_str!("../transcripts/usage-vibe.jsonl")), expect(3750, 120, 600, ""));
    let nothing = play(include_str!("../transcripts/null-usage.jsonl"));
    assert_eq!(nothing.spent, [], "nothing is told, which is not zero");
}

#[test]
fn an_error_in_words_is_no_answer() {
    assert_eq!(fault(include_str!("../transcripts/error-in-words.jsonl")).0, ErrorClass::Unauthorized);
    let (class, message) = fault(include_str!("../transcripts/error-after-notes.jsonl"));
    assert_eq!(class, ErrorClass::Unauthorized);
    assert!(message.starts_with("Error: Authentication failed"), "{message}");
    assert_eq!(fault(include_str!("../transcripts/error-of-400.jsonl")).0, ErrorClass::InvalidInput);
    assert_eq!(
        fault(include_str!("../transcripts/error-as-json.jsonl")),
        (ErrorClass::InvalidInput, String::from("the service reported an error: scripted 400"))
    );
}

#[test]
fn who_was_denied_everything_has_done_nothing() {
    assert_eq!(
        fault(include_str!("../transcripts/all-denied.jsonl")),
        (
            ErrorClass::Environment,
            String::from(
                "it was denied all that it asked leave for (edit: Write a.rs), and did nothing; `permissions` of \
                 the agent's configuration says who allows what"
            )
        )
    );
}

#[test]
fn another_version_is_refused() {
    assert_eq!(
        fault(include_str!("../transcripts/version.jsonl")),
        (
            ErrorClass::Environment,
            String::from("the agent speaks version 2 of the protocol, and this adapter only version 1")
        )
    );
}

#[test]
fn to_do_nothing_is_no_success() {
    assert_eq!(
        fault(include_str!("../transcripts/did-nothing.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("it did nothing and said nothing, and ended its turn (`end_turn`)")
        )
    );
}

#[test]
fn an_unknown_request_is_answered() {
    assert_eq!(outcome(play(include_str!("../transcripts/unknown-request.jsonl"))).summary, "Done.");
}

#[test]
fn errors_have_their_classes() {
    let limited = play(include_str!("../transcripts/rate-limit.jsonl")).result.unwrap().unwrap_err();
    assert_eq!((limited.class, limited.retry_after), (ErrorClass::RateLimited, Some(20_000)));
    assert_eq!(fault(include_str!("../transcripts/over-budget.jsonl")).0, ErrorClass::Budget);
}

#[test]
fn mode_and_model_are_chosen() {
    let text = include_str!("../transcripts/choices.jsonl");
    let played = play_with(&[("mode", "code"), ("model", "large")], None, text);
    assert_eq!(outcome(played).summary, "Done.");
    let text = include_str!("../transcripts/not-offered.jsonl");
    let fault = play_with(&[("model", "huge")], None, text).result.unwrap().unwrap_err();
    assert_eq!(
        (fault.class, fault.message.as_str()),
        (ErrorClass::Environment, "`model` is configured as `huge`, and the agent offers: small, large")
    );
}

#[test]
fn who_is_stopped_cancels_the_turn() {
    let settings = Settings::read(&[Attr::new("profile", "p"), Attr::new("permissions", "ask")]).unwrap();
    let task = Task {
        folder: String::from("/w"),
        prompt: String::new(),
        contract: false,
        effects: Effects::Pure,
        resume: None,
    };
    let mut machine = Machine::new(settings, task);
    machine.start();
    let said = transcript(include_str!("../transcripts/permission-ask.jsonl"));
    for step in said {
        if let Step::Said(line) = step {
            machine.receive(Line::Text(line));
        }
    }
    let fault = Fault::stopped("it was cancelled");
    let todo = machine.stop(fault.clone());
    assert!(matches!(&todo[..], [Do::Write(_), Do::Write(_), Do::Conclude(Err(end))] if *end == fault));
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
