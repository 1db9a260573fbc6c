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
mod slots;
pub mod source;
pub mod validator;

use thiserror::Error;

pub use convert::Violation;
pub use engine::{ATTEMPTS, Engines};

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
