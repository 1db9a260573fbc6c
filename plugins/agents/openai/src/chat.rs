//! The format of chat completions: whole replies and chunks differ in `message` and `delta` only.

use baton_sdk::agent::{error_fault, given};
use serde_json::Value;

use crate::finish::Finish;
use crate::parts::Parts;
use crate::told::Told;

/// One reply, or one chunk of it.
pub fn read(told: &mut Told, reply: &Value) {
    if let Some(error) = given(reply, "error") {
        told.error = Some(error_fault(error));
        return;
    }
    told.read_model(reply);
    // Groq reports the usage of a stream in a member of its own.
    let groq = given(reply, "x_groq").and_then(|own| given(own, "usage"));
    if let Some(usage) = given(reply, "usage").or(groq) {
        told.read_usage(usage, "prompt_tokens", "completion_tokens");
    }
    // One answer is asked for.
    let Some(choice) = reply.get("choices").and_then(|choices| choices.get(0)) else {
        return;
    };
    if let Some(error) = given(choice, "error") {
        told.error = Some(error_fault(error));
    }
    if let Some(message) = given(choice, "delta").or_else(|| given(choice, "message")) {
        told.say(&Parts::of(message.get("content").unwrap_or(&Value::Null)));
        told.refusal.push_str(message.get("refusal").and_then(Value::as_str).unwrap_or_default());
        if told.tool.is_none() {
            told.tool = tool(message);
        }
    }
    if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str).and_then(Finish::of) {
        told.finish = Some(finish);
    }
}

/// Services between a model and here keep the member for calls, with nothing in it.
fn tool(message: &Value) -> Option<String> {
    let calls = given(message, "tool_calls").and_then(|calls| given(calls.get(0)?, "function"));
    let call = calls.or_else(|| given(message, "function_call"))?;
    Some(call.get("name").and_then(Value::as_str).unwrap_or("a tool").to_owned())
}
