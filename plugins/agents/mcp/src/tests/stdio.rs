use std::collections::VecDeque;

use baton_sdk::agent::people::{Answer, Purpose};
use baton_sdk::agent::process::Line;
use baton_sdk::agent::{Artifact, Attr, Content, ErrorClass, Fault, Outcome, answer};
use baton_sdk::fixture::{Step, transcript};
use serde_json::json;

use super::{Played, answered, config, once, read, same, task};
use crate::machine::{Do, Machine};
use crate::settings::Settings;

struct Player {
    machine: Machine,
    written: VecDeque<String>,
    played: Played,
}

impl Player {
    fn take(&mut self, todo: Vec<Do>) {
        for step in todo {
            assert_eq!(self.played.result, None, "something follows the end: {step:?}");
            match step {
                Do::Write(message) => self.written.push_back(message.to_string()),
                Do::Report { message, done } => self.played.reports.push((message, done)),
                Do::Spent(_) => {}
                Do::Ask(question) => self.played.questions.push(question),
                Do::Wait(millis) => {
                    self.played.waited.push(millis);
                    let todo = self.machine.waited();
                    self.take(todo);
                }
                Do::Restart => self.played.restarts += 1,
                Do::Conclude(result) => self.played.result = Some(result),
            }
        }
    }
}

fn play_with(name: &str, prefer: Option<&str>, epoch: u32, answers: Vec<Answer>) -> Played {
    let settings = Settings::read(&config(("profile", "p"), prefer)).unwrap();
    let machine = Machine::new(&settings, task(epoch, answers));
    let mut player = Player { machine, written: VecDeque::new(), played: Played::default() };
    let todo = player.machine.start();
    player.take(todo);
    for step in transcript(&read(&format!("stdio-{name}.jsonl"))) {
        if let Step::Told(expected) = step {
            let line = player.written.pop_front().unwrap_or_else(|| panic!("not written: {expected}"));
            same(&line, &expected);
            continue;
        }
        assert_eq!(player.written.pop_front(), None, "not in {name}, before {step:?}");
        let todo = match step {
            Step::Said(line) => player.machine.receive(Line::Text(line)),
            Step::Silent => player.machine.receive(Line::Silent),
            Step::Ended(_) => player.machine.receive(Line::Closed),
            Step::Answer(answer) => player.machine.answered(answer),
            Step::Told(_) | Step::Stderr(_) => Vec::new(),
        };
        player.take(todo);
    }
    assert_eq!(player.written.pop_front(), None, "not in {name}");
    assert!(player.played.result.is_some(), "{name} has no end");
    player.played
}

fn play(name: &str) -> Played {
    play_with(name, None, 1, Vec::new())
}

fn sunny(version: &str, server: &str) -> Outcome {
    Outcome {
        usage: once(),
        attrs: vec![Attr::new("mcp.version", version), Attr::new("mcp.server", server)],
        ..answer("Sunny.", false).unwrap()
    }
}

