use std::collections::VecDeque;

use baton_sdk::agent::http::{HttpError, Request};
use baton_sdk::agent::jsonrpc::Message;
use baton_sdk::agent::people::Answer;
use baton_sdk::agent::{Attr, ErrorClass, Fault};

use super::{Played, answered, config, read, same, task};
use crate::machine::{Do, Machine};
use crate::settings::Settings;
use crate::wire::Wire;

/// `>> ` and the method, then headers that are expected (`-Name`: that are not), and the body after `> `; `<< `, status,
/// media type and headers, and the body in the lines below; `..` and more of the body before; `!! ` for a connection that
/// fails; `== ` and what a person says, or `nobody`.
#[derive(Debug)]
struct Step {
    mark: String,
    words: Vec<String>,
    body: String,
}

fn steps(text: &str) -> VecDeque<Step> {
    let mut steps: VecDeque<Step> = VecDeque::new();
    for line in text.split_inclusive('\n') {
        let mut words = line.trim_end().split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        match line.get(..2) {
            Some(">>" | "<<" | "!!" | "==" | "..") => {
                let mark = words.next().unwrap_or_default();
                steps.push_back(Step { mark, words: words.collect(), body: String::new() });
            }
            _ => match steps.back_mut() {
                Some(step) => step.body.push_str(line),
                None => assert!(line.starts_with('#'), "{line}"),
            },
        }
    }
    steps
}

struct Player {
    steps: VecDeque<Step>,
    machine: Machine,
    wire: Wire,
    /// What of the open response was not yet read.
    body: VecDeque<u8>,
    played: Played,
}

impl Player {
    fn next(&mut self, mark: &str) -> Step {
        let step = self.steps.pop_front().unwrap_or_else(|| panic!("no {mark} any more"));
        assert_eq!(step.mark, mark, "{step:?}");
        step
    }

