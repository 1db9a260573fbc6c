//! Plans, tasks, agents, outcomes, and the commands, operations and events that change them. All of it is data and pure
//! functions, to which time and seed are passed; only [`clock`] asks the machine, and only
//! [`file`] and [`plan::load`] read files.

#![deny(missing_docs)]

pub mod clock;
pub mod excerpt;
pub mod file;
pub mod id;
pub mod learning;
pub mod lease;
pub mod malformed;
pub mod nearest;
pub mod seed;
pub mod size;
pub mod span;

pub mod agent;
pub mod budget;
pub mod command;
pub mod ending;
pub mod episode;
pub mod event;
pub mod fault;
pub mod kind;
pub mod knowledge;
pub mod note;
pub mod op;
pub mod outcome;
pub mod people;
pub mod plan;
pub mod scope;
pub mod task;
pub mod trial;
pub mod usage;
