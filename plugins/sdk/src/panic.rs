//! Reports panics to the operator with message and source location; the host only sees a trap.

/// Installs the hook that writes a panic to the log before it becomes a trap. The macros call it at the start of every call.
pub fn report() {
    std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
}
