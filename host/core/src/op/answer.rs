//! What an applied operation answers, and what it changed.

use serde::{Deserialize, Serialize};

use super::RouterChoice;
use crate::agent::Agent;
use crate::clock::Time;
use crate::id::{AgentId, DecisionId, RunId};
use crate::knowledge::Observation;
use crate::plan::diff::Diff;
use crate::seed::Seed;
use crate::task::Task;

/// The result of an applied operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The tasks that it changed, in their new state.
    pub changed: Vec<Task>,
    /// What it changed beside tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Change>,
    /// Observations of the attempts that it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observation>,
    /// What the caller asked for.
    pub reply: Reply,
}

/// What an operation changed beside tasks, as it is now where that is small. Whoever keeps a projection of rows updates
/// it from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Opened, reopened, held, let go, settled, or given another router.
    Run(RunRecord),
    /// Registered, drained or resumed, or its breaker moved.
    Agent(Box<Agent>),
    /// An agent was removed.
    AgentRemoved(AgentId),
    /// Plugins were installed or removed.
    Plugins,
    /// A trial began, moved on or ended.
    Trial,
    /// Notes were learned or forgotten.
    Notes,
    /// A person rated what this agent did, which took these skills.
    Feedback {
        /// Who did it.
        agent: AgentId,
        /// Those that the task requires.
        skills: Vec<String>,
        /// 0.0 to 1.0.
        score: f64,
    },
}

/// A run as a scheduler needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number.
    pub run: RunId,
    /// All draws in it derive from this.
    pub seed: Seed,
    /// The router that decides for it.
    pub router: RouterChoice,
    /// The one that it had before, to come back to.
    pub router_before: Option<RouterChoice>,
    /// Whether it is paused.
    pub held: bool,
    /// Whether nothing of it can go on.
    pub settled: bool,
}

/// What an operation returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Nothing.
    Done,
    /// The boot of a started host.
    Boot(u32),
    /// The new end of the host's lease.
    Lease(Time),
    /// The run of a submission.
    Run {
        /// Its id.
        run: RunId,
        /// False if the key had opened it before.
        fresh: bool,
    },
    /// What the amendment changed.
    Amended(Diff),
    /// The id of a registered agent.
    Agent(AgentId),
    /// The id of a recorded decision.
    Decided(DecisionId),
}

impl Reply {
    /// The run of a submission, and whether it is new.
    #[must_use]
    pub fn run(&self) -> Option<(RunId, bool)> {
        match self {
            Self::Run { run, fresh } => Some((*run, *fresh)),
            Self::Done
            | Self::Boot(_)
            | Self::Lease(_)
            | Self::Amended(_)
            | Self::Agent(_)
            | Self::Decided(_) => None,
        }
    }
}
