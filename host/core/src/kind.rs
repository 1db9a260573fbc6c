//! What plugins are for.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a plugin is for; each kind has a WIT package of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Chooses who does what.
    Router,
    /// Divides a composite task.
    Executor,
    /// Judges outcomes.
    Validator,
    /// Drives an agent.
    Agent,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Router, Self::Executor, Self::Validator, Self::Agent];

    /// The word that stands for it, also where it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Executor => "executor",
            Self::Validator => "validator",
            Self::Agent => "agent",
        }
    }

    /// The interface that a plugin of this kind exports.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::Router => "baton:router/routing",
            Self::Executor => "baton:executor/execution",
            Self::Validator => "baton:validator/validation",
            Self::Agent => "baton:agent/adapter",
        }
    }

    /// Whether plugins of this kind must be functions of their arguments.
    #[must_use]
    pub fn is_pure(self) -> bool {
        match self {
            Self::Router | Self::Executor | Self::Validator => true,
            Self::Agent => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// No plugin is of such a kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected router, executor, validator or agent, not {0:?}")]
pub struct UnknownKind(String);
