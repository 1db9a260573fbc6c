//! Plugins: WebAssembly components that decide (routers, executors, validators) or act (agents), each in a sandbox
//! with limits. wasmtime is known only here; a component's types stop here too, save those of
//! [`router`], which are what decisions are recorded in.

pub mod agent;
mod bindings;
pub mod bundled;
mod cache;
pub mod capability;
pub mod compile;
pub mod confine;
pub mod conformance;
mod convert;
mod engine;
pub mod executor;
pub mod grant;
pub mod inspect;
pub mod lease;
pub mod library;
pub mod limits;
mod loader;
pub mod router;
mod sandbox;
pub mod source;
pub mod validator;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use engine::{ATTEMPTS, Engines};

/// What a plugin is for; each kind has a WIT package of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Router,
    Executor,
    Validator,
    Agent,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Router, Self::Executor, Self::Validator, Self::Agent];

    #[must_use]
    pub fn as_str(self) -> &'static str {
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("expected router, executor, validator or agent, not {text:?}"))
    }
}

/// A component by its content: `blake3:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Why a plugin gave no usable answer, sorted by whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PluginError {
    /// It can't be loaded: not a component, another contract, a broken file. Mend or replace the plugin.
    #[error("{plugin} can't be loaded: {why}")]
    Incompatible { plugin: String, why: String },
    /// It asks for something that the operator has not granted.
    #[error("{plugin} asks for {import}, which is not granted: {remedy}")]
    NotGranted { plugin: String, import: String, remedy: String },
    /// It said no, in the words of its contract.
    #[error("{plugin} refused: {why}")]
    Refused { plugin: String, why: String },
    /// It broke: a panic, an unreachable instruction, a stack overflow.
    #[error("{plugin} trapped: {why}")]
    Trapped { plugin: String, why: String },
    /// It used up what one call may use.
    #[error("{plugin} went over its {limit} limit ({allowed}): {remedy}")]
    OverLimit { plugin: String, limit: limits::Name, allowed: String, remedy: String },
    /// Its answer breaks the rules of its contract.
    #[error("{plugin} answered nonsense: {why}")]
    InvalidAnswer { plugin: String, why: String },
    /// The host could not run it. Says nothing about the plugin.
    #[error("{plugin} could not be run: {why}")]
    Host { plugin: String, why: String },
}
