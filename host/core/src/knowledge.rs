//! Sufficient statistics of agents' work, folded from the record one attempt at a time.
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

/// The result of an attempt, as far as it says something about its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The outcome was accepted.
    Accepted,
    /// Validators did not accept the outcome.
    Refused,
    /// The attempt failed.
    Failed(ErrorClass),
}

impl Verdict {
    /// None for a fault that says nothing about the agent: the task can't be done as written, the money is used up,
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

    /// Whether the outcome was accepted.
    #[must_use]
    pub fn is_accepted(self) -> bool {
        self == Self::Accepted
    }

    /// Whether it ended in a failure; a refusal by validators is none.
    #[must_use]
    pub fn is_failed(self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Accepted | Self::Refused => false,
        }
    }

    /// Whether the work was good enough. None for causes outside the agent: a busy server, a budget, invalid input.
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

/// A completed attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Number of the event that ended it.
    pub seq: i64,
    /// The run of the task.
    pub run: RunId,
    /// The task that was attempted.
    pub task: TaskId,
    /// The attempt's epoch.
    pub epoch: Epoch,
    /// The agent that made it.
    pub agent: AgentId,
    /// The router's decision behind it; none if the host decided by itself.
    pub decision: Option<DecisionId>,
    /// Required and preferred skills, sorted.
    pub skills: Vec<String>,
    /// The result.
    pub verdict: Verdict,
    /// Time of assignment.
    pub started: Time,
    /// When the agent reported its outcome, which is before validation.
    pub worked_until: Time,
    /// Time of acceptance, refusal or failure.
    pub ended: Time,
    /// In millionths of the operator's currency; none = unknown.
    pub cost_micros: Option<u64>,
    /// Mean score of the checks, 0.0 to 1.0; none = not accepted, or no checks.
    pub quality: Option<f64>,
}

impl Observation {
    /// How long the agent worked, validation excluded.
    #[must_use]
    pub fn latency_ms(&self) -> u64 {
        u64::try_from(self.worked_until.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// The statistics that it adds to: the agent's overall, under the empty name, and on each of the skills.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.skills.iter().map(String::as_str))
    }
}
