//! Telling people of a question, with the same programs and services that adapters use.

use baton_core::people::Question;

use super::process::run_to_end;
use super::{Capabilities, http};
use crate::bindings::agent::baton::host::http::Request;
use crate::bindings::shared::baton::types::core::Attr;

fn body(of: &str, question: &Question) -> Vec<u8> {
    serde_json::json!({
        "task": of, "purpose": question.purpose, "text": question.text, "choices": question.choices,
    })
    .to_string()
    .into_bytes()
}

/// The program finds the question as JSON on its standard input, and `{task}` and `{text}` in its arguments.
///
/// # Errors
/// Why it did not run to a good end.
pub async fn by_program(
    powers: &Capabilities,
    profile: Option<&str>,
    of: &str,
    question: &Question,
) -> Result<(), String> {
    let Some(name) = profile else { return Ok(()) };
    run_to_end(powers, name, &[("task", of), ("text", &question.text)], body(of, question)).await
}

/// The question is posted to the service as JSON.
///
/// # Errors
/// Why the service did not take it.
pub async fn by_request(
    powers: &Capabilities,
    service: Option<&str>,
    of: &str,
    question: &Question,
) -> Result<(), String> {
    let Some(name) = service else { return Ok(()) };
    let request = Request {
        service: name.to_owned(),
        method: "POST".into(),
        path: String::new(),
        headers: vec![Attr { name: "content-type".into(), value: "application/json".into() }],
        body: body(of, question),
    };
    match http::send(powers, request).await {
        Ok(exchange) if exchange.is_success() => Ok(()),
        Ok(exchange) => Err(format!("service {name} answered {}", exchange.status())),
        Err(why) => Err(format!("service {name}: {why:?}")),
    }
}
