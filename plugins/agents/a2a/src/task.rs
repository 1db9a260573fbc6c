//! The agent's task, as far as it is known.

use serde_json::Value;

/// The longest accepted id: it has to fit into the resume text of a question.
const ID_BYTES: usize = 512;

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Submitted, working, or a state that is not known yet.
    Working,
    Completed,
    Failed,
    Canceled,
    Rejected,
    InputRequired,
    AuthRequired,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    pub id: String,
    pub name: Option<String>,
    pub parts: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub context: Option<String>,
    pub state: State,
    /// Of the status.
    pub message: Vec<Value>,
    pub artifacts: Vec<Artifact>,
    /// The last that the agent said.
    pub last: Vec<Value>,
}

impl Task {
    pub fn read(task: &Value) -> Option<Self> {
        let mut read = Self {
            id: id(task, "id")?,
            context: id(task, "contextId"),
            state: State::Working,
            message: Vec::new(),
            artifacts: list(task, "artifacts").iter().map(artifact).collect(),
            last: last(list(task, "history")),
        };
        read.status(task.get("status")?)?;
        Some(read)
    }

    /// A status, in a task or in an update.
    pub fn status(&mut self, status: &Value) -> Option<()> {
        self.state = state(status.get("state")?.as_str()?);
        self.message =
            status.get("message").map(|message| list(message, "parts").to_vec()).unwrap_or_default();
        Some(())
    }

    /// A new artifact, one that replaces another, or more of one.
    pub fn artifact(&mut self, update: &Value) -> Option<()> {
        let new = artifact(update.get("artifact")?);
        let append = update.get("append").and_then(Value::as_bool).unwrap_or(false);
        match self.artifacts.iter_mut().find(|artifact| artifact.id == new.id) {
            None => self.artifacts.push(new),
            Some(old) if append => old.parts = joined(std::mem::take(&mut old.parts), new.parts),
            Some(old) => *old = new,
        }
        Some(())
    }

    /// Whether the task makes no progress without an action from this side.
    pub fn rests(&self) -> bool {
        match self.state {
            State::Working => false,
            State::Completed
            | State::Failed
            | State::Canceled
            | State::Rejected
            | State::InputRequired
            | State::AuthRequired => true,
        }
    }

    /// Whether it has ended without success, so that only a new one can do the work.
    pub fn is_lost(&self) -> bool {
        match self.state {
            State::Failed | State::Canceled | State::Rejected => true,
            State::Working | State::Completed | State::InputRequired | State::AuthRequired => false,
        }
    }
}

/// What the parts say, for people.
pub fn words(parts: &[Value]) -> String {
    let words: Vec<String> = parts
        .iter()
        .filter_map(|part| match part.get("text").and_then(Value::as_str) {
            Some(text) => Some(text.to_owned()),
            None => part.get("data").filter(|data| !data.is_null()).map(Value::to_string),
        })
        .collect();
    words.join("\n").trim().to_owned()
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn id(value: &Value, key: &str) -> Option<String> {
    let id = value.get(key)?.as_str()?;
    (1..=ID_BYTES).contains(&id.len()).then(|| id.to_owned())
}

fn state(name: &str) -> State {
    match name {
        "TASK_STATE_COMPLETED" => State::Completed,
        "TASK_STATE_FAILED" => State::Failed,
        "TASK_STATE_CANCELED" => State::Canceled,
        "TASK_STATE_REJECTED" => State::Rejected,
        "TASK_STATE_INPUT_REQUIRED" => State::InputRequired,
        "TASK_STATE_AUTH_REQUIRED" => State::AuthRequired,
        _ => State::Working,
    }
}

fn artifact(value: &Value) -> Artifact {
    let text =
        |key| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Artifact {
        id: text("artifactId").unwrap_or_default(),
        name: text("name"),
        parts: list(value, "parts").to_vec(),
    }
}

fn last(history: &[Value]) -> Vec<Value> {
    let by_agent = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("ROLE_AGENT");
    history.iter().rev().find(by_agent).map(|message| list(message, "parts").to_vec()).unwrap_or_default()
}

/// Consecutive text parts are joined into one text.
fn joined(mut parts: Vec<Value>, more: Vec<Value>) -> Vec<Value> {
    for part in more {
        let kind = |part: &Value| (part.get("mediaType").cloned(), part.get("filename").cloned());
        if let Some(text) = part.get("text").and_then(Value::as_str)
            && let Some(last) = parts.last_mut().filter(|last| kind(last) == kind(&part))
            && let Some(Value::String(before)) = last.get_mut("text")
        {
            before.push_str(text);
            continue;
        }
        parts.push(part);
    }
    parts
}
