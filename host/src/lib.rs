//! Baton conducts AI agents: it takes a plan of work with dependencies, hands each task to the agent that suits it,
//! survives being killed at any moment, and lets its users replace how it decides while it runs.
//!
//! Every step ends in one transaction that records what happened, changes the state and opens what follows; all that
//! lies between two transactions may be lost and will be tried again.

pub mod clock;
pub mod confine;
pub mod excerpt;
pub mod id;
pub mod learning;
pub mod lease;
pub mod seed;
pub mod size;
pub mod span;

pub mod agent;
pub mod budget;
pub mod event;
pub mod fault;
pub mod insight;
pub mod knowledge;
pub mod lab;
pub mod op;
pub mod outcome;
pub mod people;
pub mod plan;
pub mod scope;
pub mod task;

pub mod failpoint;
pub mod plugin;
pub mod store;

pub mod workspace;

pub mod removal;
pub mod replay;
pub mod scheduler;
pub mod sim;

pub mod cli;
pub mod config;
pub mod door;
