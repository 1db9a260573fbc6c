//! The laboratory: simulated worlds whose truth is known, with the real scheduler running in them, to tune and evaluate
//! routers. Beside it [`bench`], which measures the machine that it runs on.

pub mod anchor;
pub mod bench;
pub mod comparison;
pub mod gate;
pub mod planted;
pub mod play;
pub mod score;
pub mod world;
