//! The format of the responses interface: a stream reports parts, and ends with the whole reply.

use baton_sdk::agent::{error_fault, given};
use serde_json::Value;

use crate::finish::Finish;
use crate::parts::Parts;
use crate::told::Told;

/// One event of a stream. `name` is for services that name events outside their data only.
pub fn event(told: &mut Told, name: &str, event: &Value) {
    let said = |key| event.get(key).and_then(Value::as_str).unwrap_or_default();
    match event.get("type").and_then(Value::as_str).unwrap_or(name) {
        "response.output_text.delta" => told.text.push_str(said("delta")),
        "response.refusal.delta" => told.refusal.push_str(said("delta")),
        "response.created"
        | "response.queued"
        | "response.in_progress"
        | "response.completed"
        | "response.incomplete"
        | "response.failed"
        | "response.cancelled" => {
            if let Some(response) = event.get("response") {
                read(told, response);
            }
        }
        "error" => told.error = Some(error_fault(given(event, "error").unwrap_or(event))),
        _ => {
            // Services in between report errors in the other interface's shape.
            if let Some(error) = given(event, "error") {
                told.error = Some(error_fault(error));
            }
        }
    }
}

/// A whole reply, or the state of one under way.
pub fn read(told: &mut Told, response: &Value) {
    told.read_model(response);
    if let Some(usage) = given(response, "usage") {
        told.read_usage(usage, "input_tokens", "output_tokens");
    }
    if let Some(error) = given(response, "error") {
        told.error = Some(error_fault(error));
    }
    read_output(told, response);
    told.finish = match response.get("status").and_then(Value::as_str).unwrap_or_default() {
        "completed" => Some(Finish::Stop),
        "incomplete" => Some(incomplete(response)),
        "failed" | "cancelled" => {
            told.error
                .get_or_insert_with(|| error_fault(&Value::from("the response failed without a reason")));
            None
        }
        _ => None,
    };
}

/// The whole counts, where it is there; some services leave it out at the end of a stream.
fn read_output(told: &mut Told, response: &Value) {
    let (mut text, mut refusal) = (String::new(), String::new());
    for item in response.get("output").and_then(Value::as_array).into_iter().flatten() {
        match item.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message" => {
                let parts = Parts::of(item.get("content").unwrap_or(&Value::Null));
                text.push_str(&parts.text);
                refusal.push_str(&parts.refusal);
            }
            // Others are tools that the service itself has run.
            "function_call" | "custom_tool_call" => {
                told.tool = Some(item.get("name").and_then(Value::as_str).unwrap_or("a tool").to_owned());
            }
            // Reasoning, and what is not known yet.
            _ => {}
        }
    }
    if !text.is_empty() {
        told.text = text;
    }
    if !refusal.is_empty() {
        told.refusal = refusal;
    }
}

fn incomplete(response: &Value) -> Finish {
    let reason = response.get("incomplete_details").and_then(|details| details.get("reason"));
    match reason.and_then(Value::as_str).and_then(Finish::of) {
        Some(Finish::Stop) | None => Finish::Unknown(String::from("incomplete")),
        Some(finish) => finish,
    }
}
