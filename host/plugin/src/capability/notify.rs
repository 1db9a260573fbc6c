//! Notifies people of a question, by the same programs and services that adapters use.

use baton_core::people::Question;
use thiserror::Error;

use super::process::{RunError, run_to_end};
use super::{Capabilities, http};
use crate::bindings::agent::baton::host::http::Request;
use crate::bindings::shared::baton::types::core::Attr;

/// Why people could not be notified.
#[derive(Debug, Error)]
pub enum NotifyError {
    /// The program failed.
    #[error(transparent)]
    Program(#[from] RunError),
    /// The service answered with an error. Look at its log.
    #[error("service {service} answered {status}")]
    Status {
        /// The name of the service.
        service: String,
        /// The HTTP status.
        status: u16,
    },
    /// There was no response. Trying again may help.
    #[error("service {service}: {why}")]
    Request {
        /// The name of the service.
        service: String,
        /// The error of the contract.
        why: String,
    },
}

fn body(of: &str, question: &Question) -> Vec<u8> {
    serde_json::json!({
        "task": of, "purpose": question.purpose, "text": question.text, "choices": question.choices,
    })
    .to_string()
    .into_bytes()
}

/// Runs the profile's program, with the question as JSON on its standard input and `{task}` and `{text}` filled in in its
/// arguments. Does nothing without a profile.
///
/// # Errors
/// As [`run_to_end`].
pub async fn by_program(
    capabilities: &Capabilities,
    profile: Option<&str>,
    of: &str,
    question: &Question,
) -> Result<(), NotifyError> {
    let Some(name) = profile else { return Ok(()) };
    let values = [("task", of), ("text", &question.text)];
    Ok(run_to_end(capabilities, name, &values, body(of, question)).await?)
}

/// Posts the question to the service as JSON. Does nothing without a service.
///
/// # Errors
/// The request failed, or the service answered with anything but a success.
pub async fn by_request(
    capabilities: &Capabilities,
    service: Option<&str>,
    of: &str,
    question: &Question,
) -> Result<(), NotifyError> {
    let Some(name) = service else { return Ok(()) };
    let request = Request {
        service: name.to_owned(),
        method: "POST".into(),
        path: String::new(),
        headers: vec![Attr { name: "content-type".into(), value: "application/json".into() }],
        body: body(of, question),
    };
    match http::send(capabilities, request).await {
        Ok(exchange) if exchange.is_success() => Ok(()),
        Ok(exchange) => Err(NotifyError::Status { service: name.to_owned(), status: exchange.status() }),
        Err(why) => Err(NotifyError::Request { service: name.to_owned(), why: format!("{why:?}") }),
    }
}
