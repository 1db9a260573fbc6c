//! The append-only record of what happened. Every task can be rebuilt from it.

mod kind;

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agent::breaker::Breaker;
use crate::budget::ledger::Account;
use crate::budget::{Bill, Resource};
use crate::clock::Time;
use crate::fault::Fault;
use crate::id::{AgentId, DecisionId, Epoch, QuestionId, RunId, TaskId};
use crate::people::Purpose;
use crate::task::{self, Need, Task};
use crate::trial::TrialPhase;

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Position in the store's record, in the order of commits: a reader that continues after the last one it saw
    /// misses nothing.
    pub seq: i64,
    /// From 1 and gapless within its run, or among the events of no run.
    pub number: i64,
    /// When it was committed.
    pub at: Time,
    /// None for what concerns the host as a whole.
    pub run: Option<RunId>,
    /// None for what concerns the whole run.
    pub task: Option<TaskId>,
    /// The task's epoch after the event.
    pub epoch: Epoch,
    /// What happened.
    pub fact: Fact,
}

/// Everything that can happen. The format is stored: variants may be added, and none may change its meaning or shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "snake_case")]
pub enum Fact {
    // About a task.
    /// A task was added to its run.
    Submitted {
        /// The task as it starts out.
        task: Box<Task>,
    },
    /// The task may start.
    Readied {
        /// What it had waited for.
        why: Readied,
    },
    /// An agent was given the task under a lease: an attempt began.
    Assigned {
        /// The agent that works on it.
        agent: AgentId,
        /// End of the lease, unless it is renewed.
        lease_until: Time,
        /// The router's decision; none if the host decided by itself.
        decision: Option<DecisionId>,
    },
    /// The agent reported an outcome, which validators have to accept.
    Claimed,
    /// A composite task was handed to its executor.
    Delegated,
    /// The task waits for children.
    Awaiting {
        /// The plugin that asked for the children.
        stage: task::WaitingOn,
        /// When the task wakes.
        need: Need,
    },
    /// The children or the time that the task waited for have come.
    Woken,
    /// The outcome stands and the task has succeeded.
    Accepted {
        /// Number of checks that validators made.
        checks: u32,
        /// Their mean score, 0.0 to 1.0; none without checks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<f64>,
    },
    /// An attempt failed and the task will be tried again.
    Retrying {
        /// Why the attempt failed.
        fault: Fault,
        /// The task isn't ready before then.
        until: Time,
        /// Whether the attempt counts against the task's attempts.
        charged: bool,
        /// Whether it counts against the task's crashes.
        crashed: bool,
    },
    /// The task failed and will not be tried again by itself.
    Failed {
        /// Why the last attempt failed.
        fault: Fault,
    },
    /// An agent asked a person. Unless the policy answers at once, the attempt is over and the task waits.
    Asked {
        /// The id to answer with.
        question: QuestionId,
        /// Whether knowledge or permission is asked for.
        purpose: Purpose,
        /// The question.
        text: String,
        /// Possible answers; empty = any text.
        choices: Vec<String>,
        /// When the policy answers in a person's place; none = never.
        until: Option<Time>,
        /// Whether the attempt ended and the task waits.
        waits: bool,
    },
    /// A question was answered by a person or by policy.
    Answered {
        /// The question's id.
        question: QuestionId,
        /// The answer.
        text: String,
        /// A person's name, or `policy`.
        by: String,
    },
    /// The task's changes were merged into the target branch.
    Landed {
        /// The commit's hash on the target branch.
        commit: String,
        /// The branch.
        target: String,
    },
    /// The task is accepted but can't be merged yet, for a reason outside the task.
    LandingStalled {
        /// The reason, as shown to people.
        why: String,
    },
    /// The task's changes conflict with changes that landed meanwhile. It is retried alone, not charged.
    Conflicted {
        /// Paths that both changed.
        files: Vec<String>,
    },
    /// A person rated the outcome.
    Feedback {
        /// From 0.0, useless, to 1.0.
        score: f64,
        /// Free text; may be empty.
        note: String,
        /// The person's name.
        by: String,
    },
    /// An attempt was billed.
    Charged {
        /// The amounts charged to the accounts.
        bill: Bill,
    },
    /// The attempt was given back, because of a drain or an unreachable agent. Not charged.
    Released {
        /// Why the attempt was given back.
        why: String,
    },
    /// A router postponed the task.
    Deferred {
        /// The router isn't asked before then.
        until: Time,
    },
    /// Paused by a person: nothing new is started.
    Held,
    /// Resumed by a person.
    Unheld,
    /// A person cancelled the task while it was running; its attempt was asked to stop.
    CancelRequested,
    /// The task was cancelled.
    Cancelled {
        /// The reason, as shown to people.
        why: String,
    },
    /// The task will not run.
    Skipped {
        /// The dependency that did not succeed.
        because: TaskId,
    },
    /// A person asked for the task to be run again.
    Redriven,
    /// A person gave up the dead letter: dependents are skipped.
    Dropped,
    /// An amendment changed the task's dependencies.
    Relinked {
        /// New dependencies.
        added: Vec<TaskId>,
        /// Former dependencies.
        removed: Vec<TaskId>,
    },
    /// An amendment changed the task itself.
    Amended {
        /// The task as it is now.
        task: Box<Task>,
    },
    /// An amendment removed the task from the plan.
    Removed,

