//! Lines for the operator. A call may write 256 of them; on the machine of a test they go to standard error.

use crate::bindings::shared::baton::host::log::Level;

pub fn debug(message: &str) {
    write(Level::Debug, message);
}

pub fn info(message: &str) {
    write(Level::Info, message);
}

pub fn warn(message: &str) {
    write(Level::Warn, message);
}

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
