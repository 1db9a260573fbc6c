//! The writes that the store can apply: a plain, serialisable enum. A single writer applies them, in batches.

mod answer;
mod content;
mod refusal;

use crate::agent::breaker::Breaker;
use crate::agent::{Card, Standing};
use crate::budget::Bill;
use crate::clock::Time;
use crate::event::{Fact, TrialEnding};
use crate::fault::Fault;
use crate::id::{AgentId, DecisionId, Epoch, QuestionId, RunId, TaskId};
use crate::outcome::Outcome;
use crate::people::Question;
use crate::plan::{Plan, Workstream};
use crate::task::WaitingOn;
use serde::{Deserialize, Serialize};

pub use answer::{Applied, Change, Reply, RunRecord};
pub use content::{
    Assign, Consolidation, Decision, End, Lesson, Pick, PluginRow, RouterChange, RouterChoice, Submission,
    TrialTerms, Until,
};
pub use refusal::{HostError, Rejection, StoreError};

/// A write to the store. Each is carried out whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum Op {
    /// Opens the store for a host. Attempts of earlier boots are no longer running. Refused while a host on another
    /// machine holds the lease.
    StartHost {
        /// The host's process id.
        pid: u32,
        /// Baton's version.
        version: String,
        /// The machine's name.
        machine: String,
        /// When another machine may take over unless the lease is renewed.
        lease_until: Time,
    },
    /// Extends the host's lease to [`crate::lease::TERM`] from now. Refused once another host has taken over.
    RenewHost {
        /// The boot that [`Op::StartHost`] returned.
        boot: u32,
    },
    /// Ends a host's lease in order.
    StopHost {
        /// The boot that [`Op::StartHost`] returned.
        boot: u32,
    },

    /// Opens a run, or returns the one that the same key opened before.
    Submit(Box<Submission>),
    /// Adds tasks to a run.
    Extend {
        /// The run to add to.
        run: RunId,
        /// May depend on tasks that the run has.
        workstreams: Vec<Workstream>,
    },
    /// Makes a run follow another version of its plan, entirely or not at all.
    Amend {
        /// The run to change.
        run: RunId,
        /// The whole new version, not a difference.
        plan: Box<Plan>,
    },
    /// Pauses a run: nothing new is started.
    HoldRun {
        /// The run to pause.
        run: RunId,
    },
    /// Resumes a paused run.
    UnholdRun {
        /// The run to resume.
        run: RunId,
    },
    /// Cancels every task of a run that isn't over.
    CancelRun {
        /// The run to cancel.
        run: RunId,
        /// Recorded with each task.
        why: String,
    },
    /// Marks a run as settled, because nothing of it can go on.
    Settle {
        /// The run that is over.
        run: RunId,
    },
    /// Gives a run another router.
    UseRouter {
        /// The run.
        run: RunId,
        /// The router from now on.
        router: RouterChoice,
        /// Whether it was asked for.
        why: RouterChange,
    },
    /// Starts a trial of a router against the one that each run uses. Refused during another trial.
    StartTrial {
        /// The candidate.
        router: RouterChoice,
        /// First phase, limits and error rates.
        terms: Box<TrialTerms>,
    },
    /// Takes a trial to its next phase.
    MoveTrial {
        /// The trial's number.
        trial: i64,
        /// The phase from now on.
        stage: crate::trial::TrialPhase,
    },
    /// Ends a trial. A promoted router takes over all unsettled runs and becomes the default.
    EndTrial {
        /// The trial's number.
        trial: i64,
        /// The result.
        ending: TrialEnding,
        /// Recorded for people.
        why: String,
    },
    /// Makes a router the default without a trial, or restores the one before.
    Promote {
        /// None = back to the one before.
        router: Option<RouterChoice>,
        /// Recorded for people.
        why: String,
    },
    /// Records a router's decision and starts the attempts that follow from it.
    Assign(Box<Assign>),
    /// Adds completed attempts to what the analyses read, and the notes drawn from them.
    Consolidate(Box<Consolidation>),
    /// Suppresses a note, also if the same refusals occur again.
    ForgetNote {
        /// The note's number.
        note: i64,
    },
    /// Records what a router on trial would have decided in place of the router in use.
    Shadow {
        /// The run of the decision.
        run: RunId,
        /// The decision that was followed.
        of: DecisionId,
        /// The candidate's own.
        decision: Box<Decision>,
    },
    /// Records that a router learned from ended attempts.
    Teach {
        /// The run whose router learned.
        run: RunId,
        /// What it was passed and the state it returned.
        lesson: Box<Lesson>,
    },
    /// Postpones a task on its router's request.
    Defer {
        /// The task.
        task: TaskId,
        /// The router isn't asked again before then.
        until: Time,
    },
    /// Fails a task that a router turned down.
    Reject {
        /// The task.
        task: TaskId,
        /// The router's reason.
        fault: Fault,
    },

    /// Extends the leases of attempts under way; stale ones are ignored.
    Renew {
        /// Tasks with the epochs of their attempts.
        leases: Vec<(TaskId, Epoch)>,
        /// The new end of each lease.
        until: Time,
    },
    /// Ends an attempt with an outcome that validators have yet to accept.
    Claim {
        /// The task.
        task: TaskId,
        /// The attempt's epoch.
        epoch: Epoch,
        /// What the agent reports.
        outcome: Outcome,
    },
    /// Ends an attempt, or a composite task.
    Finish {
        /// The task.
        task: TaskId,
        /// The attempt's epoch.
        epoch: Epoch,
        /// The result.
        end: End,
    },
    /// Records an attempt's question to a person and ends the attempt. If the policy answers, the attempt goes on.
    Ask {
        /// The task.
        task: TaskId,
        /// The attempt's epoch.
        epoch: Epoch,
        /// The question.
        question: Box<Question>,
        /// When the policy answers; none = it never does.
        until: Option<Time>,
        /// The policy's immediate answer; none = the task waits.
        answer: Option<String>,
    },
    /// Answers a question; its task becomes ready.
    Answer {
        /// The question's id.
        question: QuestionId,
        /// One of the question's choices, if it has any.
        text: String,
        /// A person's name, or `policy`.
        by: String,
    },
    /// Adds a person's rating of a task's outcome to its checks.
    Feedback {
        /// The task.
        task: TaskId,
        /// 0.0 to 1.0.
        score: f64,
        /// Free text; may be empty.
        note: String,
        /// The person's name.
        by: String,
    },
    /// Stores a value that an agent keeps between attempts, or removes it.
    Remember {
        /// The task of the attempt.
        task: TaskId,
        /// The attempt's epoch.
        epoch: Epoch,
        /// The agent's name, which scopes the key.
        agent: String,
        /// Unique for each agent.
        key: String,
        /// None = forget it.
        value: Option<String>,
    },
    /// Bills an attempt, in the transaction that ends it.
    Charge {
        /// The task.
        task: TaskId,
        /// The attempt's epoch.
        epoch: Epoch,
        /// Usage, cost and duration.
        bill: Box<Bill>,
    },
    /// Ends an attempt whose lease lapsed or whose host is gone.
    LoseLease {
        /// The task.
        task: TaskId,
        /// Recorded for people.
        why: String,
    },

    /// Hands a ready composite task to its executor.
    Delegate {
        /// The task.
        task: TaskId,
    },
    /// Adds children to a waiting (or, for a consultation, ready) task.
    Spawn {
        /// The parent.
        task: TaskId,
        /// The parent's epoch.
        epoch: Epoch,
        /// The plugin that asked for the children.
        stage: WaitingOn,
        /// Definitions; they may depend on each other.
        children: Vec<Workstream>,
        /// When the parent wakes.
        until: Until,
    },
    /// Makes a task ready whose backoff is over.
    Due {
        /// The task.
        task: TaskId,
    },
    /// Wakes a task whose children are far enough.
    Wake {
        /// The task.
        task: TaskId,
    },

    /// Pauses a task: an attempt under way finishes, and no other begins.
    HoldTask {
        /// The task.
        task: TaskId,
    },
    /// Resumes a paused task.
    UnholdTask {
        /// The task.
        task: TaskId,
    },
    /// Cancels a task, or asks its attempt to stop.
    CancelTask {
        /// The task.
        task: TaskId,
        /// Recorded for people.
        why: String,
    },
    /// Runs a failed, cancelled or skipped task again, with its attempts reset.
    Redrive {
        /// The task.
        task: TaskId,
    },
    /// Gives up a dead letter: its dependents are skipped.
    Drop {
        /// The dead letter.
        task: TaskId,
    },

    /// Registers an agent, or replaces the card of that name.
    PutAgent {
        /// Its operator's declaration.
        card: Card,
    },
    /// Drains or resumes an agent.
    SetStanding {
        /// The agent.
        agent: AgentId,
        /// Whether it takes new work from now on.
        standing: Standing,
    },
    /// Takes an agent out of the registry. Refused while it runs a task.
    RemoveAgent {
        /// The agent.
        agent: AgentId,
    },
    /// Records a new state of an agent's circuit breaker.
    MoveBreaker {
        /// The agent.
        agent: AgentId,
        /// The new state.
        breaker: Breaker,
        /// Recorded for people.
        why: String,
    },
    /// Installs a plugin, or replaces the one of that name.
    PutPlugin(Box<PluginRow>),
    /// Uninstalls a plugin.
    RemovePlugin {
        /// The plugin's name.
        name: String,
    },
    /// Records a fact that changes no row.
    Note {
        /// The run that it concerns; none = the host.
        run: Option<RunId>,
        /// The task that it concerns; none = the run.
        task: Option<TaskId>,
        /// What happened.
        fact: Fact,
    },
}

