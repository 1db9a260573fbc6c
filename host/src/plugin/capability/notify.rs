//! Telling people of a question, with the same programs and services that adapters use.

use super::{Powers, http, process};
use crate::people::Question;
use crate::plugin::bindings::agent::baton::host::http::Request;
use crate::plugin::bindings::agent::baton::host::process::{Command, Ending};
use crate::plugin::bindings::shared::baton::types::core::Attr;

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
    powers: &Powers,
    profile: Option<&str>,
    of: &str,
    question: &Question,
) -> Result<(), String> {
    let Some(name) = profile else { return Ok(()) };
    let profile = powers.profiles.find(powers, "notify", name)?;
    let value = |name: &str, value: &str| Attr { name: name.to_owned(), value: value.to_owned() };
    let command = Command {
        profile: name.to_owned(),
        values: vec![value("task", of), value("text", &question.text)],
        stdin: body(of, question),
    };
    let left = powers.deadline.since(powers.clock.now());
    match tokio::time::timeout(left, process::run::run(powers, &profile, &command)).await {
        Ok(Ok(completed)) => match completed.ending {
            Ending::Exited(0) => Ok(()),
            other => Err(format!("profile {name}: {other:?}")),
        },
        Ok(Err(why)) => Err(format!("profile {name}: {why:?}")),
        Err(_) => Err(format!("profile {name} had not ended after {} s", left.as_secs())),
    }
}

/// The question is posted to the service as JSON.
///
/// # Errors
/// Why the service did not take it.
pub async fn by_request(
    powers: &Powers,
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
