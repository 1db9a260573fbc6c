//! Interprets the lines.

use baton_sdk::agent::symptom;
use baton_sdk::agent::talk::{End, News, Reader, Skipped, changed_files};
use baton_sdk::agent::{Attempt, Attr, ErrorClass, Fault, Outcome, Usage, answer, contract};
use baton_sdk::words::capped;
use serde_json::json;

use crate::told::{Told, Trouble, is_broken_off, read};

/// The most bytes of the model's text that are kept.
const TEXT_BYTES: usize = 256 * 1024;

pub struct Aider {
    contract: bool,
    needs_edits: bool,
    /// The beginning of a line that was wrapped.
    begun: Option<String>,
    text: String,
    edited: Vec<String>,
    commits: Vec<String>,
    usage: Usage,
    /// The last error that was not followed by progress.
    trouble: Option<(Trouble, String)>,
}

impl Aider {
    pub fn new(attempt: &Attempt, needs_edits: bool) -> Self {
        Self {
            contract: contract(attempt).is_some(),
            needs_edits,
            begun: None,
            text: String::new(),
            edited: Vec::new(),
            commits: Vec::new(),
            usage: Usage::default(),
            trouble: None,
        }
    }

    fn whole(&mut self, line: &str) -> Vec<News> {
        match read(line) {
            Told::Tokens { sent, received, cost_micros } => {
                // An answer came: what stood in its way is overcome.
                self.trouble = None;
                self.usage.requests = self.usage.requests.saturating_add(1);
                self.usage.input_tokens = self.usage.input_tokens.saturating_add(sent);
                self.usage.output_tokens = self.usage.output_tokens.saturating_add(received);
                self.usage.cost_micros = cost_micros.or(self.usage.cost_micros);
                vec![News::Spent(self.usage.clone())]
            }
            Told::Cost { micros } => {
                self.usage.cost_micros = Some(micros);
                vec![News::Spent(self.usage.clone())]
            }
            Told::Edited { path } => {
                let news = News::progress(format!("edited {path}"));
                if !self.edited.contains(&path) {
                    self.edited.push(path);
                }
                vec![news]
            }
            Told::Commit { hash } => {
                let news = News::progress(format!("commit {hash}"));
                self.commits.push(hash);
                vec![news]
            }
            Told::Trouble { kind, text } => {
                let news = News::progress(capped(&text, 200));
                match &mut self.trouble {
                    // The explanation of what came before.
                    Some((Trouble::Provider, before)) if kind == Trouble::Provider => {
                        *before = format!("{before} {text}");
                    }
                    _ => self.trouble = Some((kind, text)),
                }
                vec![news]
            }
            // The next try has a fault of its own if it fails.
            Told::Retrying => vec![News::progress("tries again")],
            Told::Notice => Vec::new(),
            Told::Text => {
                if self.text.len() + line.len() < TEXT_BYTES {
                    self.text.push_str(line);
                    self.text.push('\n');
                }
                match line.trim() {
                    "" => Vec::new(),
                    line => vec![News::progress(capped(line, 200))],
                }
            }
        }
    }

    fn outcome(&self) -> Result<Outcome, Fault> {
        if let Some((kind, text)) = &self.trouble {
            return Err(troubled(*kind, text));
        }
        let said = self.text.trim();
        if self.edited.is_empty() && (self.needs_edits || said.is_empty()) {
            let said = if said.is_empty() { "and said nothing" } else { baton_sdk::agent::summary(said) };
            return Err(Fault::new(
                ErrorClass::InvalidOutput,
                format!("it applied no edit: {}", capped(said, 1000)),
            ));
        }
        let outcome = if said.is_empty() {
            Outcome::json(format!("Edited {}", self.edited.join(", ")), &json!({ "text": "" }))
        } else {
            answer(said, self.contract)?
        };
        Ok(Outcome { usage: self.usage.clone(), attrs: self.attrs(), ..outcome })
    }

    fn attrs(&self) -> Vec<Attr> {
        let mut attrs = Vec::new();
        if !self.edited.is_empty() {
            attrs.push(changed_files(&self.edited));
        }
        if !self.commits.is_empty() {
            attrs.push(Attr::new("commits", json!(self.commits).to_string()));
        }
        attrs
    }
}

impl Reader for Aider {
    fn read(&mut self, line: &str) -> Vec<News> {
        let line = match self.begun.take() {
            Some(begun) => format!("{} {}", begun.trim_end(), line.trim()),
            None => line.to_owned(),
        };
        if is_broken_off(&line) {
            self.begun = Some(line);
            return Vec::new();
        }
        self.whole(&line)
    }

    /// aider does not report success: only its exit is known.
    fn is_over(&self) -> bool {
        false
    }

    fn conclude(&mut self, end: &End) -> Result<Outcome, Fault> {
        if end.by_itself() && end.completed.ending == baton_sdk::agent::process::Ending::Exited(0) {
            return self.outcome();
        }
        match &self.trouble {
            Some((kind, text)) if end.by_itself() => Err(troubled(*kind, text)),
            Some(_) | None => {
                let mut last = Skipped::default();
                last.add(baton_sdk::agent::talk::last_line(&self.text));
                Err(end.without("having finished", &last))
            }
        }
    }
}

fn troubled(kind: Trouble, text: &str) -> Fault {
    match kind {
        Trouble::Provider => symptom::fault(text, ErrorClass::Transient),
        Trouble::TooLong => Fault::new(ErrorClass::InvalidInput, text),
        Trouble::Edits | Trouble::Empty => Fault::new(ErrorClass::InvalidOutput, text),
        Trouble::Reflections => Fault::new(
            ErrorClass::InvalidOutput,
            format!("what it wrote does not pass its own checks: {text}"),
        ),
    }
}
