//! The types that all kinds of plugins share, with constructors.

pub use crate::bindings::shared::baton::types::core::*;

use serde_json::Value;

/// The metadata with the number of tasks that the agent may add to the plan.
pub const MAY_AMEND: &str = "may-amend";

/// The most bytes of a summary that are passed on to other tasks.
pub const SUMMARY_BYTES: usize = 4096;

impl Attr {
    /// A named value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl Outcome {
    /// An outcome without data.
    pub fn text(summary: impl Into<String>) -> Self {
        Self::raw(summary, String::from("null"))
    }

    /// An outcome with data.
    pub fn json(summary: impl Into<String>, output: &Value) -> Self {
        Self::raw(summary, output.to_string())
    }

    /// An outcome with data that is JSON text already.
    pub fn raw(summary: impl Into<String>, output: String) -> Self {
        Self {
            summary: summary.into(),
            output,
            artifacts: Vec::new(),
            usage: Usage::default(),
            stop_reason: StopReason::EndTurn,
            attrs: Vec::new(),
        }
    }
}

#[allow(clippy::derivable_impls, reason = "the type is generated without this derive")]
impl Default for Usage {
    fn default() -> Self {
        Self { input_tokens: 0, output_tokens: 0, cost_micros: None, requests: 0, attrs: Vec::new() }
    }
}

impl Fault {
    /// A fault. `message` is one sentence with the cause and the remedy.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None, attrs: Vec::new() }
    }

    /// The fault of an attempt that the host stopped. The host only logs it.
    pub fn stopped(why: &str) -> Self {
        Self {
            attrs: vec![Attr::new("stop-reason", "cancelled")],
            ..Self::new(ErrorClass::Timeout, format!("stopped: {why}"))
        }
    }
}

impl NewTask {
    /// A task for any agent; `input` is JSON text.
    pub fn new(name: impl Into<String>, title: impl Into<String>, input: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            input: input.into(),
            skills: Vec::new(),
            agent: None,
            depends_on: Vec::new(),
            executor: None,
            validators: Vec::new(),
            estimate: None,
            attrs: Vec::new(),
        }
    }
}

impl ErrorClass {
    /// The class of this name in the contract; none if there is no such class, or for `other`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "transient" => Some(Self::Transient),
            "rate-limited" => Some(Self::RateLimited),
            "timeout" => Some(Self::Timeout),
            "crashed" => Some(Self::Crashed),
            "invalid-input" => Some(Self::InvalidInput),
            "invalid-output" => Some(Self::InvalidOutput),
            "refused" => Some(Self::Refused),
            "unauthorized" => Some(Self::Unauthorized),
            "environment" => Some(Self::Environment),
            "budget" => Some(Self::Budget),
            _ => None,
        }
    }
}

/// The longest prefix of `text` of at most `bytes` bytes that does not split a character.
pub fn capped(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::capped;

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(capped("naïve", 3), "na");
        assert_eq!(capped("naïve", 4), "naï");
        assert_eq!(capped("naïve", 100), "naïve");
    }
}
