//! The lines of `--output-format stream-json`.

use baton_sdk::words::{Attr, Usage, capped};
use serde_json::{Map, Value};

/// How much of a tool's input stands in a sign of life.
const SHOWN_BYTES: usize = 200;

#[derive(Debug, PartialEq)]
pub enum Event {
    Started {
        session: String,
    },
    /// The model's provider did not answer, and it tries again.
    Retrying {
        why: String,
    },
    /// The subscription's limit, reached. Until then, in seconds or milliseconds since 1970, where it is known.
    Limited {
        resets_at: Option<u64>,
    },
    Said(Said),
    /// Tools have finished, by the ids of their calls.
    Returned {
        tools: Vec<String>,
    },
    Result(Box<Conclusion>),
    /// What later versions may tell.
    Other,
}

/// A part of an answer of the model.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    /// The same for all parts of an answer.
    pub id: String,
    pub usage: Usage,
    pub text: String,
    pub tools: Vec<Tool>,
}

#[derive(Debug, PartialEq)]
pub struct Tool {
    pub id: String,
    /// Its name, and the most telling part of its input.
    pub about: String,
    /// The file that it changes, if that is what it does.
    pub changes: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Conclusion {
    pub subtype: String,
    pub is_error: bool,
    /// The answer, or what went wrong.
    pub text: String,
    pub structured: Option<Value>,
    pub status: Option<i64>,
    pub stop_reason: String,
    pub session: String,
    pub turns: Option<u64>,
    pub usage: Usage,
    pub denied: Vec<Tool>,
}

/// None for a line that is not of the protocol.
pub fn parse(line: &str) -> Option<Event> {
    let event: Map<String, Value> = serde_json::from_str(line).ok()?;
    let event = Value::Object(event);
    Some(match (text(&event, "/type")?, text(&event, "/subtype").unwrap_or("")) {
        ("system", "init") => Event::Started { session: owned(&event, "/session_id") },
        ("system", "api_retry") => Event::Retrying { why: why_retrying(&event) },
        ("rate_limit_event", _) => match text(&event, "/rate_limit_info/status") {
            Some("rejected") => Event::Limited { resets_at: count(&event, "/rate_limit_info/resetsAt") },
            _ => Event::Other,
        },
        ("assistant", _) => Event::Said(said(&event)),
        ("user", _) => Event::Returned { tools: returned(&event) },
        ("result", subtype) => Event::Result(Box::new(conclusion(&event, subtype))),
        _ => Event::Other,
    })
}

fn why_retrying(event: &Value) -> String {
    match (event.pointer("/error_status").and_then(Value::as_i64), text(event, "/error")) {
        (Some(status), Some(error)) => format!("{status} {error}"),
        (Some(status), None) => status.to_string(),
        (None, Some(error)) => error.to_owned(),
        (None, None) => String::from("no answer"),
    }
}

fn said(event: &Value) -> Said {
    let mut said = Said {
        id: owned(event, "/message/id"),
        usage: of_model(
            usage(event.pointer("/message/usage").unwrap_or(&Value::Null)),
            text(event, "/message/model"),
        ),
        ..Said::default()
    };
    for block in list(event, "/message/content") {
        match text(block, "/type") {
            Some("text") => said.text.push_str(text(block, "/text").unwrap_or("")),
            Some("tool_use") => said.tools.push(tool(block, "/id", "/name", "/input")),
            _ => {}
        }
    }
    said
}

fn returned(event: &Value) -> Vec<String> {
    let blocks = list(event, "/message/content");
    let results = blocks.filter(|block| text(block, "/type") == Some("tool_result"));
    results.map(|block| owned(block, "/tool_use_id")).collect()
}

fn tool(block: &Value, id: &str, name: &str, input: &str) -> Tool {
    let name = text(block, name).unwrap_or("a tool");
    let input = block.pointer(input).unwrap_or(&Value::Null);
    let told = ["/command", "/file_path", "/notebook_path", "/pattern", "/url", "/query", "/description"];
    let about = told.iter().find_map(|pointer| text(input, pointer));
    let changes = match name {
        "Write" | "Edit" | "MultiEdit" => text(input, "/file_path"),
        "NotebookEdit" => text(input, "/notebook_path"),
        _ => None,
    };
    Tool {
        id: owned(block, id),
        about: match about {
            Some(about) => format!("{name}: {}", capped(about, SHOWN_BYTES)),
            None => name.to_owned(),
        },
        changes: changes.map(str::to_owned),
    }
}

fn conclusion(event: &Value, subtype: &str) -> Conclusion {
    let errors: Vec<&str> = list(event, "/errors").filter_map(Value::as_str).collect();
    let result = text(event, "/result").unwrap_or("");
    Conclusion {
        subtype: subtype.to_owned(),
        is_error: event.pointer("/is_error").and_then(Value::as_bool).unwrap_or(false),
        text: if result.is_empty() { errors.join("; ") } else { result.to_owned() },
        structured: event.pointer("/structured_output").filter(|value| !value.is_null()).cloned(),
        status: event.pointer("/api_error_status").and_then(Value::as_i64),
        stop_reason: owned(event, "/stop_reason"),
        session: owned(event, "/session_id"),
        turns: count(event, "/num_turns"),
        usage: total(event),
        denied: list(event, "/permission_denials")
            .map(|denied| tool(denied, "/tool_use_id", "/tool_name", "/tool_input"))
            .collect(),
    }
}

/// Of all models, if they are listed: `usage` leaves out what agents of the agent used.
fn total(event: &Value) -> Usage {
    let mut total = match event.pointer("/modelUsage").and_then(Value::as_object) {
        Some(models) if !models.is_empty() => {
            let names =
                ["/inputTokens", "/outputTokens", "/cacheReadInputTokens", "/cacheCreationInputTokens"];
            let sum = |pointer| models.values().filter_map(|model| count(model, pointer)).sum();
            let dollars = |model: &Value| model.pointer("/costUSD").and_then(Value::as_f64).unwrap_or(0.0);
            let most = models.iter().max_by(|(_, a), (_, b)| dollars(a).total_cmp(&dollars(b)));
            of_model(tokens(names.map(sum)), most.map(|(name, _)| name.as_str()))
        }
        Some(_) | None => usage(event.pointer("/usage").unwrap_or(&Value::Null)),
    };
    let dollars = event.pointer("/total_cost_usd").and_then(Value::as_f64);
    total.cost_micros =
        dollars.filter(|dollars| *dollars >= 0.0).map(|dollars| (dollars * 1e6).round() as u64);
    total
}

fn usage(usage: &Value) -> Usage {
    let names =
        ["/input_tokens", "/output_tokens", "/cache_read_input_tokens", "/cache_creation_input_tokens"];
    tokens(names.map(|pointer| count(usage, pointer).unwrap_or(0)))
}

/// What the program itself writes in place of an answer names no model.
fn of_model(usage: Usage, model: Option<&str>) -> Usage {
    // `claude-opus-4-8[1m]` is that model with a larger window.
    let model = model.map(|model| model.split('[').next().unwrap_or(model));
    let model = model.filter(|model| !model.is_empty() && !model.starts_with('<'));
    Usage { attrs: model.map(|model| Attr::new("model", model)).into_iter().collect(), ..usage }
}

/// What was read from a cache was sent as well.
fn tokens([input, output, read, written]: [u64; 4]) -> Usage {
    Usage {
        input_tokens: input.saturating_add(read).saturating_add(written),
        output_tokens: output,
        ..Usage::default()
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn owned(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or("").to_owned()
}

fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64()
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
