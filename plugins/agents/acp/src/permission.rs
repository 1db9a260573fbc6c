//! Permission requests of an agent.

use baton_sdk::agent::jsonrpc::{Id, Message};
use baton_sdk::agent::people::{Purpose, Question};
use baton_sdk::seed::fnv1a;
use baton_sdk::words::capped;
use serde_json::{Value, json};

use crate::update::Tool;

/// Characters of a tool's name in a question's key.
const KEY_CHARS: usize = 100;

/// How much of a tool's input a person is shown.
const INPUT_BYTES: usize = 6000;

#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    id: Id,
    pub tool: Tool,
    input: String,
    pub options: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    id: String,
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    AllowOnce,
    AllowAlways,
    /// Of a later version: neither leave nor refusal.
    Other,
    RejectAlways,
    RejectOnce,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Selected(Choice),
    Cancelled,
}

impl Wish {
    pub fn new(id: Id, tool: Tool, params: &Value) -> Self {
        let options = params.get("options").and_then(Value::as_array).into_iter().flatten();
        let input = params.pointer("/toolCall/rawInput").filter(|input| !input.is_null());
        let mut options: Vec<Choice> = options.filter_map(choice).collect();
        // People and policies read them from the first, which allows, to the last, which denies.
        options.sort_by_key(|option| option.kind);
        Self { id, tool, input: input.map(Value::to_string).unwrap_or_default(), options }
    }

    /// Once rather than for ever.
    pub fn allowed(&self) -> Decision {
        self.first(&[Kind::AllowOnce, Kind::AllowAlways])
    }

    pub fn refused(&self) -> Decision {
        self.first(&[Kind::RejectOnce, Kind::RejectAlways])
    }

    /// Where there is no such option, no leave is given.
    fn first(&self, kinds: &[Kind]) -> Decision {
        let of = |kind| self.options.iter().find(|option| option.kind == kind);
        kinds.iter().find_map(|kind| of(*kind)).cloned().map_or(Decision::Cancelled, Decision::Selected)
    }

    pub fn chosen(&self, name: &str) -> Decision {
        match self.options.iter().zip(self.names()).find(|(_, shown)| shown == name) {
            Some((option, _)) => Decision::Selected(option.clone()),
            None => self.refused(),
        }
    }

    pub fn is_leave(&self, decision: &Decision) -> bool {
        match decision {
            Decision::Selected(option) => {
                matches!(option.kind, Kind::AllowOnce | Kind::AllowAlways | Kind::Other)
            }
            Decision::Cancelled => false,
        }
    }

    pub fn response(&self, decision: &Decision) -> Message {
        let outcome = match decision {
            Decision::Selected(option) => json!({"outcome": "selected", "optionId": option.id}),
            Decision::Cancelled => json!({"outcome": "cancelled"}),
        };
        Message::Response { id: self.id.clone(), result: json!({ "outcome": outcome }) }
    }

    /// The key is the same whenever the same is asked for, in whichever session.
    pub fn question(&self, session: &str) -> Question {
        let mut text = format!("The agent asks for leave: {}", self.tool);
        if !self.tool.paths.is_empty() {
            text.push_str(&format!("\nFiles: {}", self.tool.paths.join(", ")));
        }
        if !self.input.is_empty() {
            text.push_str(&format!("\nInput: {}", capped(&self.input, INPUT_BYTES)));
        }
        Question {
            key: self.key(),
            purpose: Purpose::Permission,
            text: capped(&text, 8000).to_owned(),
            choices: self.names(),
            resume: session.to_owned(),
        }
    }

    /// Another input is another question.
    fn key(&self) -> String {
        let tool: String = self.tool.to_string().chars().take(KEY_CHARS).collect();
        if self.input.is_empty() { tool } else { format!("{tool} #{:016x}", fnv1a(self.input.as_bytes())) }
    }

    /// Names that occur twice are distinguished by their ids. One of them always denies.
    fn names(&self) -> Vec<String> {
        let denies =
            self.options.iter().any(|option| matches!(option.kind, Kind::RejectOnce | Kind::RejectAlways));
        let deny = (!denies).then(|| String::from("Deny"));
        let names = self.options.iter().map(|option| {
            let same = self.options.iter().filter(|other| other.name == option.name).count();
            if same > 1 { format!("{} ({})", option.name, option.id) } else { option.name.clone() }
        });
        names.chain(deny).collect()
    }
}

fn choice(option: &Value) -> Option<Choice> {
    let text = |key: &str| option.get(key).and_then(Value::as_str);
    let id = text("optionId")?;
    let kind = match text("kind") {
        Some("allow_once") => Kind::AllowOnce,
        Some("allow_always") => Kind::AllowAlways,
        Some("reject_once") => Kind::RejectOnce,
        Some("reject_always") => Kind::RejectAlways,
        Some(_) | None => Kind::Other,
    };
    Some(Choice { id: id.to_owned(), name: text("name").unwrap_or(id).to_owned(), kind })
}
