//! Sessions of agents, remembered between the attempts at a task in the adapter's memory.
//!
//! Without a grant of `memory` every attempt starts a new session, which is not an error. A session is kept when an attempt
//! succeeds: the outcome may still be refused, and the next attempt does better if it knows what it did. When the memory is
//! full, all sessions are removed.

use crate::agent::memory::{self, MemoryError};
use crate::words::Fault;

const GONE: [&str; 4] =
    ["no conversation found", "no rollout found", "session not found", "thread not found"];

const PREFIX: &str = "session/";

/// The memory key for the session of a task; none if it would be longer than a key may be.
pub fn key(idempotency_key: &str) -> Option<String> {
    let key = format!("{PREFIX}{idempotency_key}");
    (key.chars().count() <= 256).then_some(key)
}

/// A remembered session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The agent's id of the session.
    pub id: String,
    /// The usage of the session so far, in a format of the adapter's; empty if the agent does not report it.
    pub total: String,
}

impl Known {
    /// Two lines, or one without a total.
    fn written(&self) -> String {
        if self.total.is_empty() { self.id.clone() } else { format!("{}\n{}", self.id, self.total) }
    }

    fn read(text: &str) -> Self {
        let (id, total) = text.split_once('\n').unwrap_or((text, ""));
        Self { id: id.to_owned(), total: total.to_owned() }
    }
}

/// The remembered session; none if there is none or nothing can be remembered.
///
/// # Errors
/// The attempt was stopped.
pub fn known(key: &str) -> Result<Option<Known>, Fault> {
    Ok(tolerant(memory::get(key))?.flatten().map(|text| Known::read(&text)))
}

/// Remembers a session. If the memory is full, all other sessions are removed first.
///
/// # Errors
/// The attempt was stopped.
pub fn remember(key: &str, known: &Known) -> Result<(), Fault> {
    let text = known.written();
    match memory::put(key, &text) {
        Err(MemoryError::TooLarge(_)) => {
            for old in tolerant(memory::keys(PREFIX))?.unwrap_or_default() {
                forget(&old)?;
            }
            tolerant(memory::put(key, &text)).map(drop)
        }
        other => tolerant(other).map(drop),
    }
}

/// Forgets a session.
///
/// # Errors
/// The attempt was stopped.
pub fn forget(key: &str) -> Result<(), Fault> {
    tolerant(memory::remove(key)).map(drop)
}

/// Whether the message is one that programs print for a session that they do not have.
pub fn is_gone(fault: &Fault) -> bool {
    let message = fault.message.to_lowercase();
    GONE.iter().any(|words| message.contains(words))
}

/// None if the memory was not granted or is full.
fn tolerant<T>(result: Result<T, MemoryError>) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(MemoryError::Denied(_) | MemoryError::TooLarge(_)) => Ok(None),
        Err(MemoryError::Stopped) => Err(Fault::stopped("the attempt is over")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ErrorClass;

    #[test]
    fn a_key_that_is_too_long_is_none() {
        assert_eq!(key("r1/t").as_deref(), Some("session/r1/t"));
        assert_eq!(key(&"x".repeat(249)), None);
    }

    #[test]
    fn a_session_is_remembered_with_what_it_used() {
        for known in [("s-1", ""), ("s-1", "120 9")] {
            let known = Known { id: String::from(known.0), total: String::from(known.1) };
            assert_eq!(Known::read(&known.written()), known);
        }
    }

    #[test]
    fn a_session_that_is_gone_is_recognised() {
        let fault = |message: &str| Fault::new(ErrorClass::Crashed, message);
        assert!(is_gone(&fault("No conversation found with session ID: 5")));
        assert!(!is_gone(&fault("no such file")));
    }

    #[test]
    fn who_may_not_remember_goes_on_without() {
        assert_eq!(tolerant::<()>(Err(MemoryError::Denied(String::from("grant it")))), Ok(None));
        assert_eq!(tolerant::<()>(Err(MemoryError::Stopped)), Err(Fault::stopped("the attempt is over")));
    }
}
