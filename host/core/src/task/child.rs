//! The children of a composite task, as its executor sees them.

use super::StateName;
use crate::clock::Time;
use crate::id::TaskId;
use crate::outcome::Report;

/// A child task with its latest report.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Its id.
    pub task: TaskId,
    /// The name that its parent gave it.
    pub name: String,
    /// Its place in the lifecycle.
    pub state: StateName,
    /// What is kept of its last attempt.
    pub report: Report,
    /// Over all of its attempts.
    pub totals: AttemptTotals,
}

/// Totals over a task's attempts, as the host measured them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptTotals {
    /// The agent of the last attempt; none = not attempted.
    pub agent: Option<String>,
    /// When the first attempt began; none = not attempted.
    pub started: Option<Time>,
    /// None = no attempt has ended.
    pub ended: Option<Time>,
    /// Attempts made, retries included.
    pub attempts: u32,
    /// Time that agents worked on it and on its descendants, in milliseconds, failed attempts included.
    pub work_ms: u64,
    /// Known costs of that work, in millionths of the operator's currency.
    pub cost_micros: u64,
    /// Whether the cost of every one of these attempts is known.
    pub cost_known: bool,
}
