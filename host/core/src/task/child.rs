//! The children of a composite task, as its executor sees them.

use super::StateName;
use crate::clock::Time;
use crate::id::TaskId;
use crate::outcome::Report;

/// A child as its parent's strategy sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub task: TaskId,
    /// As its parent called it.
    pub name: String,
    pub state: StateName,
    pub report: Report,
    pub totals: AttemptTotals,
}

/// What the host knows of a task's attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptTotals {
    /// Who made the last one.
    pub agent: Option<String>,
    /// When the first began and the last ended.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub attempts: u32,
    /// How long agents worked on it and on all that was done for it, attempts that came to nothing included.
    pub work_ms: u64,
    /// What that cost, as far as it is known, in millionths.
    pub cost_micros: u64,
    /// Whether the cost of each of these attempts is known.
    pub cost_known: bool,
}
