//! The laboratory: simulated worlds whose truth is known, with the real scheduler running in them, to tune and evaluate
//! routers. Beside it [`scale`], which measures the store alone.

pub mod anchor;
pub mod gate;
pub mod planted;
pub mod play;
pub mod scale;
pub mod score;
pub mod world;
