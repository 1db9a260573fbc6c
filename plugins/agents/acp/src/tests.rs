//! Transcripts of the protocol, played to the machine.

mod endings;
mod questions;
mod session;

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
