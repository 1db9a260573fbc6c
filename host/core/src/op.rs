//! The writes that the store can apply: a plain, serialisable enum. A single writer applies them, in batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agent::breaker::Breaker;
use crate::agent::{Agent, Card, Standing};
use crate::budget::{Amount, Bill};
use crate::clock::Time;
use crate::episode::Episode;
use crate::event::{Fact, TrialEnding};
use crate::fault::{Begun, Fault};
use crate::id::{AgentId, DecisionId, Epoch, QuestionId, RunId, TaskId};
use crate::kind::Kind;
use crate::knowledge::Observation;
use crate::note::Note;
use crate::outcome::{Check, Outcome};
use crate::people::Question;
use crate::plan::diff::Diff;
use crate::plan::{Plan, Workstream};
use crate::seed::Seed;
use crate::task::transition::Refused;
use crate::task::{Task, WaitingOn};
use crate::trial::GuardLimits;

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

/// A plan to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// A checked plan.
    pub plan: Plan,
    /// All random choices of the run derive from it.
    pub seed: Seed,
    /// The router of the run.
    pub router: RouterChoice,
    /// Makes submission idempotent: the same key and plan return the same run; the same key with another plan is
    /// refused.
    pub key: Option<String>,
}

/// A router by name, pinned to the component that it was when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouterChoice {
    /// As installed or bundled.
    pub name: String,
    /// Digest of its component.
    pub digest: String,
}

/// Why a run got another router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouterChange {
    /// A person or a trial asked for it.
    Asked,
    /// The former router kept failing.
    RolledBack {
        /// Its last failure.
        why: String,
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

/// A router's accepted answer for one batch of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assign {
    /// The run of all picks.
    pub run: RunId,
    /// The attempts to start.
    pub picks: Vec<Pick>,
    /// Of every attempt that starts.
    pub lease_until: Time,
    /// None if the host decided by itself.
    pub decision: Option<Decision>,
}

/// One task assigned to one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// A ready task.
    pub task: TaskId,
    /// An agent with free capacity.
    pub agent: AgentId,
    /// What is reserved for the attempt; none = no cap applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Amount>,
}

/// The terms of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialTerms {
    /// The first phase.
    pub stage: crate::trial::TrialPhase,
    /// Significance level of the sequential test: the probability that it decides although both are equally good.
    pub alpha: f64,
    /// How much worse the candidate may do.
    pub guards: GuardLimits,
    /// Attempts in probation after which the candidate is promoted, if no guard was breached.
    pub probation: u64,
}

/// A decision as it is stored: enough to explain it and to replay it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The router that decided.
    pub router: RouterChoice,
    /// The snapshot that the router was passed, as JSON, without its state.
    pub input: String,
    /// Its answer, as JSON, without its state.
    pub answer: String,
    /// The state that it was passed.
    pub before: Vec<u8>,
    /// The state for its next call.
    pub state: Vec<u8>,
    /// Instructions that the call took, in wasmtime's unit.
    pub fuel: u64,
    /// The trial that it was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<i64>,
}

/// A lesson as it is stored: enough to replay it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// The router that learned.
    pub router: RouterChoice,
    /// The experiences and the configuration that it was passed, as JSON.
    pub input: String,
    /// The state that it was given.
    pub before: Vec<u8>,
    /// The state that it returned.
    pub state: Vec<u8>,
    /// Instructions that the call took, in wasmtime's unit.
    pub fuel: u64,
    /// Number of the last event whose attempt the router has been passed.
    pub upto: i64,
}

/// A step of consolidation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consolidation {
    /// Number of the event that the last step ended at; any other is refused, so that concurrent steps add nothing
    /// twice.
    pub from: i64,
    /// Number of the last event that was read.
    pub upto: i64,
    /// Attempts that ended since the last step.
    pub episodes: Vec<Episode>,
    /// All notes, recomputed on the last step; empty on the others.
    pub notes: Vec<Note>,
}

/// How an attempt or a composite task ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum End {
    /// The outcome was accepted.
    Accepted {
        /// None if it was claimed before.
        outcome: Option<Outcome>,
        /// Those that accepted it.
        checks: Vec<Check>,
    },
    /// The attempt failed, or validators refused its outcome.
    Failed {
        /// Classified for retries.
        fault: Fault,
        /// Those that refused it; empty if it was never validated.
        checks: Vec<Check>,
    },
    /// The attempt was given back, not charged.
    Released {
        /// Recorded for people.
        why: String,
        /// Whether anything may have happened outside.
        begun: Begun,
    },
    /// The outcome was accepted, but its changes conflict with changes that landed meanwhile.
    Conflicted {
        /// Paths that both changed.
        files: Vec<String>,
        /// Those that accepted it.
        checks: Vec<Check>,
    },
    /// Stopped because it was cancelled.
    Cancelled {
        /// Recorded for people.
        why: String,
    },
}

/// What a task that spawns children waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// One child has ended.
    Any,
    /// Every child has ended.
    All,
    /// This many children have ended.
    AtLeast(u32),
    /// This moment has come, or every child has ended.
    Time(Time),
}

/// An installed plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRow {
    /// Unique.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Digest of its component.
    pub digest: String,
    /// Granted capabilities, as in the manifest.
    pub grants: Vec<String>,
}

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

/// Why an operation was refused. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant's message says when it occurs")]
pub enum Rejection {
    #[error("there is no {0}")]
    NotFound(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("run {run} was opened from another version of this plan:\n{diff}")]
    PlanChanged { run: RunId, diff: Diff },
    #[error("{0}")]
    Invalid(String),
    #[error(
        "a host on another machine ({machine}, process {pid}) has this store until {until}: try again then"
    )]
    HeldElsewhere { machine: String, pid: u32, until: Time },
    /// The store could not carry it out.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The host did not take it, or gave no answer that could be read.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Why the store did not carry an operation out, by what the caller does next. Causes are text, because this goes from
/// thread to thread and from process to process.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreError {
    /// Nothing was written: try again.
    #[error("{0}")]
    Busy(String),
    /// What is stored is not what was written: `baton db check` says where, and a backup is the way back.
    #[error("{0}")]
    Corrupt(String),
    /// The disk, the memory or a file's permissions: mend that and start the host again. Whether the operation was
    /// carried out is unknown until the store is read again.
    #[error("{0}")]
    Failed(String),
    /// Nothing was written: this host may do nothing more.
    #[error("another host (boot {newest}) took the store over from this one (boot {own})")]
    Fenced {
        /// The boot of this host.
        own: u32,
        /// The boot of the one that has the store.
        newest: u32,
    },
    /// Nothing was written: the store was closed, or had failed before. Open it again.
    #[error("the writer has stopped")]
    Closed,
}

/// Why a host gave no answer. Whether the operation was carried out is unknown until the store is read again.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostError {
    /// It has stopped.
    #[error("the host has stopped")]
    Stopped,
    /// It took the operation and said nothing.
    #[error("the host gave no answer")]
    NoAnswer,
    /// Whoever serves the store's socket speaks otherwise than this version, or the socket failed.
    #[error("{0}")]
    Protocol(String),
    /// A fault of Baton's own.
    #[error("the scheduler broke: {0}")]
    Broke(String),
}
