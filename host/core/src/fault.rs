//! Failures of attempts, classified by what should be done about them.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::excerpt::{MESSAGE, excerpt};

/// The classes of `baton:types/core.error-class`; an `other` of a plugin is [`ErrorClass::Other`] with its name in
/// the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// A passing failure, such as a dropped connection: try again.
    Transient,
    /// The service asked to wait; usually with [`Fault::retry_after_ms`].
    RateLimited,
    /// The attempt or its idle timeout ran out.
    Timeout,
    /// The agent's process or plugin died.
    Crashed,
    /// The task can't be done as written; trying again won't help.
    InvalidInput,
    /// The agent answered, but not in the form it must.
    InvalidOutput,
    /// The agent declined the task.
    Refused,
    /// Credentials are missing or rejected.
    Unauthorized,
    /// Something around the agent is missing or broken, such as a program or a service.
    Environment,
    /// A cap leaves nothing to spend.
    Budget,
    /// Validators did not accept the outcome: try again with their remarks.
    Unaccepted,
    /// The task's deadline passed.
    Deadline,
    /// A failure that the plugin names itself.
    Other,
    /// The host that ran the attempt is gone or lost its lease. Says nothing about the agent.
    Lost,
}

impl ErrorClass {
    /// In the order of their declaration.
    pub const ALL: [Self; 14] = [
        Self::Transient,
        Self::RateLimited,
        Self::Timeout,
        Self::Crashed,
        Self::InvalidInput,
        Self::InvalidOutput,
        Self::Refused,
        Self::Unauthorized,
        Self::Environment,
        Self::Budget,
        Self::Unaccepted,
        Self::Deadline,
        Self::Other,
        Self::Lost,
    ];

    /// The kebab-case name, as stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate-limited",
            Self::Timeout => "timeout",
            Self::Crashed => "crashed",
            Self::InvalidInput => "invalid-input",
            Self::InvalidOutput => "invalid-output",
            Self::Refused => "refused",
            Self::Unauthorized => "unauthorized",
            Self::Environment => "environment",
            Self::Budget => "budget",
            Self::Unaccepted => "unaccepted",
            Self::Deadline => "deadline",
            Self::Other => "other",
            Self::Lost => "lost",
        }
    }

    /// Whether it counts as a failure of the agent for its circuit breaker.
    #[must_use]
    pub fn blames_agent(self) -> bool {
        match self {
            Self::Transient
            | Self::Timeout
            | Self::Crashed
            | Self::Unauthorized
            | Self::Environment
            | Self::Other => true,
            Self::RateLimited
            | Self::InvalidInput
            | Self::InvalidOutput
            | Self::Refused
            | Self::Budget
            | Self::Unaccepted
            | Self::Deadline
            | Self::Lost => false,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a failed attempt may have had external effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Begun {
    /// No program was started, and no server accepted a request.
    No,
    /// It may have, or nobody knows.
    #[default]
    Yes,
}

impl Begun {
    fn is_default(&self) -> bool {
        *self == Self::Yes
    }
}

/// A classified failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What it calls for.
    pub class: ErrorClass,
    /// For people; at most [`MESSAGE`] bytes.
    pub message: String,
    /// Whether anything may have happened outside.
    #[serde(default, skip_serializing_if = "Begun::is_default")]
    pub begun: Begun,
    /// How long the service asks to wait, in milliseconds; none = it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// A fault that may have had effects; the message is cut to [`MESSAGE`] bytes.
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: excerpt(message, MESSAGE), begun: Begun::Yes, retry_after_ms: None }
    }

    /// [`Fault::retry_after_ms`] as a duration.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}