#[test]
fn without_a_handshake() {
    let played = play("modern");
    let report = |message: &str, done| (message.to_owned(), done);
    assert_eq!(
        played.reports,
        [
            report("calls get_weather", None),
            report("looks up", Some(0.25)),
            report("get_weather: 2.5", None),
            report(r#"{"cache":"cold"}"#, None),
        ]
    );
    let image = Artifact {
        name: String::from("image"),
        media_type: String::from("image/png"),
        content: Content::Inline(b"foo".to_vec()),
    };
    assert_eq!(
        played.outcome(),
        Outcome {
            usage: once(),
            artifacts: vec![image],
            attrs: vec![Attr::new("mcp.version", "2026-07-28"), Attr::new("mcp.server", "weather 1.0.0")],
            ..Outcome::json(r#"{"sky":"clear","t":22}"#, &json!({"sky": "clear", "t": 22}))
        }
    );
}

#[test]
fn a_server_that_can_only_ask_in_a_session_is_called_again_in_one() {
    let played = play("legacy-for-questions");
    assert_eq!(played.restarts, 1);
    assert_eq!(played.version(), "2025-11-25");
}

#[test]
fn with_a_handshake() {
    let played = play_with("legacy", Some("2025-11-25"), 1, Vec::new());
    assert_eq!(played.outcome(), sunny("2025-06-18", "old 0.9"));
}

#[test]
fn an_old_server_is_found_out() {
    for (name, restarts) in [
        ("fallback-error", 0),
        ("fallback-null-id", 0),
        ("fallback-silent", 0),
        ("fallback-closed", 1),
        ("unsupported", 0),
    ] {
        let played = play(name);
        assert_eq!(played.restarts, restarts, "{name}");
        assert_eq!(played.outcome(), sunny("2025-11-25", "old 0.9"), "{name}");
    }
}

#[test]
fn the_first_answer_is_waited_for_less_long() {
    let settings = Settings::read(&config(("profile", "p"), None)).unwrap();
    let mut machine = Machine::new(&settings, task(1, Vec::new()));
    machine.start();
    assert_eq!(machine.timeout_ms(), 10_000);
    machine.receive(Line::Silent);
    assert_eq!(machine.timeout_ms(), 300_000);
}

#[test]
fn a_slow_server_is_no_old_one() {
    assert_eq!(play("late").version(), "2026-07-28");
    assert_eq!(play_with("forward", Some("2025-11-25"), 1, Vec::new()).version(), "2026-07-28");
}

#[test]
fn no_version_in_common() {
    let message = "the server speaks version [\"2027-02-02\"] of the protocol, and this adapter 2026-07-28 and \
                   2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05";
    assert_eq!(play("no-common-version").fault(), (ErrorClass::Environment, String::from(message)));
}

#[test]
fn what_is_no_message_is_counted() {
    let outcome = play("malformed").outcome();
    assert_eq!(outcome.attrs.last(), Some(&Attr::new("skipped-lines", "2")));
    let settings = Settings::read(&config(("profile", "p"), None)).unwrap();
    let mut machine = Machine::new(&settings, task(1, Vec::new()));
    machine.start();
    let noise = || Line::Text(String::from("Loading..."));
    assert!((0..99).all(|_| machine.receive(noise()).is_empty()));
    let message = "what it says is not the protocol; 100 line(s) could not be read, first `Loading...`";
    let fault = Fault::new(ErrorClass::InvalidOutput, message);
    assert_eq!(machine.receive(noise()), [Do::Conclude(Err(fault))]);
}

#[test]
fn what_goes_wrong_is_told() {
    for (name, class, message) in [
        ("hang", ErrorClass::Timeout, "silent for 1800 s"),
        ("disconnect", ErrorClass::Crashed, "it closed its output before the tool's result"),
        ("tool-error", ErrorClass::Other(String::from("tool-error")), "No such city: Rome."),
        ("unknown-tool", ErrorClass::Environment, "the server has no tool `get_weather`; it has: a, b"),
        (
            "wrong-arguments",
            ErrorClass::InvalidInput,
            "tool `get_weather` can't be called with these arguments: `unit` is required; `city` is a string, expected \
             integer",
        ),
        (
            "invalid-params",
            ErrorClass::InvalidInput,
            "the server reported error -32602: city must be a capital",
        ),
        ("invalid-request", ErrorClass::Environment, "the server reported error -32600: no such resource"),
        ("task", ErrorClass::InvalidOutput, "the tool's result is of type `task`, which nobody asked for"),
        (
            "sampling-wanted",
            ErrorClass::Environment,
            "the tool wants `sampling/createMessage` of its caller, which is not given here",
        ),
    ] {
        assert_eq!(play(name).fault(), (class, message.to_owned()), "{name}");
    }
}

#[test]
fn a_rate_limit_says_how_long() {
    let fault = play("rate-limit").result.unwrap().unwrap_err();
    assert_eq!((fault.class, fault.retry_after), (ErrorClass::RateLimited, Some(20_000)));
}

#[test]
fn a_question_is_answered_by_policy() {
    let played = play("elicit");
    let question = &played.questions[0];
    assert_eq!(question.purpose, Purpose::Question);
    assert_eq!(question.text, "Tool `get_weather` asks: Which Rome?\ncountry (one of: IT, US)");
    assert_eq!(question.choices, ["IT", "US", "Decline"]);
    assert_eq!(played.outcome().usage.requests, 2);
}

#[test]
fn a_question_waits_and_the_next_attempt_goes_on() {
    let played = play_with("elicit-unanswered", None, 3, Vec::new());
    assert_eq!(played.result, Some(Err(Fault::stopped("a question waits for a person"))));
    let answers = vec![answered(&played.questions[0], "US")];
    let resumed = play_with("elicit-resumed", None, 4, answers.clone());
    assert_eq!(resumed.questions[0].key, played.questions[0].key);
    assert_eq!(resumed.outcome().usage.requests, 1);
    assert_eq!(play_with("elicit-expired", None, 4, answers.clone()).outcome().usage.requests, 2);
    // Whatever came in between, what the tool remembers is not used twice.
    play_with("modern", None, 5, answers);
}

#[test]
fn an_answer_of_no_use_is_asked_for_again() {
    let played = play("elicit-refused");
    let texts: Vec<&str> = played.questions.iter().map(|question| question.text.as_str()).collect();
    assert_eq!(texts[1], format!("`many` can't be used for n (a whole number).\n{}", texts[0]));
    assert_eq!(played.questions[1].key, format!("{}#2", played.questions[0].key));
    assert_eq!(played.questions[2].choices, ["Done", "Decline"]);
    assert_eq!(played.outcome().usage.requests, 2);
}

#[test]
fn a_tool_may_want_nothing_but_patience() {
    assert_eq!(play("state-only").waited, [1000]);
}

#[test]
fn a_tool_that_is_never_content_is_left() {
    let settings = Settings::read(&config(("profile", "p"), None)).unwrap();
    let mut machine = Machine::new(&settings, task(1, Vec::new()));
    let lines: Vec<String> = transcript(&read("stdio-elicit.jsonl"))
        .into_iter()
        .filter_map(|step| if let Step::Said(line) = step { Some(line) } else { None })
        .collect();
    machine.start();
    machine.receive(Line::Text(lines[0].clone()));
    machine.receive(Line::Text(lines[1].clone()));
    for id in 3..13 {
        let wanted = lines[2].replace(r#""id":3"#, &format!(r#""id":{id}"#));
        assert!(matches!(machine.receive(Line::Text(wanted)).as_slice(), [Do::Ask(_)]));
        assert!(matches!(machine.answered(Some(String::from("US"))).first(), Some(Do::Write(_))));
    }
    let message = "the tool wants more input again and again, and was left";
    let fault = Fault::new(ErrorClass::InvalidOutput, message);
    let wanted = lines[2].replace(r#""id":3"#, r#""id":13"#);
    assert_eq!(machine.receive(Line::Text(wanted)), [Do::Conclude(Err(fault))]);
}

#[test]
fn an_old_server_asks_while_it_works() {
    let legacy = |name| play_with(name, Some("2025-11-25"), 1, Vec::new());
    assert_eq!(legacy("legacy-elicit").questions[0].resume, "");
    let played = legacy("legacy-elicit-unanswered");
    assert_eq!(played.result, Some(Err(Fault::stopped("a question waits for a person"))));
}

#[test]
fn who_is_stopped_says_so() {
    let settings = Settings::read(&config(("profile", "p"), None)).unwrap();
    let mut machine = Machine::new(&settings, task(1, Vec::new()));
    machine.start();
    let fault = Fault::stopped("it was cancelled");
    assert_eq!(machine.stop(fault.clone()), [Do::Conclude(Err(fault.clone()))], "nothing was called");
    assert_eq!(machine.stop(fault), [], "it is over");
}
