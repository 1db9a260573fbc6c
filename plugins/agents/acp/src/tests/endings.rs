//! How a turn ends, and which ends are good ones.

use super::*;

#[test]
fn a_hang_is_a_timeout() {
    assert_eq!(
        fault(include_str!("../../transcripts/hang.jsonl")),
        (ErrorClass::Timeout, String::from("silent for 1800 s")),
        "its tool was at work"
    );
}

#[test]
fn who_closes_in_the_middle_has_crashed() {
    assert_eq!(
        fault(include_str!("../../transcripts/closed.jsonl")),
        (ErrorClass::Crashed, String::from("it closed its output before it ended its turn"))
    );
    assert_eq!(
        fault(include_str!("../../transcripts/closed-at-once.jsonl")),
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
        fault(include_str!("../../transcripts/refusal.jsonl")),
        (ErrorClass::Refused, String::from("I won't do that."))
    );
}

#[test]
fn a_login_is_the_operators() {
    assert_eq!(
        fault(include_str!("../../transcripts/auth-required.jsonl")),
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
    let max_turns = play(include_str!("../../transcripts/max-turns.jsonl")).result.unwrap().unwrap_err();
    assert_eq!(max_turns.class, ErrorClass::Budget);
    assert_eq!(max_turns.attrs, [Attr::new("stop-reason", "max-turns")]);
    assert_eq!(
        fault(include_str!("../../transcripts/max-tokens.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("its turn was cut at the limit of tokens before it had ended")
        )
    );
    assert_eq!(
        fault(include_str!("../../transcripts/unknown-end.jsonl")),
        (
            ErrorClass::Other(String::from("stop-reason")),
            String::from("its turn ended for a reason that is not known to be a good one, `paused`")
        )
    );
}

#[test]
fn what_comes_after_the_end_of_the_turn_belongs_to_it() {
    let late = outcome(play(include_str!("../../transcripts/late.jsonl")));
    assert_eq!(late.output, r#"{"text":"{\"verdict\": \"no\", \"n\": 42}"}"#);
    let gone = outcome(play(include_str!("../../transcripts/late-and-gone.jsonl")));
    assert_eq!((gone.summary.as_str(), gone.usage.cost_micros), ("Done late.", Some(2000)));
    assert_eq!(outcome(play(include_str!("../../transcripts/chatter.jsonl"))).summary, "Done.");
    let text = include_str!("../../transcripts/late-request.jsonl");
    let late_request = play_with(&[("permissions", "ask")], None, text);
    assert_eq!(late_request.questions, []);
    assert_eq!(outcome(late_request).summary, "Done.");
}

/// However an answer is divided by the end of the turn.
#[test]
fn an_answer_is_whole_wherever_its_turn_ends() {
    let whole = include_str!("../../transcripts/late.jsonl");
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
    let open = include_str!("../../transcripts/open-tool.jsonl");
    assert_eq!(idle_timeout(open, "sess-1\"}"), 12_000);
    assert_eq!(idle_timeout(open, "cargo build"), 40_000);
    let good = include_str!("../../transcripts/good.jsonl");
    assert_eq!(idle_timeout(good, "\"pending\""), 40_000);
    assert_eq!(idle_timeout(good, "\"completed\",\"content\""), 12_000);
    assert_eq!(idle_timeout(good, "stopReason"), 200);
    // Nothing was said or done yet.
    assert_eq!(idle_timeout(include_str!("../../transcripts/late-and-gone.jsonl"), "stopReason"), 2000);
    assert_eq!(
        fault(open),
        (ErrorClass::Timeout, String::from("silent for 1800 s")),
        "and it is not without an end"
    );
}

#[test]
fn an_error_in_words_is_no_answer() {
    assert_eq!(fault(include_str!("../../transcripts/error-in-words.jsonl")).0, ErrorClass::Unauthorized);
    let (class, message) = fault(include_str!("../../transcripts/error-after-notes.jsonl"));
    assert_eq!(class, ErrorClass::Unauthorized);
    assert!(message.starts_with("Error: Authentication failed"), "{message}");
    assert_eq!(fault(include_str!("../../transcripts/error-of-400.jsonl")).0, ErrorClass::InvalidInput);
    assert_eq!(
        fault(include_str!("../../transcripts/error-as-json.jsonl")),
        (ErrorClass::InvalidInput, String::from("the service reported an error: scripted 400"))
    );
}

#[test]
fn to_do_nothing_is_no_success() {
    assert_eq!(
        fault(include_str!("../../transcripts/did-nothing.jsonl")),
        (
            ErrorClass::InvalidOutput,
            String::from("it did nothing and said nothing, and ended its turn (`end_turn`)")
        )
    );
}

#[test]
fn errors_have_their_classes() {
    let limited = play(include_str!("../../transcripts/rate-limit.jsonl")).result.unwrap().unwrap_err();
    assert_eq!((limited.class, limited.retry_after), (ErrorClass::RateLimited, Some(20_000)));
    assert_eq!(fault(include_str!("../../transcripts/over-budget.jsonl")).0, ErrorClass::Budget);
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
    let said = transcript(include_str!("../../transcripts/permission-ask.jsonl"));
    for step in said {
        if let Step::Said(line) = step {
            machine.receive(Line::Text(line));
        }
    }
    let fault = Fault::stopped("it was cancelled");
    let todo = machine.stop(fault.clone());
    assert!(matches!(&todo[..], [Do::Write(_), Do::Write(_), Do::Conclude(Err(end))] if *end == fault));
}
