//! One attempt that is over: what every analysis reads.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::{RunId, TaskId};
use crate::knowledge::Verdict;

/// One attempt that is over, as the analyses see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Number of the event that ended it: the evidence.
    pub seq: i64,
    pub run: RunId,
    pub task: TaskId,
    /// The task's id in its plan.
    pub name: String,
    /// Kind of task, such as `rust+tests`, or what the plan says.
    pub kind: String,
    /// Required and preferred ones, sorted.
    pub skills: Vec<String>,
    pub agent: String,
    pub verdict: Verdict,
    /// When it could start, when it did, and when it was over.
    pub ready: Time,
    pub started: Time,
    pub ended: Time,
    /// Millionths of the operator's currency; none = unknown.
    pub cost_micros: Option<u64>,
    /// 0.0 to 1.0, the mean score of its checks.
    pub quality: Option<f64>,
    /// Globs of the paths it may touch.
    pub files: Vec<String>,
    pub depends_on: Vec<TaskId>,
    /// Why it was refused, word for word, each as `check: explanation`.
    pub remarks: Vec<String>,
}

impl Episode {
    /// How long the agent worked, in milliseconds.
    #[must_use]
    pub fn working_ms(&self) -> u64 {
        u64::try_from(self.ended.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// How long it could have started and had not, in milliseconds.
    #[must_use]
    pub fn waiting_ms(&self) -> u64 {
        u64::try_from(self.started.since(self.ready).as_millis()).unwrap_or(u64::MAX)
    }
}
