//! Log lines for the operator, at most 256 per call by default. In native tests they go to standard error.

use crate::bindings::shared::baton::host::log::Level;

/// Writes a line that operators see only when they look for it.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line about normal operation.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line about something that may need attention.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes a line about something that failed.
pub fn error(message: &str) {
    write(Level::Error, message);
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::bindings::shared::baton::host::log::write(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "a test's machine has no operator")]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
