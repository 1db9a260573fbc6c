//! What is known of agents' work: sufficient statistics, folded from the record one attempt at a time.
//!
//! The fold is a function of the events alone, in their order. The store keeps its result in rows and the scheduler in
//! memory; both add the same observations in the same order, and `baton db check` adds them all again.

mod open_attempts;
mod tally;

pub use open_attempts::{OpenAttempt, OpenAttempts};
pub use tally::{DISCOUNT, Mean, RECENT, Tally, Trend};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::fault::{ErrorClass, Fault};
use crate::id::{AgentId, DecisionId, Epoch, RunId, TaskId};

/// What became of an attempt, as far as it says something about its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its outcome was accepted.
    Accepted,
    /// Its validators did not accept it.
    Refused,
    /// It ended in this failure.
    Failed(ErrorClass),
}

impl Verdict {
    /// None for a failure that says nothing about the agent: the task can't be done as written, the money is used up,
    /// the service asked to wait, the host that ran it is gone.
    #[must_use]
    pub fn of(fault: &Fault) -> Option<Self> {
        match fault.class {
            ErrorClass::Unaccepted => Some(Self::Refused),
            ErrorClass::Transient
            | ErrorClass::Timeout
            | ErrorClass::Crashed
            | ErrorClass::InvalidOutput
            | ErrorClass::Refused
            | ErrorClass::Unauthorized
            | ErrorClass::Environment
            | ErrorClass::Other => Some(Self::Failed(fault.class)),
            ErrorClass::RateLimited
            | ErrorClass::InvalidInput
            | ErrorClass::Budget
            | ErrorClass::Deadline
            | ErrorClass::Lost => None,
        }
    }

    #[must_use]
    pub fn is_accepted(self) -> bool {
        self == Self::Accepted
    }

    #[must_use]
    pub fn is_failed(self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Accepted | Self::Refused => false,
        }
    }

    /// What it says of the agent's ability: whether the work was good enough. None for what lies outside the agent: a
    /// far side that was busy, a budget, a wrong input.
    #[must_use]
    pub fn ability(self) -> Option<bool> {
        match self {
            Self::Accepted => Some(true),
            Self::Refused => Some(false),
            Self::Failed(class) => match class {
                ErrorClass::Timeout
                | ErrorClass::Crashed
                | ErrorClass::InvalidOutput
                | ErrorClass::Refused
                | ErrorClass::Unaccepted
                | ErrorClass::Other => Some(false),
                ErrorClass::Transient
                | ErrorClass::RateLimited
                | ErrorClass::InvalidInput
                | ErrorClass::Unauthorized
                | ErrorClass::Environment
                | ErrorClass::Budget
                | ErrorClass::Deadline
                | ErrorClass::Lost => None,
            },
        }
    }
}

/// One attempt that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The event that ended it.
    pub seq: i64,
    pub run: RunId,
    pub task: TaskId,
    pub epoch: Epoch,
    pub agent: AgentId,
    pub decision: Option<DecisionId>,
    /// Required and preferred, sorted.
    pub skills: Vec<String>,
    pub verdict: Verdict,
    pub started: Time,
    /// When the agent was done, which is before its validators were.
    pub worked_until: Time,
    pub ended: Time,
    /// In millionths of the operator's currency; none = unknown.
    pub cost_micros: Option<u64>,
    /// The mean score of the checks, 0.0 to 1.0, of accepted work that was checked.
    pub quality: Option<f64>,
}

impl Observation {
    #[must_use]
    pub fn latency_ms(&self) -> u64 {
        u64::try_from(self.worked_until.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// The statistics that it adds to: its agent's on the whole, under the empty name, and on each of the skills.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.skills.iter().map(String::as_str))
    }
}
