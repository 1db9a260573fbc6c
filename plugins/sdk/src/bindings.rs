//! Bindings that wit-bindgen generates from the contract. Plugins use them through the modules of their kind.
//!
//! The files are generated (`tests/plugins/bindings.rs` says how, and fails when they are stale) and not made by a
//! macro: the generator takes longer to compile than all plugins of a project together. A world's exports reach a
//! component only where its macro is called; imports that are not called are dropped when the component is encoded.

#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::uninlined_format_args,
    clippy::unwrap_used,
    reason = "generated"
)]
#![allow(missing_docs, reason = "generated; the documentation is in the WIT")]
#![allow(unsafe_code, reason = "the canonical ABI passes pointers")]

pub mod agent {
    include!("../bindings/agent.inc");
}
pub mod executor {
    include!("../bindings/executor.inc");
}
/// The second world of a router that learns: its component is encoded with this and [`router`].
pub mod learner {
    include!("../bindings/learner.inc");
}
pub mod router {
    include!("../bindings/router.inc");
}
/// The types that all kinds share, and every interface that can be imported.
pub mod shared {
    include!("../bindings/shared.inc");
}
pub mod validator {
    include!("../bindings/validator.inc");
}
