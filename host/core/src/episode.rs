//! Completed attempts, as the analyses read them.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::{RunId, TaskId};
use crate::knowledge::Verdict;

/// A completed attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Number of the event that ended it; findings cite it as evidence.
    pub seq: i64,
    /// The run of the task.
    pub run: RunId,
    /// The task that was attempted.
    pub task: TaskId,
    /// The task's id in its plan.
    pub name: String,
    /// Kind of task, such as `rust+tests`; see [`crate::plan::Workstream::kind`].
    pub kind: String,
    /// Required and preferred skills, sorted.
    pub skills: Vec<String>,
    /// The agent's name.
    pub agent: String,
    /// The result.
    pub verdict: Verdict,
    /// When the task became ready.
    pub ready: Time,
    /// Time of assignment.
    pub started: Time,
    /// Time of acceptance, refusal or failure.
    pub ended: Time,
    /// In millionths of the operator's currency; none = unknown.
    pub cost_micros: Option<u64>,
    /// Mean score of its checks, 0.0 to 1.0; none = not validated, or not accepted.
    pub quality: Option<f64>,
    /// Globs of the paths that the task may touch.
    pub files: Vec<String>,
    /// Tasks that the task waited for.
    pub depends_on: Vec<TaskId>,
    /// Explanations of the checks that refused it, each as `check: explanation`.
    pub remarks: Vec<String>,
}

impl Episode {
    /// Time from start to end, in milliseconds.
    #[must_use]
    pub fn working_ms(&self) -> u64 {
        u64::try_from(self.ended.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// Time from ready to start, in milliseconds.
    #[must_use]
    pub fn waiting_ms(&self) -> u64 {
        u64::try_from(self.started.since(self.ready).as_millis()).unwrap_or(u64::MAX)
    }
}
