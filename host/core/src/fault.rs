//! What went wrong with an attempt, sorted by what should be done about it.

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
    Transient,
    RateLimited,
    Timeout,
    Crashed,
    InvalidInput,
    InvalidOutput,
    Refused,
    Unauthorized,
    Environment,
    Budget,
    /// Validators did not accept the outcome.
    Unaccepted,
    /// The deadline passed.
    Deadline,
    Other,
    /// The host that ran it ended or lost its lease. Says nothing about the agent.
    Lost,
}

impl ErrorClass {
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

    /// The word that stands for it, also where it is stored.
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

    /// Whether it says something about the agent, and so counts for its breaker.
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

/// Whether an attempt came so far that it may have done something outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Begun {
    /// No program was started and no request was taken by anybody.
    No,
    /// It may have; also where nobody knows.
    #[default]
    Yes,
}

impl Begun {
    fn is_default(&self) -> bool {
        *self == Self::Yes
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    pub class: ErrorClass,
    pub message: String,
    #[serde(default, skip_serializing_if = "Begun::is_default")]
    pub begun: Begun,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: excerpt(message, MESSAGE), begun: Begun::Yes, retry_after_ms: None }
    }

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
