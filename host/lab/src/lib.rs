//! A world of agents and tasks of which everything is known, and the real scheduler played in it: what routers are
//! tuned and judged on. Beside it [`scale`], which looks at the store alone.

pub mod anchor;
pub mod gate;
pub mod planted;
pub mod play;
pub mod scale;
pub mod score;
pub mod world;