    fn sent(&mut self, request: &Request) {
        let step = self.next(">>");
        assert_eq!((request.service.as_str(), request.path.as_str()), ("s", "/mcp"));
        assert_eq!(Some(&request.method), step.words.first());
        for word in &step.words[1..] {
            let value = |name: &str| {
                let attr = request.headers.iter().find(|attr| attr.name.eq_ignore_ascii_case(name));
                attr.map(|attr| attr.value.clone())
            };
            match (word.strip_prefix('-'), word.split_once('=')) {
                (Some(name), _) => assert_eq!(value(name), None, "{name}"),
                (None, Some((name, expected))) => {
                    assert_eq!(value(name), Some(expected.replace("\\s", " ")), "{name}");
                }
                (None, None) => panic!("{word}"),
            }
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        match step.body.strip_prefix("> ") {
            Some(expected) => same(&body, expected),
            None => assert_eq!(body, ""),
        }
    }

    fn is_next(&self, mark: &str) -> bool {
        self.steps.front().is_some_and(|step| step.mark == mark)
    }

    fn step(&mut self, step: Do) -> Vec<Do> {
        match step {
            Do::Write(message) => {
                let request = self.wire.request(&message, &self.machine);
                self.sent(&request);
                if self.is_next("!!") {
                    let why = self.next("!!").words.join(" ");
                    return self.wire.over(&Err(HttpError::Unreachable(why)), &mut self.machine);
                }
                let response = self.next("<<");
                if matches!(message, Message::Request { .. }) {
                    let kind = Attr::new("Content-Type", &response.words[1]);
                    let others = response.words[2..].iter().map(|word| word.split_once('=').expect(word));
                    let others = others.map(|(name, value)| Attr::new(name, value));
                    let status = response.words[0].parse().unwrap();
                    self.wire.head(status, [kind].into_iter().chain(others).collect());
                    self.body = response.body.into_bytes().into();
                }
                Vec::new()
            }
            Do::Report { message, done } => {
                self.played.reports.push((message, done));
                Vec::new()
            }
            Do::Spent(_) => Vec::new(),
            Do::Ask(question) => {
                let said = self.next("==").words.join(" ");
                self.played.questions.push(question);
                self.machine.answered(Some(said).filter(|said| said != "nobody"))
            }
            Do::Wait(millis) => {
                self.played.waited.push(millis);
                self.machine.waited()
            }
            Do::Restart => panic!("there is nothing to start"),
            Do::Conclude(result) => {
                if let Some(request) = self.wire.farewell(&self.machine) {
                    self.sent(&request);
                    self.next("<<");
                }
                self.played.result = Some(result);
                Vec::new()
            }
        }
    }

    fn read(&mut self, piece: usize) -> Vec<Do> {
        if self.body.is_empty() && self.is_next("..") {
            self.body = self.next("..").body.into_bytes().into();
        }
        if !self.body.is_empty() {
            let bytes: Vec<u8> = self.body.drain(..piece.min(self.body.len())).collect();
            return self.wire.chunk(&bytes, &mut self.machine);
        }
        let ended = match self.is_next("!!") {
            true => Err(HttpError::Broken(self.next("!!").words.join(" "))),
            false => Ok(()),
        };
        self.wire.over(&ended, &mut self.machine)
    }
}

fn play_in(name: &str, prefer: Option<&str>, epoch: u32, answers: &[Answer], piece: usize) -> Played {
    let mut config = config(("service", "s"), prefer);
    config.push(Attr::new("path", "/mcp"));
    let settings = Settings::read(&config).unwrap();
    let mut player = Player {
        steps: steps(&read(&format!("http-{name}.txt"))),
        machine: Machine::new(&settings, task(epoch, answers.to_vec())),
        wire: Wire::new("s", "/mcp", 0),
        body: VecDeque::new(),
        played: Played::default(),
    };
    let mut todo = VecDeque::from(player.machine.start());
    while player.played.result.is_none() {
        let more = match todo.pop_front() {
            Some(step) => player.step(step),
            None => player.read(piece),
        };
        todo.extend(more);
    }
    assert!(player.steps.is_empty(), "{name} goes on: {:?}", player.steps);
    player.played
}

/// The same however the bytes come.
fn play_with(name: &str, prefer: Option<&str>, epoch: u32, answers: &[Answer]) -> Played {
    let played = play_in(name, prefer, epoch, answers, 1 << 20);
    for piece in [1, 7] {
        assert_eq!(play_in(name, prefer, epoch, answers, piece), played, "{name} in pieces of {piece}");
    }
    played
}

fn play(name: &str) -> Played {
    play_with(name, None, 1, &[])
}

#[test]
fn without_a_handshake() {
    assert_eq!(play("modern").outcome().summary, "Sunny.");
    let played = play("modern-stream");
    assert_eq!(played.reports[1], (String::from("half"), Some(0.5)));
    assert_eq!(played.outcome().attrs.last(), Some(&Attr::new("skipped-lines", "1")));
    assert_eq!(play("stream-without-last-blank").outcome().summary, "Sunny.");
}

#[test]
fn with_a_session() {
    for name in ["legacy", "legacy-stream"] {
        assert_eq!(play_with(name, Some("2025-11-25"), 1, &[]).version(), "2025-11-25", "{name}");
    }
}

#[test]
fn an_old_server_is_found_out() {
    assert_eq!(play("fallback").version(), "2025-11-25");
    assert_eq!(play("fallback-rpc").version(), "2025-11-25");
}

#[test]
fn a_lost_session_is_begun_anew_once() {
    let lost = |name| play_with(name, Some("2025-11-25"), 1, &[]);
    assert_eq!(lost("session-lost").outcome().summary, "Sunny.");
    let message = String::from("the service answered 404: Session not found");
    assert_eq!(lost("session-lost-twice").fault(), (ErrorClass::Environment, message));
}

#[test]
fn marked_arguments_are_repeated_in_headers() {
    assert_eq!(play("mirrored").outcome().usage.requests, 2);
}

#[test]
fn a_question_waits_and_the_next_attempt_goes_on() {
    let played = play_with("elicit", None, 1, &[]);
    assert_eq!(played.result, Some(Err(Fault::stopped("a question waits for a person"))));
    let answers = [answered(&played.questions[0], "US")];
    assert_eq!(play_with("elicit-resumed", None, 2, &answers).outcome().usage.requests, 1);
}

#[test]
fn who_must_wait_is_told_how_long() {
    for name in ["rate-limit", "rate-limit-at-once"] {
        let fault = play(name).result.unwrap().unwrap_err();
        assert_eq!((fault.class, fault.retry_after), (ErrorClass::RateLimited, Some(7000)), "{name}");
    }
}

#[test]
fn what_goes_wrong_is_told() {
    for (name, class, message) in [
        ("tool-error", ErrorClass::Other(String::from("tool-error")), "No such city."),
        ("unauthorized", ErrorClass::Unauthorized, "the service answered 401: invalid_token"),
        ("server-error", ErrorClass::Transient, "the service answered 503: no capacity"),
        ("stream-broken", ErrorClass::Transient, "the connection broke: reset"),
        ("stream-ended", ErrorClass::Crashed, "the stream ended before the tool's result"),
        ("nothing", ErrorClass::Transient, "the service answered 202 and nothing else"),
        ("unreachable", ErrorClass::Transient, "no route"),
    ] {
        assert_eq!(play(name).fault(), (class, message.to_owned()), "{name}");
    }
    let (class, message) = play("malformed").fault();
    assert_eq!(class, ErrorClass::Transient);
    assert!(message.starts_with("the service sent what is no message (not JSON"), "{message}");
    assert!(message.ends_with("<html>Welcome</html>"), "{message}");
    assert_eq!(play("unsupported").fault().0, ErrorClass::Environment);
}

#[test]
fn no_beginning_of_an_answer_is_taken_for_it() {
    let text = read("http-modern-stream.txt");
    let body = steps(&text).pop_back().unwrap().body;
    let begun = || {
        let settings = Settings::read(&config(("service", "s"), None)).unwrap();
        let mut machine = Machine::new(&settings, task(1, Vec::new()));
        let mut wire = Wire::new("s", "", 0);
        let mut todo = VecDeque::from(machine.start());
        for step in steps(&text).into_iter().filter(|step| step.mark == "<<") {
            while let Some(step) = todo.pop_front() {
                if let Do::Write(message) = step {
                    wire.request(&message, &machine);
                }
            }
            wire.head(200, vec![Attr::new("content-type", &step.words[1])]);
            if step.words[1] == "application/json" {
                wire.chunk(step.body.as_bytes(), &mut machine);
                todo.extend(wire.over(&Ok(()), &mut machine));
            }
        }
        (wire, machine)
    };
    for end in 0..body.trim_end().len() {
        let (mut wire, mut machine) = begun();
        let mut todo = wire.chunk(&body.as_bytes()[..end], &mut machine);
        for _ in 0..2 {
            todo.extend(wire.over(&Ok(()), &mut machine));
        }
        let ended = todo.iter().find_map(|step| match step {
            Do::Conclude(result) => Some(result),
            Do::Write(_) | Do::Report { .. } | Do::Spent(_) | Do::Ask(_) | Do::Wait(_) | Do::Restart => None,
        });
        let fault = ended.expect("an end").as_ref().unwrap_err();
        assert_eq!(fault.class, ErrorClass::Crashed, "up to {end}: {}", fault.message);
    }
}
