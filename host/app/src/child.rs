//! What the binary is when a host has started it for work that may fail or be killed by itself: it compiles a component,
//! supervises a native program, or becomes one.

mod enter;
mod supervise;
mod tree;

use std::ffi::OsString;

use baton_core::kind::Kind;
use baton_plugin::capability::process::SuperviseRequest;
use baton_plugin::compile as compiler;
use rustix::process::{Resource, Rlimit, Signal};

use crate::AppError;

pub use enter::{confinement, enter};
pub use supervise::supervise;

/// A native program, and what it is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// A path, or a name that is looked for in `PATH`.
    pub file: OsString,
    /// After its name.
    pub args: Vec<OsString>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramEnd {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

/// Compiles the component that comes on standard input, for the host of this process id.
///
/// # Errors
/// The component is rejected, or exceeds the limits of memory or time; the host is gone.
pub fn compile(kind: Kind, host: i32) -> Result<(), AppError> {
    compiler::child(kind, host)
        .map_err(|why| AppError::Refused { why: why.to_string(), source: Some(why.into()) })
}

/// Ends this process by a signal, and leaves no core behind. It returns where the signal does not end it.
pub fn die(signal: i32) {
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
}

fn ordered(order: &str) -> Result<SuperviseRequest, AppError> {
    serde_json::from_str(order)
        .map_err(|why| AppError::unavailable(format!("the order can't be read: {why}")))
}
