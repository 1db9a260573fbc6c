//! Interprets the lines.

use std::collections::BTreeSet;

use baton_sdk::agent::symptom;
use baton_sdk::agent::talk::{End, News, Reader, Skipped, changed_files};
use baton_sdk::agent::{
    Attempt, Attr, Effects, ErrorClass, Fault, Outcome, Usage, answer, contract, one_line,
};
use baton_sdk::words::capped;
use serde_json::json;

use crate::event::{Event, Item, parse};
use crate::total::Total;

pub struct Codex {
    contract: bool,
    /// The effects of the task.
    effects: Effects,
    skipped: Skipped,
    thread: String,
    /// The latest message: earlier ones tell what it is about to do.
    message: String,
    /// The number of finished commands, changes and other tools.
    deeds: usize,
    /// The running tools, by the ids of their items.
    open: BTreeSet<String>,
    changed: Vec<String>,
    declined: Vec<String>,
    /// The latest, which may have been overcome.
    error: Option<String>,
    turn: Turn,
    /// The usage of the thread before this attempt: Codex reports that of the whole thread.
    before: Total,
}

enum Turn {
    UnderWay,
    Completed(Usage),
    Failed(String),
}

impl Codex {
    pub fn new(attempt: &Attempt) -> Self {
        Self {
            contract: contract(attempt).is_some(),
            effects: attempt.task.effects,
            skipped: Skipped::default(),
            thread: String::new(),
            message: String::new(),
            deeds: 0,
            open: BTreeSet::new(),
            changed: Vec::new(),
            declined: Vec::new(),
            error: None,
            turn: Turn::UnderWay,
            before: Total::default(),
        }
    }

    fn item(&mut self, item: Item, completed: bool) -> Option<News> {
        match item {
            Item::Message { text } => {
                let news = first_line(&text).map(News::progress);
                if completed {
                    self.message = text;
                }
                news
            }
            Item::Command { command, declined } => {
                if completed && declined {
                    self.declined.push(command.clone());
                } else if completed {
                    self.deeds += 1;
                }
                Some(News::progress(command))
            }
            Item::Files { paths, failed } => {
                let news = News::progress(format!("changes {}", paths.join(", ")));
                if completed && !failed {
                    self.deeds += 1;
                    paths.into_iter().for_each(|path| self.change(path));
                }
                Some(news)
            }
            Item::Tool { about } => {
                if completed {
                    self.deeds += 1;
                }
                Some(News::progress(about))
            }
            Item::Todo { of: 0, .. } => None,
            Item::Todo { done, of } => Some(News::Progress {
                message: format!("{done} of {of} steps done"),
                done: Some(done as f64 / of as f64),
            }),
            Item::Error { message } => Some(News::progress(message)),
            Item::Other => None,
        }
    }

    fn change(&mut self, path: String) {
        if !self.changed.contains(&path) {
            self.changed.push(path);
        }
    }

    fn outcome(&self, usage: &Usage) -> Result<Outcome, Fault> {
        if self.effects == Effects::Workspace && self.deeds == 0 && !self.declined.is_empty() {
            let declined = one_line(&self.declined.join(", "));
            let message = format!(
                "it was denied all that it wanted to do ({declined}), and did nothing; the profile's --sandbox says \
                 what is allowed"
            );
            return Err(Fault::new(ErrorClass::Environment, message));
        }
        let outcome = match (self.message.trim().is_empty(), self.deeds) {
            (true, 0) => {
                let cause =
                    self.error.as_deref().unwrap_or("it did nothing and said nothing, and ended its turn");
                return Err(symptom::fault(cause, ErrorClass::InvalidOutput));
            }
            (true, _) => Outcome::json("", &json!({ "text": "" })),
            (false, _) => answer(&self.message, self.contract)?,
        };
        Ok(Outcome { usage: usage.clone(), attrs: self.attrs(), ..outcome })
    }

    fn attrs(&self) -> Vec<Attr> {
        let mut attrs = vec![Attr::new("session", &self.thread)];
        if !self.declined.is_empty() {
            attrs.push(Attr::new("permissions-denied", json!(self.declined).to_string()));
        }
        if !self.changed.is_empty() {
            attrs.push(changed_files(&self.changed));
        }
        attrs
    }
}

impl Reader for Codex {
    fn read(&mut self, line: &str) -> Vec<News> {
        match parse(line) {
            None => {
                self.skipped.add(line);
                Vec::new()
            }
            Some(Event::Started { thread }) => {
                self.thread.clone_from(&thread);
                vec![News::Session(thread), News::progress("started")]
            }
            Some(Event::Completed { total }) => {
                let usage = total.since(&self.before).usage();
                self.turn = Turn::Completed(usage.clone());
                vec![News::Spent(usage), News::Total(total.to_string()), News::progress("done")]
            }
            Some(Event::Failed { message }) => {
                let news = News::progress(&message);
                self.turn = Turn::Failed(message);
                vec![news]
            }
            Some(Event::Error { message }) => {
                let news = News::progress(&message);
                self.error = Some(message);
                vec![news]
            }
            Some(Event::Item { id, item, completed }) => {
                if completed {
                    self.open.remove(&id);
                } else if item.is_tool() {
                    self.open.insert(id);
                }
                self.item(item, completed).into_iter().collect()
            }
            Some(Event::Other) => Vec::new(),
        }
    }

    fn resumes(&mut self, total: &str) {
        self.before = total.parse().unwrap_or_default();
    }

    fn has_open_tool(&self) -> bool {
        !self.open.is_empty()
    }

    fn is_over(&self) -> bool {
        match self.turn {
            Turn::UnderWay => false,
            Turn::Completed(_) | Turn::Failed(_) => true,
        }
    }

    fn conclude(&mut self, end: &End) -> Result<Outcome, Fault> {
        match (&self.turn, &self.error) {
            (Turn::Completed(usage), _) => self.outcome(usage),
            (Turn::Failed(message), _) => Err(symptom::fault(message, ErrorClass::Transient)),
            // It failed without reporting the end of the turn.
            (Turn::UnderWay, Some(error)) => {
                let fault = end.without("a `turn.completed`", &self.skipped);
                let message = format!("{error} ({})", fault.message);
                if end.by_itself() {
                    return Err(symptom::fault(&message, fault.class));
                }
                Err(Fault { message, ..fault })
            }
            (Turn::UnderWay, None) => Err(end.without("a `turn.completed`", &self.skipped)),
        }
    }
}

fn first_line(text: &str) -> Option<&str> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(capped(line, 200))
}
