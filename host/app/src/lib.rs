//! What can be asked of Baton, each operation once: the command line, the control socket and other servers are faces of
//! it.

pub mod bundled;
pub mod config;
pub mod door;
pub mod package;
pub mod scaffold;
