//! JSON-RPC as A2A 1.0 uses it: what is sent, and what an error means.

use baton_sdk::agent::http::Request;
use baton_sdk::agent::{Attr, ErrorClass, Fault, one_line};
use serde_json::{Value, json};

use crate::card::Endpoint;

const VERSION: &str = "1.0";

/// The agent does not know the task.
pub const TASK_NOT_FOUND: i64 = -32001;

pub fn get_card(service: &str, path: &str) -> Request {
    Request {
        service: service.to_owned(),
        method: String::from("GET"),
        path: path.to_owned(),
        headers: vec![Attr::new("Accept", "application/json"), Attr::new("A2A-Version", VERSION)],
        body: Vec::new(),
    }
}

/// `params` gets the tenant of the interface.
pub fn call(service: &str, endpoint: &Endpoint, id: u32, method: &str, mut params: Value) -> Request {
    if let Some(tenant) = &endpoint.tenant {
        params["tenant"] = json!(tenant);
    }
    let accept = match method {
        "SendStreamingMessage" => "text/event-stream, application/json",
        _ => "application/json",
    };
    let mut headers = vec![
        Attr::new("Content-Type", "application/json"),
        Attr::new("Accept", accept),
        Attr::new("A2A-Version", VERSION),
    ];
    if let Some(message) = params["message"]["messageId"].as_str() {
        headers.push(Attr::new("Idempotency-Key", message));
    }
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    Request {
        service: service.to_owned(),
        method: String::from("POST"),
        path: endpoint.path.clone(),
        headers,
        body: body.to_string().into_bytes(),
    }
}

/// What an error object of JSON-RPC says should be done.
pub fn fault(error: &Value) -> Fault {
    let code = error.get("code").and_then(Value::as_i64);
    let class = match code {
        // The message is not understood: parse error, invalid request, invalid parameters, unsupported media type.
        Some(-32700 | -32600 | -32602 | -32005) => ErrorClass::InvalidInput,
        // The two sides do not fit: unknown method, unsupported operation, extensions, version.
        Some(-32601 | -32004 | -32007 | -32008 | -32009) => ErrorClass::Environment,
        Some(_) | None => ErrorClass::Transient,
    };
    let said = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let said = if said.is_empty() { error.to_string() } else { said.to_owned() };
    let code = code.map_or(String::new(), |code| format!(" {code}"));
    Fault::new(class, format!("the agent reported error{code}: {}", one_line(&said)))
}
