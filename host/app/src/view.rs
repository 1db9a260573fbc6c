//! What can be read. Each view has a query, an output, and one function from the one to the other; a face (the command
//! line, a socket) parses the query and shows the output.
//!
//! Members that a view marks with `#[serde(skip)]` are for people's eyes: the JSON of an output is its contract.

pub mod agents;
pub mod audit;
pub mod cost;
pub mod dead;
pub mod events;
pub mod insights;
pub mod notes;
pub mod plan;
pub mod plugins;
pub mod questions;
pub mod report;
pub mod router;
pub mod skills;
pub mod status;
pub mod task;
pub mod worktrees;
