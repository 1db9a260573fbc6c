//! A panic's message and place reach the operator: the host only sees a trap.

/// Writes a panic to the log before it becomes a trap. The macros call it first thing in every call.
pub fn report() {
    std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
}
