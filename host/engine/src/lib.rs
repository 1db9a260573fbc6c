//! The spine: decides what happens next, asks plugins, and writes through the store. [`board`] knows what could run,
//! [`dispatch`] picks what should, [`decide`] asks the router, [`attempt`] runs one try, [`compose`] asks executors,
//! [`judge`] asks validators. One loop owns all of it and is told of everything by messages.

mod acceptance;
pub mod attempt;
pub mod board;
pub mod command;
pub mod compose;
pub mod consolidate;
pub mod contest;
mod crowd;
pub mod decide;
mod desk;
pub mod judge;
pub mod land;
pub mod places;
pub mod pool;
pub mod probe;
pub mod rehearsal;
pub mod removal;
pub mod replay;
pub mod school;
mod spine;
pub mod stage;
mod timed;
pub mod waits;
pub mod why;
pub mod workspace;

pub use crowd::Crowd;
pub use spine::{Host, Live, Options, Phase};
