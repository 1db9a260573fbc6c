//! Plugins for Baton in Rust: one trait, one function, one macro line.
//!
//! Each kind of plugin has its module: [`router`], [`executor`], [`validator`], [`agent`]. The words that they share
//! (tasks, outcomes, faults) are in [`words`]. What a component imports is decided by what it calls: linking this
//! crate adds nothing. The macros export on wasm32 only: the names of a component's exports are none that a native linker
//! takes, and tests call the traits.

extern crate self as baton_sdk;

pub mod agent;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod arena;
#[doc(hidden)]
pub mod bindings;
pub mod config;
pub mod executor;
pub mod fixture;
pub mod log;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod panic;
pub mod router;
pub mod seed;
pub mod validator;
pub mod words;

pub use config::Config;
pub use seed::SplitMix64;
/// Inputs and outputs are its values.
pub use serde_json;

/// Unlike the allocator of the standard library, it begins with the heap that the linker laid out.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use dlmalloc::GlobalDlmalloc as Heap;
#[doc(hidden)]
pub use wit_bindgen;

/// The router of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
