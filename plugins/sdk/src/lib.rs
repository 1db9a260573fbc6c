//! The SDK for Baton plugins in Rust: implement one trait, call one macro.
//!
//! Each kind of plugin has its module: [`router`], [`executor`], [`validator`], [`agent`]. The types that they share
//! (tasks, outcomes, faults) are in [`words`]. A component imports only the interfaces that it calls, so linking this
//! crate adds no imports. The macros export on wasm32 only: native linkers reject the names of a component's exports.
//! Native tests call the traits.

#![deny(missing_docs)]

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
/// Re-exported, because inputs and outputs are its values.
pub use serde_json;

/// The allocator of plugins. Unlike the standard library's, it starts at the heap that the linker laid out.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use dlmalloc::GlobalDlmalloc as Heap;
#[doc(hidden)]
pub use wit_bindgen;

/// Makes a doctest of the README's router.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
