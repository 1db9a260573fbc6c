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

use thiserror::Error;

pub use engine::{ATTEMPTS, Engines};

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