impl Op {
    /// The one task that a host moves a step further with this operation. Until it is answered nothing else is asked about
    /// that task.
    #[must_use]
    pub fn step(&self) -> Option<TaskId> {
        match self {
            Self::Defer { task, .. }
            | Self::Reject { task, .. }
            | Self::Claim { task, .. }
            | Self::Finish { task, .. }
            | Self::LoseLease { task, .. }
            | Self::Ask { task, answer: None, .. }
            | Self::Delegate { task }
            | Self::Spawn { task, .. }
            | Self::Due { task }
            | Self::Wake { task } => Some(*task),
            Self::StartHost { .. }
            | Self::RenewHost { .. }
            | Self::StopHost { .. }
            | Self::Submit(_)
            | Self::Extend { .. }
            | Self::Amend { .. }
            | Self::HoldRun { .. }
            | Self::UnholdRun { .. }
            | Self::CancelRun { .. }
            | Self::Settle { .. }
            | Self::UseRouter { .. }
            | Self::StartTrial { .. }
            | Self::MoveTrial { .. }
            | Self::EndTrial { .. }
            | Self::Promote { .. }
            | Self::Assign(_)
            | Self::Consolidate(_)
            | Self::ForgetNote { .. }
            | Self::Shadow { .. }
            | Self::Teach { .. }
            | Self::Renew { .. }
            | Self::Ask { answer: Some(_), .. }
            | Self::Answer { .. }
            | Self::Feedback { .. }
            | Self::Remember { .. }
            | Self::Charge { .. }
            | Self::HoldTask { .. }
            | Self::UnholdTask { .. }
            | Self::CancelTask { .. }
            | Self::Redrive { .. }
            | Self::Drop { .. }
            | Self::PutAgent { .. }
            | Self::SetStanding { .. }
            | Self::RemoveAgent { .. }
            | Self::MoveBreaker { .. }
            | Self::PutPlugin(_)
            | Self::RemovePlugin { .. }
            | Self::Note { .. } => None,
        }
    }
}
