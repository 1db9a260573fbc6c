//! A task: a node of a run, and where it stands.

pub mod child;
pub mod features;
pub mod policy;
pub mod retry;
pub mod transition;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::Cap;
use crate::clock::Time;
use crate::fault::{Begun, ErrorClass};
use crate::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use crate::scope::Scope;
use crate::task::policy::{Effects, Retry, Timeouts};

/// What the scheduler holds of a task. Its title, input and the like stay in the store until they are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    pub id: TaskId,
    pub run: RunId,
    pub parent: Option<Parent>,
    pub terms: TermsId,
    pub state: State,
    /// Put on hold by a person: it finishes what runs and starts nothing.
    pub held: bool,
    /// A person asked for its end while it was running.
    pub cancelling: bool,
    pub epoch: Epoch,
    /// Attempts charged, in the sense of [`Retry::attempts`].
    pub attempts: u32,
    /// Attempts that ended in a crash, in the sense of [`Retry::crashes`].
    pub crashes: u32,
    /// Attempts whose accepted work was in the way of what landed meanwhile.
    #[serde(default)]
    pub conflicts: u32,
    pub priority: i32,
    pub created: Time,
    /// When it must be done.
    pub deadline: Option<Time>,
}

/// Whose child a task is, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parent {
    pub id: TaskId,
    /// The parent's epoch that spawned it: children of an earlier try do not count.
    pub epoch: Epoch,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A part of a composite task's work.
    Part,
    /// Something a validator wants to know.
    Evidence,
    /// Something a router wants to know.
    Consult,
}

/// Where a task stands. The transition table is [`transition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum State {
    /// Something it depends on has not succeeded. Left by `Ready`, `Cancel`, `Skip`.
    Blocked,
    /// May start. Caused by submission without dependencies, the last dependency's success, the end of a wait.
    Ready { since: Time },
    /// An agent works on it under a lease. Caused by `Assign`.
    Running { agent: AgentId, since: Time, lease_until: Time },
    /// The host or the task's children have the next word. Holds its scope and no agent.
    Waiting { stage: WaitingOn, need: Option<Need>, since: Time },
    /// Not before `until`: after a failure that may be tried again, or because a router put it off.
    Backoff { until: Time },
    /// Accepted.
    Succeeded { at: Time },
    /// Given up; a dead letter until it is redriven or dropped.
    Failed { at: Time, class: ErrorClass },
    /// Ended by a person.
    Cancelled { at: Time },
    /// Will not run, because something it needs never will.
    Skipped { at: Time },
}

/// Who decides how a waiting task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingOn {
    /// Its executor.
    Executor,
    /// Its validators: an outcome is claimed and not yet accepted.
    Acceptance,
    /// The router, which asked for something to be run first.
    Routing,
    /// A person, who was asked something.
    Person,
}

impl WaitingOn {
    /// What the children are for that it waits for, if it has any.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Executor => Some(Role::Part),
            Self::Acceptance => Some(Role::Evidence),
            Self::Routing => Some(Role::Consult),
            Self::Person => None,
        }
    }
}

impl Role {
    /// What a task waits for while it has children of this role.
    #[must_use]
    pub fn stage(self) -> WaitingOn {
        match self {
            Self::Part => WaitingOn::Executor,
            Self::Evidence => WaitingOn::Acceptance,
            Self::Consult => WaitingOn::Routing,
        }
    }
}

/// What of its children a waiting task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Need {
    /// So many children of this epoch must have ended.
    pub ended: u32,
    /// Or this moment must have come.
    pub until: Option<Time>,
}

impl State {
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded { .. } | Self::Failed { .. } | Self::Cancelled { .. } | Self::Skipped { .. } => {
                true
            }
            Self::Blocked
            | Self::Ready { .. }
            | Self::Running { .. }
            | Self::Waiting { .. }
            | Self::Backoff { .. } => false,
        }
    }

    /// Whether the task's scope is locked.
    #[must_use]
    pub fn holds_scope(self) -> bool {
        match self {
            Self::Running { .. } | Self::Waiting { .. } => true,
            Self::Blocked
            | Self::Ready { .. }
            | Self::Backoff { .. }
            | Self::Succeeded { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. }
            | Self::Skipped { .. } => false,
        }
    }

    #[must_use]
    pub fn name(self) -> StateName {
        match self {
            Self::Blocked => StateName::Blocked,
            Self::Ready { .. } => StateName::Ready,
            Self::Running { .. } => StateName::Running,
            Self::Waiting { .. } => StateName::Waiting,
            Self::Backoff { .. } => StateName::Backoff,
            Self::Succeeded { .. } => StateName::Succeeded,
            Self::Failed { .. } => StateName::Failed,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::Skipped { .. } => StateName::Skipped,
        }
    }
}

/// The lifecycle without its data, for columns, counts and people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    Blocked,
    Ready,
    Running,
    Waiting,
    Backoff,
    Succeeded,
    Failed,
    Cancelled,
    Skipped,
}

impl StateName {
    pub const ALL: [Self; 9] = [
        Self::Blocked,
        Self::Ready,
        Self::Running,
        Self::Waiting,
        Self::Backoff,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Backoff => "backoff",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl StateName {
    /// Whether a task in this state has ended, and only a redrive begins it anew.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped => true,
            Self::Blocked | Self::Ready | Self::Running | Self::Waiting | Self::Backoff => false,
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Everything about how a task is to be run that scheduling needs. Interned: a million tasks of one kind share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskPolicy {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Skills that would help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<String>,
    #[serde(default)]
    pub scope: Scope,
    /// Only this agent may do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Makes the task a composite one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Whether validators must accept an outcome before it counts.
    #[serde(default)]
    pub validated: bool,
    /// What it and all below it may use up.
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    #[serde(default)]
    pub effects: Effects,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Of each of these, the operator lets so many run at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    #[serde(default)]
    pub retry: Retry,
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl TaskPolicy {
    /// Those required and those preferred, sorted.
    #[must_use]
    pub fn all_skills(&self) -> Vec<String> {
        let mut all = [self.skills.as_slice(), self.prefers.as_slice()].concat();
        all.sort();
        all.dedup();
        all
    }

    /// Whether a person must look before what was not accepted is tried again, however it ended: what has once acted on
    /// the world is not done twice unasked.
    #[must_use]
    pub fn needs_confirmation(&self, begun: Begun) -> bool {
        match (self.effects, begun) {
            (Effects::External, Begun::Yes) => !self.idempotent,
            (Effects::External, Begun::No) | (Effects::Pure | Effects::Workspace, _) => false,
        }
    }
}
