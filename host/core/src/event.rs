//! What happened: the append-only record from which every task can be rebuilt.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agent::breaker::Breaker;
use crate::budget::ledger::Account;
use crate::budget::{Bill, Resource};
use crate::clock::Time;
use crate::fault::{ErrorClass, Fault};
use crate::id::{AgentId, DecisionId, Epoch, QuestionId, RunId, TaskId};
use crate::people::Purpose;
use crate::task::{self, Need, Task};
use crate::trial::TrialPhase;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The order of commits over the whole store: a reader that goes on after the last one it saw misses nothing.
    pub seq: i64,
    /// From 1 and gapless in its run, or among the host's own.
    pub number: i64,
    pub at: Time,
    /// None for what concerns the host as a whole.
    pub run: Option<RunId>,
    pub task: Option<TaskId>,
    /// The task's epoch after the event.
    pub epoch: Epoch,
    pub fact: Fact,
}

/// Everything that can happen. A stored vocabulary: an arm may be added, and none may change its meaning or shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "snake_case")]
pub enum Fact {
    // Of a task.
    Submitted {
        task: Box<Task>,
    },
    Readied {
        why: Readied,
    },
    Assigned {
        agent: AgentId,
        lease_until: Time,
        decision: Option<DecisionId>,
    },
    /// The agent says that it is done.
    Claimed,
    /// The composite task is its executor's now.
    Delegated,
    /// Waits for children.
    Awaiting {
        stage: task::WaitingOn,
        need: Need,
    },
    /// What it waited for has come.
    Woken,
    Accepted {
        checks: u32,
        /// Their mean score, 0.0 to 1.0, if there were any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<f64>,
    },
    /// An attempt failed and another will be made.
    Retrying {
        fault: Fault,
        until: Time,
        charged: bool,
        crashed: bool,
    },
    /// The last attempt failed.
    Failed {
        fault: Fault,
    },
    /// A person is asked. Unless the policy answers at once, the attempt is over and the task waits.
    Asked {
        question: QuestionId,
        purpose: Purpose,
        text: String,
        choices: Vec<String>,
        until: Option<Time>,
        waits: bool,
    },
    Answered {
        question: QuestionId,
        text: String,
        by: String,
    },
    /// Its changes are on the target branch.
    Landed {
        commit: String,
        target: String,
    },
    /// It is accepted and does not land yet, for a reason that is not its own.
    LandingStalled {
        why: String,
    },
    /// It changed what something that landed meanwhile changed too. It is tried again alone, without being charged.
    Conflicted {
        files: Vec<String>,
    },
    /// What a person thinks of the outcome, 0.0 to 1.0.
    Feedback {
        score: f64,
        note: String,
        by: String,
    },
    /// What an attempt used and cost.
    Charged {
        bill: Bill,
    },
    /// The attempt was given back: a drain, an agent that went away. Costs nothing.
    Released {
        why: String,
    },
    /// A router wants to be asked again later.
    Deferred {
        until: Time,
    },
    Held,
    Unheld,
    CancelRequested,
    Cancelled {
        why: String,
    },
    Skipped {
        because: TaskId,
    },
    /// Back from the dead letters, or run once more on a person's word.
    Redriven,
    /// A person gave the dead letter up.
    Dropped,
    Relinked {
        added: Vec<TaskId>,
        removed: Vec<TaskId>,
    },
    Amended {
        task: Box<Task>,
    },
    /// Taken out of the plan.
    Removed,

    // Of a run.
    RunSubmitted {
        name: String,
        plan: String,
        tasks: u32,
    },
    RunAmended {
        plan: String,
        added: u32,
        removed: u32,
        changed: u32,
    },
    RunHeld,
    RunUnheld,
    /// Nothing of it can go on.
    RunSettled {
        succeeded: u32,
        failed: u32,
    },
    RunReopened,
    /// Most of a cap is spent.
    BudgetLow {
        account: Account,
        #[serde(rename = "good")]
        resource: Resource,
        spent: u64,
        cap: u64,
    },
    /// All of a cap is spent: nothing more is started on that account.
    BudgetSpent {
        account: Account,
        #[serde(rename = "good")]
        resource: Resource,
        spent: u64,
        cap: u64,
    },
    RouterUsed {
        router: String,
        digest: String,
        before: Option<String>,
    },
    /// The router failed on a batch and the host decided by itself.
    RouterDegraded {
        router: String,
        why: String,
        in_a_row: u32,
    },
    RouterRolledBack {
        from: String,
        to: String,
        why: String,
    },

    /// What a backtest said of a router.
    RouterJudged {
        router: String,
        digest: String,
        won: bool,
        why: String,
    },
    /// The router that runs have unless they name one.
    RouterPromoted {
        router: String,
        digest: String,
        before: Option<String>,
        why: String,
    },
    TrialStarted {
        trial: i64,
        router: String,
        digest: String,
        stage: TrialPhase,
    },
    TrialMoved {
        trial: i64,
        stage: TrialPhase,
    },
    TrialEnded {
        trial: i64,
        ending: TrialEnding,
        why: String,
    },

    // Of the host.
    HostStarted {
        boot: u32,
        version: String,
    },
    HostStopped {
        boot: u32,
    },
    AgentRegistered {
        agent: AgentId,
        name: String,
    },
    AgentDraining {
        agent: AgentId,
    },
    AgentResumed {
        agent: AgentId,
    },
    AgentRemoved {
        agent: AgentId,
    },
    BreakerMoved {
        agent: AgentId,
        breaker: Breaker,
        why: String,
    },
    PluginAdded {
        name: String,
        digest: String,
        grants: Vec<String>,
    },
    PluginRemoved {
        name: String,
    },
    PluginFailed {
        name: String,
        digest: String,
        why: String,
    },
    CallDenied {
        plugin: String,
        call: String,
        why: String,
    },
    /// Rows of these tables were written that no other event of the transaction tells of: what a router left, what an
    /// agent remembers, what was consolidated. Like every event it carries their digests.
    Written {
        tables: Vec<String>,
    },
}

