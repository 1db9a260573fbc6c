//! Tasks, the nodes of a run, and their lifecycle.

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

/// What the scheduler keeps of a task in memory. Its title, its input and the like are read from the store when
/// needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Unique in the store.
    pub id: TaskId,
    /// The run that it belongs to.
    pub run: RunId,
    /// None for a task of the plan.
    pub parent: Option<Parent>,
    /// The interned [`TaskPolicy`].
    pub terms: TermsId,
    /// Its place in the lifecycle.
    pub state: State,
    /// Put on hold by a person: a running attempt finishes, and no other begins.
    pub held: bool,
    /// Cancelled while it was running; the attempt has been asked to stop.
    pub cancelling: bool,
    /// Of the latest attempt; an attempt with an older one is stale.
    pub epoch: Epoch,
    /// Charged attempts, compared with [`Retry::attempts`].
    pub attempts: u32,
    /// Attempts that crashed, compared with [`Retry::crashes`].
    pub crashes: u32,
    /// Attempts whose accepted changes conflicted with changes that landed meanwhile.
    #[serde(default)]
    pub conflicts: u32,
    /// Higher goes first, -1000 to 1000.
    pub priority: i32,
    /// When it was submitted.
    pub created: Time,
    /// When it must have ended; none = no deadline.
    pub deadline: Option<Time>,
}

/// A child's link to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parent {
    /// The parent task.
    pub id: TaskId,
    /// The parent's epoch that spawned it: children of an earlier attempt don't count.
    pub epoch: Epoch,
    /// What the child is for.
    pub role: Role,
}

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A part of a composite task's work.
    Part,
    /// Evidence that a validator asked for.
    Evidence,
    /// A consultation that a router asked for.
    Consult,
}

/// The states of a task. [`transition::decide`] is the transition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum State {
    /// A dependency has not succeeded yet. Left by `Unblock`, `Cancel` and `Skip`.
    Blocked,
    /// It may start: it has no dependencies left, its backoff is over, or a question was answered.
    Ready {
        /// When it became ready.
        since: Time,
    },
    /// An agent works on it under a lease.
    Running {
        /// The agent that works on it.
        agent: AgentId,
        /// When the attempt began.
        since: Time,
        /// End of the lease, unless it is renewed.
        lease_until: Time,
    },
    /// It waits on the host, on children or on a person. It holds its scope and no agent.
    Waiting {
        /// What it waits on.
        stage: WaitingOn,
        /// Children or time that must come first; none = the stage can go on at once.
        need: Option<Need>,
        /// When it began to wait.
        since: Time,
    },
    /// It waits before a retry, or because a router postponed it.
    Backoff {
        /// When it becomes ready.
        until: Time,
    },
    /// The outcome was accepted.
    Succeeded {
        /// When.
        at: Time,
    },
    /// No attempts are left: a dead letter until it is redriven or dropped.
    Failed {
        /// When.
        at: Time,
        /// The class of the last failure.
        class: ErrorClass,
    },
    /// A person cancelled it.
    Cancelled {
        /// When.
        at: Time,
    },
    /// It will not run, because a dependency failed for good.
    Skipped {
        /// When.
        at: Time,
    },
}

/// What decides how a waiting task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitingOn {
    /// Its executor, of a composite task.
    Executor,
    /// Its validators: an outcome is claimed but not yet accepted.
    Acceptance,
    /// The router, which asked for a consultation first.
    Routing,
    /// A person, who was asked a question.
    Person,
}

impl WaitingOn {
    /// The role of the children that it waits for; none = it has no children.
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

/// When a waiting task wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Need {
    /// Number of children of this epoch that must have ended.
    pub ended: u32,
    /// It wakes at this time at the latest; none = it waits for the children.
    pub until: Option<Time>,
}

impl State {
    /// Whether nothing follows unless a person asks for it.
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

    /// Whether the task's scope is locked in this state.
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

    /// The state without its data.
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

/// The states without their data, for columns, counts and display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    /// [`State::Blocked`]
    Blocked,
    /// [`State::Ready`]
    Ready,
    /// [`State::Running`]
    Running,
    /// [`State::Waiting`]
    Waiting,
    /// [`State::Backoff`]
    Backoff,
    /// [`State::Succeeded`]
    Succeeded,
    /// [`State::Failed`]
    Failed,
    /// [`State::Cancelled`]
    Cancelled,
    /// [`State::Skipped`]
    Skipped,
}

impl StateName {
    /// In the order of the lifecycle.
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

    /// The kebab-case name, as shown and filtered by.
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

/// What scheduling needs to know about how a task is to be run. Interned: a million tasks of one kind share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskPolicy {
    /// Skills that an agent must declare, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Skills that would help, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<String>,
    /// What the task may touch.
    #[serde(default)]
    pub scope: Scope,
    /// Only this agent may do it; none = any that is eligible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The executor that makes it a composite task; none = an agent does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Whether validators must accept an outcome before it counts.
    #[serde(default)]
    pub validated: bool,
    /// Budget of the task and all tasks below it.
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    /// What running it may change.
    #[serde(default)]
    pub effects: Effects,
    /// Running it twice does no more than running it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Concurrency keys: the operator limits how many tasks with each run at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// How often and when it is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// Limits on its attempts and on the task.
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl TaskPolicy {
    /// Required and preferred skills, sorted, without duplicates.
    #[must_use]
    pub fn all_skills(&self) -> Vec<String> {
        let mut all = [self.skills.as_slice(), self.prefers.as_slice()].concat();
        all.sort();
        all.dedup();
        all
    }

    /// Whether a person must decide before the task is tried again, because an attempt may already have had external
    /// effects that must not be repeated.
    #[must_use]
    pub fn needs_confirmation(&self, begun: Begun) -> bool {
        match (self.effects, begun) {
            (Effects::External, Begun::Yes) => !self.idempotent,
            (Effects::External, Begun::No) | (Effects::Pure | Effects::Workspace, _) => false,
        }
    }
}
