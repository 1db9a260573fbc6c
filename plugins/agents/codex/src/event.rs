//! The lines of `codex exec --json`.

use baton_sdk::words::capped;
use serde_json::{Map, Value};

use crate::total::Total;

/// How much of a command stands in a sign of life.
const SHOWN_BYTES: usize = 200;

#[derive(Debug, PartialEq)]
pub enum Event {
    Started {
        thread: String,
    },
    Completed {
        total: Total,
    },
    Failed {
        message: String,
    },
    /// The stream's own; it may still recover.
    Error {
        message: String,
    },
    Item {
        id: String,
        item: Item,
        completed: bool,
    },
    /// The start of a turn, and what later versions may tell.
    Other,
}

#[derive(Debug, PartialEq)]
pub enum Item {
    Message {
        text: String,
    },
    Command {
        command: String,
        declined: bool,
    },
    Files {
        paths: Vec<String>,
        failed: bool,
    },
    /// Another tool, by the name that is shown.
    Tool {
        about: String,
    },
    Todo {
        done: usize,
        of: usize,
    },
    Error {
        message: String,
    },
    /// Thoughts, and what later versions may tell.
    Other,
}

impl Item {
    /// Whether it is something that works for the agent, and on its own time.
    pub fn is_tool(&self) -> bool {
        match self {
            Self::Command { .. } | Self::Files { .. } | Self::Tool { .. } => true,
            Self::Message { .. } | Self::Todo { .. } | Self::Error { .. } | Self::Other => false,
        }
    }
}

/// None for a line that is not of the protocol.
pub fn parse(line: &str) -> Option<Event> {
    let event: Map<String, Value> = serde_json::from_str(line).ok()?;
    let event = Value::Object(event);
    Some(match text(&event, "/type")? {
        "thread.started" => Event::Started { thread: owned(&event, "/thread_id") },
        "turn.completed" => Event::Completed { total: total(&event) },
        "turn.failed" => Event::Failed { message: message(&event, "/error/message") },
        "error" => Event::Error { message: message(&event, "/message") },
        "item.started" | "item.updated" => {
            Event::Item { id: owned(&event, "/item/id"), item: item(&event), completed: false }
        }
        "item.completed" => {
            Event::Item { id: owned(&event, "/item/id"), item: item(&event), completed: true }
        }
        _ => Event::Other,
    })
}

fn item(event: &Value) -> Item {
    let item = event.pointer("/item").unwrap_or(&Value::Null);
    let status = text(item, "/status").unwrap_or("");
    // Older versions called it `item_type`.
    match text(item, "/type").or_else(|| text(item, "/item_type")).unwrap_or("") {
        "agent_message" => Item::Message { text: owned(item, "/text") },
        "command_execution" => Item::Command {
            command: capped(text(item, "/command").unwrap_or("a command"), SHOWN_BYTES).to_owned(),
            declined: status == "declined",
        },
        "file_change" => Item::Files {
            paths: list(item, "/changes")
                .filter_map(|change| text(change, "/path"))
                .map(str::to_owned)
                .collect(),
            failed: status == "failed",
        },
        "mcp_tool_call" => Item::Tool {
            about: format!("{}: {}", text(item, "/server").unwrap_or(""), text(item, "/tool").unwrap_or("")),
        },
        "web_search" => Item::Tool { about: format!("search: {}", text(item, "/query").unwrap_or("")) },
        "collab_tool_call" => Item::Tool { about: format!("agents: {}", text(item, "/tool").unwrap_or("")) },
        "todo_list" => Item::Todo {
            done: list(item, "/items")
                .filter(|item| item.pointer("/completed") == Some(&Value::Bool(true)))
                .count(),
            of: list(item, "/items").count(),
        },
        "error" => Item::Error { message: message(item, "/message") },
        _ => Item::Other,
    }
}

/// Of the thread, from its beginning.
fn total(event: &Value) -> Total {
    let count = |pointer| event.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    Total {
        input: count("/usage/input_tokens"),
        output: count("/usage/output_tokens"),
        cached: count("/usage/cached_input_tokens"),
    }
}

/// A provider's error comes as JSON text inside the message: its status and its own message are what counts.
fn message(event: &Value, pointer: &str) -> String {
    let message = text(event, pointer).unwrap_or("it gave no reason");
    let Ok(inner) = serde_json::from_str::<Value>(message) else {
        return message.to_owned();
    };
    let status = ["/status", "/error/status", "/error/code"];
    let status = status.into_iter().find_map(|pointer| inner.pointer(pointer)?.as_i64());
    let kind = text(&inner, "/error/type").filter(|kind| !kind.is_empty());
    match (status, text(&inner, "/error/message"), kind) {
        (Some(status), Some(inner), _) => format!("status {status}: {inner}"),
        (None, Some(inner), Some(kind)) => format!("{inner} ({kind})"),
        (None, Some(inner), None) => inner.to_owned(),
        (_, None, _) => message.to_owned(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn owned(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or("").to_owned()
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