    // About a run.
    /// A run was opened.
    RunSubmitted {
        /// The plan's name.
        name: String,
        /// The plan's digest.
        plan: String,
        /// Number of tasks.
        tasks: u32,
    },
    /// The run follows another version of its plan.
    RunAmended {
        /// The new version's digest.
        plan: String,
        /// Number of tasks added.
        added: u32,
        /// Number of tasks removed.
        removed: u32,
        /// Number of tasks whose definition changed.
        changed: u32,
    },
    /// The run was paused by a person.
    RunHeld,
    /// The run was resumed by a person.
    RunUnheld,
    /// Nothing of the run can go on.
    RunSettled {
        /// Number of tasks that succeeded.
        succeeded: u32,
        /// Number of tasks that failed.
        failed: u32,
    },
    /// A settled run goes on: a task was redriven or added.
    RunReopened,
    /// At least 80 % of a cap is spent.
    BudgetLow {
        /// The account that the cap applies to.
        account: Account,
        /// The limited resource.
        #[serde(rename = "good")]
        resource: Resource,
        /// In the resource's unit.
        spent: u64,
        /// In the resource's unit.
        cap: u64,
    },
    /// A cap is fully spent: nothing more is started on that account.
    BudgetSpent {
        /// The account that the cap applies to.
        account: Account,
        /// The limited resource.
        #[serde(rename = "good")]
        resource: Resource,
        /// In the resource's unit; may exceed the cap.
        spent: u64,
        /// In the resource's unit.
        cap: u64,
    },
    /// The run got another router.
    RouterUsed {
        /// The router's name.
        router: String,
        /// Digest of its component.
        digest: String,
        /// The former router's name; none for the run's first.
        before: Option<String>,
    },
    /// The router failed on a batch, and the host's built-in choice was used.
    RouterDegraded {
        /// The router's name.
        router: String,
        /// What went wrong.
        why: String,
        /// Consecutive failures, this one included.
        in_a_row: u32,
    },
    /// After repeated failures the run went back to the router it had before.
    RouterRolledBack {
        /// The router that failed.
        from: String,
        /// The router from now on.
        to: String,
        /// The last failure.
        why: String,
    },

    /// A backtest of a router ended.
    RouterJudged {
        /// The router's name.
        router: String,
        /// Digest of its component.
        digest: String,
        /// Whether the estimate allows it to be promoted.
        won: bool,
        /// The figures behind it.
        why: String,
    },
    /// A router became the one that runs use by default.
    RouterPromoted {
        /// The router's name.
        router: String,
        /// Digest of its component.
        digest: String,
        /// The formerly promoted router; none if there was none.
        before: Option<String>,
        /// A person's reason, or the trial's result.
        why: String,
    },
    /// A trial of a router began.
    TrialStarted {
        /// The trial's number.
        trial: i64,
        /// The candidate's name.
        router: String,
        /// Digest of its component.
        digest: String,
        /// The first phase.
        stage: TrialPhase,
    },
    /// A trial entered its next phase.
    TrialMoved {
        /// The trial's number.
        trial: i64,
        /// The phase from now on.
        stage: TrialPhase,
    },
    /// A trial is over.
    TrialEnded {
        /// The trial's number.
        trial: i64,
        /// The result.
        ending: TrialEnding,
        /// The figures, the guard or the person behind it.
        why: String,
    },

    // About the host.
    /// A host opened the store.
    HostStarted {
        /// Counts the starts of hosts on this store, from 1.
        boot: u32,
        /// Baton's version.
        version: String,
    },
    /// A host shut down in order; a crash leaves no such event.
    HostStopped {
        /// As in `HostStarted`.
        boot: u32,
    },
    /// An agent was added, or its card changed.
    AgentRegistered {
        /// Its id.
        agent: AgentId,
        /// Its name.
        name: String,
    },
    /// An agent gets no new work.
    AgentDraining {
        /// Its id.
        agent: AgentId,
    },
    /// A draining agent takes work again.
    AgentResumed {
        /// Its id.
        agent: AgentId,
    },
    /// An agent was taken out of the registry.
    AgentRemoved {
        /// Its id.
        agent: AgentId,
    },
    /// An agent's circuit breaker changed its state.
    BreakerMoved {
        /// The agent's id.
        agent: AgentId,
        /// The new state.
        breaker: Breaker,
        /// The failure or the probe that caused it.
        why: String,
    },
    /// A plugin was installed or replaced.
    PluginAdded {
        /// Its name.
        name: String,
        /// Digest of its component.
        digest: String,
        /// Capabilities granted to it.
        grants: Vec<String>,
    },
    /// A plugin was uninstalled.
    PluginRemoved {
        /// Its name.
        name: String,
    },
    /// A call of a plugin failed: it trapped, exceeded a limit or gave an invalid answer.
    PluginFailed {
        /// Its name.
        name: String,
        /// Digest of its component.
        digest: String,
        /// What went wrong.
        why: String,
    },
    /// A plugin called something that it has no grant for.
    CallDenied {
        /// Its name.
        plugin: String,
        /// The host function and its argument.
        call: String,
        /// The missing grant, and the line of configuration that would allow it.
        why: String,
    },
    /// Rows of these tables were written that no other event of the transaction covers, such as a router's state, an
    /// agent's memory or consolidated episodes. Like every event it is stored with the digests of the rows.
    Written {
        /// Names of tables, sorted.
        tables: Vec<String>,
    },
}

/// The result of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialEnding {
    /// The candidate is the default router from now on.
    Promoted,
    /// The candidate is dropped, and runs keep their routers.
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

/// Why a task became ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readied {
    /// The last dependency succeeded, or an amendment removed it.
    Dependencies,
    /// Its backoff is over.
    Due,
    /// The consultation that its router asked for is done.
    Consulted,
}
