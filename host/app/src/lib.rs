//! What can be asked of Baton, each operation once: the command line, the control socket and other servers are faces of
//! it.

#![deny(missing_docs)]

pub mod agents;
pub mod app;
pub mod bundled;
pub mod child;
pub mod config;
pub mod control;
pub mod db;
pub mod doctor;
mod error;
pub mod host;
pub mod merge;
pub mod notes;
pub mod operation;
pub mod package;
pub mod plugins;
pub mod probe;
pub mod routers;
pub mod runs;
pub mod scaffold;
pub mod submit;
pub mod target;
pub mod templates;
pub mod view;
pub mod why;

pub use app::App;
pub use error::{AppError, Cause};
