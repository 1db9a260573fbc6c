//! What survives: SQLite in WAL mode with full synchronisation, written by one thread in groups.
//!
//! Everything that changes goes through [`baton_core::op::Op`]; everything that is read goes through [`read`]. SQLite is
//! known only here: neither its types nor its language leave this crate.

#![deny(missing_docs)]

mod apply;
pub mod backup;
mod batch;
pub mod bundle;
pub mod chain;
pub mod check;
mod codec;
pub mod durable;
mod error;
pub mod failpoint;
#[cfg(test)]
mod fixture;
pub mod floor;
#[cfg(test)]
mod golden;
mod home;
mod lines;
mod memory;
mod migrate;
pub mod read;
mod reader;
mod schema;
mod seal;
mod store;
mod tally;
pub mod testing;
pub mod writer;

pub use error::{Cause, OpenError, ReadError, Reading};
pub use home::{Home, Lock};
pub use reader::{Reader, reader};
pub use store::{Store, machine};
