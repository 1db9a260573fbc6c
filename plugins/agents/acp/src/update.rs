//! Session updates: what an agent reports while it works.

use std::fmt::{self, Display};

use baton_sdk::agent::{Attr, Usage};
use baton_sdk::words::capped;
use serde_json::Value;

use crate::machine::Do;
use crate::usage::{self, Tokens, Told};

/// The most characters of a title in a progress report.
const SHOWN_BYTES: usize = 200;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Messages, one for each stretch without a tool in between. The last is the answer.
    messages: Vec<String>,
    is_talking: bool,
    tools: Vec<Tool>,
    pub usage: Usage,
    /// The cost of the session before this attempt, in millionths: agents report that of the whole session.
    before: u64,
    latest: String,
    /// Tokens that were reported request by request.
    requests: Tokens,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tool {
    id: String,
    title: String,
    kind: String,
    status: String,
    pub paths: Vec<String>,
    has_diff: bool,
    is_denied: bool,
}

impl Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() { "a tool" } else { &self.title };
        match self.kind.as_str() {
            "" => write!(f, "other: {title}"),
            kind => write!(f, "{kind}: {title}"),
        }
    }
}

impl Work {
    /// Drops everything that was replayed from a loaded session except its cost.
    pub fn begin(&mut self) {
        let before = self.usage.cost_micros.unwrap_or(0);
        *self = Self { before, latest: String::from("started"), ..Self::default() };
    }

    pub fn replay(&mut self, params: &Value) {
        self.update(params);
    }

    pub fn update(&mut self, params: &Value) -> Vec<Do> {
        let update = params.get("update").unwrap_or(&Value::Null);
        let mut todo = Vec::new();
        let mut done = None;
        match text(update, "/sessionUpdate").unwrap_or("") {
            "agent_message_chunk" => {
                self.say(text(update, "/content/text").unwrap_or(""));
                self.latest = String::from("writes");
                if let Some(tokens) = usage::of_update(update) {
                    self.requests = self.requests.plus(&tokens);
                    self.count(&self.requests.clone());
                    todo.push(Do::Spent(self.usage.clone()));
                }
            }
            "agent_thought_chunk" => self.latest = String::from("thinks"),
            "tool_call" | "tool_call_update" => {
                self.is_talking = false;
                let tool = self.tool(update);
                self.latest = capped(&tool.title, SHOWN_BYTES).to_owned();
                if matches!(tool.status.as_str(), "completed" | "failed") {
                    self.latest = format!("{}: {}", self.latest, tool.status);
                }
            }
            "plan" => {
                let entries = list(update, "/entries");
                let of = entries.len();
                let finished =
                    entries.iter().filter(|entry| text(entry, "/status") == Some("completed")).count();
                if of > 0 {
                    self.latest = format!("{finished} of {of} steps done");
                    done = Some(finished as f64 / of as f64);
                }
            }
            "usage_update" => {
                self.cost(update);
                todo.push(Do::Spent(self.usage.clone()));
            }
            // The user's own words, commands, modes, and what later versions tell.
            _ => {}
        }
        todo.push(Do::Report { message: self.latest.clone(), done });
        todo
    }

    fn say(&mut self, text: &str) {
        if !self.is_talking {
            self.messages.push(String::new());
            self.is_talking = true;
        }
        if let Some(message) = self.messages.last_mut() {
            message.push_str(text);
        }
    }

    /// The tool call that this speaks of, as far as it is known by now.
    pub fn tool(&mut self, told: &Value) -> Tool {
        let id = text(told, "/toolCallId").unwrap_or("");
        let index = match self.tools.iter().position(|tool| tool.id == id) {
            Some(index) => index,
            None => {
                self.tools.push(Tool { id: id.to_owned(), ..Tool::default() });
                self.tools.len() - 1
            }
        };
        let tool = &mut self.tools[index];
        for (pointer, place) in
            [("/title", &mut tool.title), ("/kind", &mut tool.kind), ("/status", &mut tool.status)]
        {
            if let Some(new) = text(told, pointer) {
                new.clone_into(place);
            }
        }
        let located = list(told, "/locations").iter().filter_map(|location| text(location, "/path"));
        let diffs = list(told, "/content").iter().filter(|content| text(content, "/type") == Some("diff"));
        let diffs: Vec<&str> = diffs.filter_map(|diff| text(diff, "/path")).collect();
        tool.has_diff |= !diffs.is_empty();
        for path in located.chain(diffs) {
            if !tool.paths.iter().any(|known| known == path) {
                tool.paths.push(path.to_owned());
            }
        }
        tool.clone()
    }

    fn cost(&mut self, update: &Value) {
        let amount = update.pointer("/cost/amount").and_then(Value::as_f64).filter(|amount| *amount >= 0.0);
        match (amount, text(update, "/cost/currency")) {
            (Some(amount), Some("USD")) => {
                let micros = (amount * 1e6).round() as u64;
                self.usage.cost_micros = Some(micros.saturating_sub(self.before));
            }
            (Some(amount), Some(currency)) => self.note("cost", format!("{amount} {currency}")),
            (Some(_) | None, _) => {}
        }
        if let Some(used) = update.get("used").and_then(Value::as_u64) {
            self.note("context-tokens", used.to_string());
        }
    }

    fn note(&mut self, name: &str, value: String) {
        self.usage.attrs.retain(|attr| attr.name != name);
        self.usage.attrs.push(Attr::new(name, value));
    }

    /// Reads the tokens from the end of the turn. False if it has none.
    pub fn used(&mut self, told: &Told) -> bool {
        if let Some(tokens) = &told.tokens {
            self.count(tokens);
        }
        if let Some(model) = &told.model {
            self.note("model", model.clone());
        }
        told.tokens.is_some()
    }

    fn count(&mut self, tokens: &Tokens) {
        self.usage.input_tokens = tokens.input;
        self.usage.output_tokens = tokens.output;
        if tokens.cached > 0 {
            self.note("cached-input-tokens", tokens.cached.to_string());
        }
    }

    /// The session's model, until the agent reports usage by model.
    pub fn works_with(&mut self, model: &str) {
        self.note("model", model.to_owned());
    }

    /// Whether a tool is running, during which the agent may be silent.
    pub fn has_open_tool(&self) -> bool {
        self.tools
            .iter()
            .any(|tool| !tool.is_denied && matches!(tool.status.as_str(), "pending" | "in_progress"))
    }

    pub fn answer(&self) -> &str {
        self.messages
            .iter()
            .rev()
            .map(|message| message.trim())
            .find(|message| !message.is_empty())
            .unwrap_or("")
    }

    pub fn deny(&mut self, denied: &Tool) {
        for tool in self.tools.iter_mut().filter(|tool| tool.id == denied.id) {
            tool.is_denied = true;
        }
    }

    /// Whether there was anything that it might have done.
    pub fn did_something(&self) -> bool {
        self.tools.iter().any(|tool| !tool.is_denied)
    }

    /// The paths of what was changed, as far as the agent says that it was.
    pub fn changed(&self) -> Vec<String> {
        let mut changed: Vec<String> = Vec::new();
        for tool in self.tools.iter().filter(|tool| tool.status == "completed" && tool.changes()) {
            for path in &tool.paths {
                if !changed.contains(path) {
                    changed.push(path.clone());
                }
            }
        }
        changed
    }
}

impl Tool {
    fn changes(&self) -> bool {
        self.has_diff || matches!(self.kind.as_str(), "edit" | "delete" | "move")
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