/// What became of a router on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialEnding {
    /// It decides from now on.
    Promoted,
    /// All goes back to the routers that the runs have.
    RolledBack,
}

impl TrialEnding {
    /// The word that stands for it, also where it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled-back",
        }
    }
}

impl FromStr for TrialEnding {
    type Err = UnknownEnding;

    fn from_str(word: &str) -> Result<Self, UnknownEnding> {
        [Self::Promoted, Self::RolledBack]
            .into_iter()
            .find(|ending| ending.as_str() == word)
            .ok_or_else(|| UnknownEnding(word.to_owned()))
    }
}

/// No trial ends so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no ending of a trial")]
pub struct UnknownEnding(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readied {
    /// The last dependency succeeded, or an amendment removed it.
    Dependencies,
    /// Its backoff is over.
    Due,
    /// What the router asked for first is there.
    Consulted,
}

impl Fact {
    /// All kinds, in the order of the variants.
    pub const KINDS: [&str; 57] = [
        "submitted",
        "readied",
        "assigned",
        "claimed",
        "delegated",
        "awaiting",
        "woken",
        "accepted",
        "retrying",
        "failed",
        "asked",
        "answered",
        "landed",
        "landing-stalled",
        "conflicted",
        "feedback",
        "charged",
        "released",
        "deferred",
        "held",
        "unheld",
        "cancel-requested",
        "cancelled",
        "skipped",
        "redriven",
        "dropped",
        "relinked",
        "amended",
        "removed",
        "run-submitted",
        "run-amended",
        "run-held",
        "run-unheld",
        "run-settled",
        "run-reopened",
        "budget-low",
        "budget-spent",
        "router-used",
        "router-degraded",
        "router-rolled-back",
        "router-judged",
        "router-promoted",
        "trial-started",
        "trial-moved",
        "trial-ended",
        "host-started",
        "host-stopped",
        "agent-registered",
        "agent-draining",
        "agent-resumed",
        "agent-removed",
        "breaker-moved",
        "plugin-added",
        "plugin-removed",
        "plugin-failed",
        "call-denied",
        "written",
    ];

    /// The `kind` under which it is stored and filtered.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Readied { .. } => "readied",
            Self::Assigned { .. } => "assigned",
            Self::Claimed => "claimed",
            Self::Delegated => "delegated",
            Self::Awaiting { .. } => "awaiting",
            Self::Woken => "woken",
            Self::Accepted { .. } => "accepted",
            Self::Retrying { .. } => "retrying",
            Self::Failed { .. } => "failed",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::Landed { .. } => "landed",
            Self::Feedback { .. } => "feedback",
            Self::Charged { .. } => "charged",
            Self::Conflicted { .. } => "conflicted",
            Self::LandingStalled { .. } => "landing-stalled",
            Self::Released { .. } => "released",
            Self::Deferred { .. } => "deferred",
            Self::Held => "held",
            Self::Unheld => "unheld",
            Self::CancelRequested => "cancel-requested",
            Self::Cancelled { .. } => "cancelled",
            Self::Skipped { .. } => "skipped",
            Self::Redriven => "redriven",
            Self::Dropped => "dropped",
            Self::Relinked { .. } => "relinked",
            Self::Amended { .. } => "amended",
            Self::Removed => "removed",
            Self::RunSubmitted { .. } => "run-submitted",
            Self::RunAmended { .. } => "run-amended",
            Self::RunHeld => "run-held",
            Self::RunUnheld => "run-unheld",
            Self::RunSettled { .. } => "run-settled",
            Self::RunReopened => "run-reopened",
            Self::BudgetLow { .. } => "budget-low",
            Self::BudgetSpent { .. } => "budget-spent",
            Self::RouterUsed { .. } => "router-used",
            Self::RouterDegraded { .. } => "router-degraded",
            Self::RouterRolledBack { .. } => "router-rolled-back",
            Self::RouterJudged { .. } => "router-judged",
            Self::RouterPromoted { .. } => "router-promoted",
            Self::TrialStarted { .. } => "trial-started",
            Self::TrialMoved { .. } => "trial-moved",
            Self::TrialEnded { .. } => "trial-ended",
            Self::HostStarted { .. } => "host-started",
            Self::HostStopped { .. } => "host-stopped",
            Self::AgentRegistered { .. } => "agent-registered",
            Self::AgentDraining { .. } => "agent-draining",
            Self::AgentResumed { .. } => "agent-resumed",
            Self::AgentRemoved { .. } => "agent-removed",
            Self::BreakerMoved { .. } => "breaker-moved",
            Self::PluginAdded { .. } => "plugin-added",
            Self::PluginRemoved { .. } => "plugin-removed",
            Self::PluginFailed { .. } => "plugin-failed",
            Self::CallDenied { .. } => "call-denied",
            Self::Written { .. } => "written",
        }
    }

    /// The class of failure that it reports, if it does.
    #[must_use]
    pub fn failure(&self) -> Option<ErrorClass> {
        match self {
            Self::Retrying { fault, .. } | Self::Failed { fault } => Some(fault.class),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// serde names every variant where it finds none of them.
    #[test]
    fn kinds_are_the_tags_of_all_variants() {
        let why = serde_json::from_str::<Fact>(r#"{"kind":"no-such-kind"}"#).unwrap_err().to_string();
        let list = why.split("expected one of ").nth(1).unwrap_or_default();
        let tags: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        assert_eq!(tags, Fact::KINDS, "{why}");
    }
}
