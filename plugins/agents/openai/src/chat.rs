//! The words of chat completions: whole replies and chunks differ in `message` and `delta` only.

use baton_sdk::agent::error_fault;
use serde_json::Value;

use crate::told::{Finish, Told};

/// One reply, or one chunk of it.
pub fn read(told: &mut Told, reply: &Value) {
    if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
        told.error = Some(error_fault(error));
        return;
    }
    told.read_model(reply);
    if let Some(usage) = reply.get("usage") {
        told.read_usage(usage, "prompt_tokens", "completion_tokens");
    }
    // One answer is asked for.
    let Some(choice) = reply.get("choices").and_then(|choices| choices.get(0)) else {
        return;
    };
    if let Some(error) = choice.get("error").filter(|error| !error.is_null()) {
        told.error = Some(error_fault(error));
    }
    if let Some(message) = choice.get("delta").or_else(|| choice.get("message")) {
        let said = |key| message.get(key).and_then(Value::as_str).unwrap_or_default();
        told.text.push_str(said("content"));
        told.refusal.push_str(said("refusal"));
        if told.tool.is_none() {
            told.tool = tool(message);
        }
    }
    if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
        told.finish = Some(match reason {
            "stop" => Finish::Stop,
            "length" => Finish::Length,
            "content_filter" => Finish::Filtered,
            "tool_calls" | "function_call" => Finish::Tool,
            other => Finish::Other(other.to_owned()),
        });
    }
}

fn tool(message: &Value) -> Option<String> {
    let call = message.get("tool_calls").and_then(|calls| calls.get(0)?.get("function"));
    let call = call.or_else(|| message.get("function_call"))?;
    Some(call.get("name").and_then(Value::as_str).unwrap_or("a tool").to_owned())
}
