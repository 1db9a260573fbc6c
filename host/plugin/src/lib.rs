//! Runs plugins: WebAssembly components that decide (routers, executors, validators) or act (agents), each in a sandbox
//! with limits. No other crate uses wasmtime. The types generated from the WIT stay in this crate, except those of
//! [`router`]: decisions are recorded in them.

#![deny(missing_docs)]

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

pub use convert::Violation;
pub use engine::{ATTEMPTS, Engines};

/// The four kinds of plugins. Each has a WIT package of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Assigns tasks to agents.
    Router,
    /// Divides a composite task into children and combines their results.
    Executor,
    /// Judges an outcome.
    Validator,
    /// Drives an agent: the only kind with side effects.
    Agent,
}

impl Kind {
    /// Every kind, in the order in which they are listed to users.
    pub const ALL: [Self; 4] = [Self::Router, Self::Executor, Self::Validator, Self::Agent];

    /// The kind as it is written on the command line and in the store: `router`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Executor => "executor",
            Self::Validator => "validator",
            Self::Agent => "agent",
        }
    }

    /// The interface that a plugin of this kind exports, without its version.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::Router => "baton:router/routing",
            Self::Executor => "baton:executor/execution",
            Self::Validator => "baton:validator/validation",
            Self::Agent => "baton:agent/adapter",
        }
    }

    /// True for kinds whose answer depends on the arguments alone, so that it can be replayed.
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

/// A text that names no kind of plugin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected router, executor, validator or agent, not {0:?}")]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// The digest that identifies a component: `blake3:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Why a plugin gave no usable answer, sorted by who has to act on it.
///
/// The causes are texts: they come from a guest or from wasmtime, and errors of both are recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PluginError {
    /// It can't be loaded: no such plugin, not a component, built for another contract, a damaged file. Fix or replace
    /// the plugin.
    #[error("{plugin} can't be loaded: {why}")]
    Incompatible {
        /// The name of the plugin, here and in all variants.
        plugin: String,
        /// What is wrong with it.
        why: String,
    },
    /// It imports an interface that the operator has not granted, or that its kind can't have.
    #[error("{plugin} asks for {import}, which is not granted: {remedy}")]
    NotGranted {
        /// The name of the plugin.
        plugin: String,
        /// The interface.
        import: String,
        /// The command that grants it, or why nothing can.
        remedy: String,
    },
    /// It returned one of the errors of its contract, such as a setting that it can't use. Fix its configuration.
    #[error("{plugin} refused: {why}")]
    Refused {
        /// The name of the plugin.
        plugin: String,
        /// The plugin's own explanation.
        why: String,
    },
    /// It crashed: a panic, an unreachable instruction, an access out of bounds. Report it to its author.
    #[error("{plugin} trapped: {why}")]
    Trapped {
        /// The name of the plugin.
        plugin: String,
        /// The message of the panic where there is one, otherwise wasmtime's name for the trap.
        why: String,
    },
    /// It exceeded one of its limits. Raise the limit or fix the plugin.
    #[error("{plugin} went over its {limit} limit ({allowed}): {remedy}")]
    OverLimit {
        /// The name of the plugin.
        plugin: String,
        /// The limit that was exceeded.
        limit: limits::LimitKind,
        /// Its value, as the configuration writes it.
        allowed: String,
        /// How to raise it.
        remedy: String,
    },
    /// Its answer violates the contract, such as an assignment to an agent that is no candidate. Report it to its
    /// author.
    #[error("{plugin} gave an invalid answer: {why}")]
    InvalidAnswer {
        /// The name of the plugin.
        plugin: String,
        /// The first violation.
        why: String,
    },
    /// The host could not run it, which says nothing about the plugin. Trying again may help.
    #[error("{plugin} could not be run: {why}")]
    Host {
        /// The name of the plugin, or the part of the host that failed.
        plugin: String,
        /// What failed.
        why: String,
    },
}
