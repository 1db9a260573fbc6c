//! A world of agents and tasks of which everything is known, and the real scheduler played in it: what routers are
//! tuned and judged on.

pub mod anchor;
pub mod gate;
pub mod planted;
pub mod play;
pub mod score;
pub mod world;
