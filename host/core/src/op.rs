//! Everything that can be asked of the store: a plain, serialisable enum. One writer applies it, in batches.

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum Op {
    /// A host takes the store over: a new boot, before which no attempt can still be running. Refused while a host on
    /// another machine has its lease.
    StartHost {
        pid: u32,
        version: String,
        machine: String,
        lease_until: Time,
    },
    /// For [`crate::lease::TERM`] from when it is carried out. Refused once another host took over.
    RenewHost {
        boot: u32,
    },
    StopHost {
        boot: u32,
    },

    /// Opens a run, or finds the one that `key` opened before.
    Submit(Box<Submission>),
    /// Adds tasks to a run.
    Extend {
        run: RunId,
        workstreams: Vec<Workstream>,
    },
    /// Makes a run follow another version of its plan, as a whole or not at all.
    Amend {
        run: RunId,
        plan: Box<Plan>,
    },
    HoldRun {
        run: RunId,
    },
    UnholdRun {
        run: RunId,
    },
    CancelRun {
        run: RunId,
        why: String,
    },
    /// Nothing of the run can go on.
    Settle {
        run: RunId,
    },
    UseRouter {
        run: RunId,
        router: RouterChoice,
        why: RouterChange,
    },
    /// Tries a router against the one that each run has. Refused while another trial goes on.
    StartTrial {
        router: RouterChoice,
        terms: Box<TrialTerms>,
    },
    MoveTrial {
        trial: i64,
        stage: crate::trial::TrialPhase,
    },
    /// Ends a trial. A router that is promoted takes every run over that goes on, and is the one that runs have unless
    /// they name another.
    EndTrial {
        trial: i64,
        ending: TrialEnding,
        why: String,
    },
    /// Makes a router the one that runs have, without a trial, or brings the one before it back.
    Promote {
        router: Option<RouterChoice>,
        why: String,
    },
    /// A router's answer, and who starts on what by it.
    Assign(Box<Assign>),
    /// Adds attempts that are over to what the analyses read, and the notes that they teach.
    Consolidate(Box<Consolidation>),
    /// A note is to reach nobody any more, also if it is taught again.
    ForgetNote {
        note: i64,
    },
    /// What a router on trial would have decided in place of the one that was followed.
    Shadow {
        run: RunId,
        of: DecisionId,
        decision: Box<Decision>,
    },
    /// A router was told what became of attempts.
    Teach {
        run: RunId,
        lesson: Box<Lesson>,
    },
    /// For tasks that a router put off or turned down.
    Defer {
        task: TaskId,
        until: Time,
    },
    Reject {
        task: TaskId,
        fault: Fault,
    },

    Renew {
        leases: Vec<(TaskId, Epoch)>,
        until: Time,
    },
    /// An outcome that validators must accept first.
    Claim {
        task: TaskId,
        epoch: Epoch,
        outcome: Outcome,
    },
    Finish {
        task: TaskId,
        epoch: Epoch,
        end: End,
    },
    /// An attempt asks a person and is over. With an answer by policy it goes on.
    Ask {
        task: TaskId,
        epoch: Epoch,
        question: Box<Question>,
        until: Option<Time>,
        answer: Option<String>,
    },
    Answer {
        question: QuestionId,
        text: String,
        by: String,
    },
    /// A person's verdict on what a task came to, a check like any other.
    Feedback {
        task: TaskId,
        score: f64,
        note: String,
        by: String,
    },
    /// What an agent wants to keep between attempts, or to forget.
    Remember {
        task: TaskId,
        epoch: Epoch,
        agent: String,
        key: String,
        value: Option<String>,
    },
    /// What an attempt used and cost, in the transaction that ends it.
    Charge {
        task: TaskId,
        epoch: Epoch,
        bill: Box<Bill>,
    },
    LoseLease {
        task: TaskId,
        why: String,
    },

    Delegate {
        task: TaskId,
    },
    /// Adds children to a waiting (or, for a consultation, ready) task.
    Spawn {
        task: TaskId,
        epoch: Epoch,
        stage: WaitingOn,
        children: Vec<Workstream>,
        until: Until,
    },
    Due {
        task: TaskId,
    },
    Wake {
        task: TaskId,
    },

    HoldTask {
        task: TaskId,
    },
    UnholdTask {
        task: TaskId,
    },
    CancelTask {
        task: TaskId,
        why: String,
    },
    /// Failed, cancelled or skipped tasks run again with all their attempts.
    Redrive {
        task: TaskId,
    },
    /// Gives a dead letter up: what depends on it is skipped.
    Drop {
        task: TaskId,
    },

    PutAgent {
        card: Card,
    },
    SetStanding {
        agent: AgentId,
        standing: Standing,
    },
    RemoveAgent {
        agent: AgentId,
    },
    MoveBreaker {
        agent: AgentId,
        breaker: Breaker,
        why: String,
    },
    PutPlugin(Box<PluginRow>),
    RemovePlugin {
        name: String,
    },
    /// Something worth the record that changes no row.
    Note {
        run: Option<RunId>,
        task: Option<TaskId>,
        fact: Fact,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    pub plan: Plan,
    pub seed: Seed,
    pub router: RouterChoice,
    /// The same key and plan find the same run; the same key and another plan are refused.
    pub key: Option<String>,
}

/// A router by name, pinned to what it was when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouterChoice {
    pub name: String,
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouterChange {
    Asked,
    RolledBack { why: String },
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
    pub run: RunId,
    pub picks: Vec<Pick>,
    pub lease_until: Time,
    pub decision: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    pub task: TaskId,
    pub agent: AgentId,
    /// What is set aside for the attempt, where there is a cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Amount>,
}

/// On which terms a router is tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialTerms {
    pub stage: crate::trial::TrialPhase,
    /// The chance that the race is decided though both are equally good.
    pub alpha: f64,
    pub guards: GuardLimits,
    /// Attempts of the candidate in probation after which it is promoted, if no guard was breached.
    pub probation: u64,
}

/// What is kept of a decision: enough to explain it and to make it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub router: RouterChoice,
    /// The snapshot as the router saw it, as JSON; its state is apart.
    pub input: String,
    /// Its answer, as JSON; its state is apart.
    pub answer: String,
    /// The state that it was given.
    pub before: Vec<u8>,
    /// The one that it left for its next call.
    pub state: Vec<u8>,
    pub fuel: u64,
    /// The trial that was going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<i64>,
}

/// What is kept of a lesson: enough to give it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    pub router: RouterChoice,
    /// The experiences and the configuration, as JSON.
    pub input: String,
    pub before: Vec<u8>,
    /// What was learned.
    pub state: Vec<u8>,
    pub fuel: u64,
    /// All attempts up to this event are told now.
    pub upto: i64,
}

/// A step of consolidation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consolidation {
    /// Refused unless the last step ended here: two steps that began at the same place add nothing twice.
    pub from: i64,
    pub upto: i64,
    pub episodes: Vec<Episode>,
    pub notes: Vec<Note>,
}

/// How an attempt or a composite task ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum End {
    /// Accepted, by these checks; without validators there are none.
    Accepted {
        outcome: Option<Outcome>,
        checks: Vec<Check>,
    },
    /// Failed, or refused by these checks.
    Failed {
        fault: Fault,
        checks: Vec<Check>,
    },
    /// Given back, without blame.
    Released {
        why: String,
        begun: Begun,
    },
    /// Accepted by these checks, and in the way of what landed meanwhile.
    Conflicted {
        files: Vec<String>,
        checks: Vec<Check>,
    },
    Cancelled {
        why: String,
    },
}

/// What a spawning task waits for, before children are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    Any,
    All,
    AtLeast(u32),
    Time(Time),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRow {
    pub name: String,
    pub kind: Kind,
    pub digest: String,
    pub grants: Vec<String>,
}

/// What an applied operation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The tasks that it changed, as they are now.
    pub changed: Vec<Task>,
    /// What it changed beside tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Change>,
    /// The attempts that it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Observation>,
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
    AgentRemoved(AgentId),
    Plugins,
    Trial,
    Notes,
    /// A person rated what this agent did, which took these skills.
    Feedback {
        agent: AgentId,
        skills: Vec<String>,
        /// 0.0 to 1.0.
        score: f64,
    },
}

/// A run as a scheduler needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    pub run: RunId,
    pub seed: Seed,
    pub router: RouterChoice,
    /// The one that it had before, to come back to.
    pub router_before: Option<RouterChoice>,
    pub held: bool,
    pub settled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Done,
    Boot(u32),
    /// The host's lease, from now on.
    Lease(Time),
    Run {
        run: RunId,
        fresh: bool,
    },
    Amended(Diff),
    Agent(AgentId),
    /// Under this number it is in the store.
    Decided(DecisionId),
}

impl Reply {
    /// The run that was opened or found, and whether it is new.
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

/// Why an operation was refused. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    Fenced { own: u32, newest: u32 },
    /// Nothing was written: the store was closed, or had failed before. Open it again.
    #[error("the writer has stopped")]
    Closed,
}

/// Why a host gave no answer. Whether the operation was carried out is unknown until the store is read again.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostError {
    #[error("the host has stopped")]
    Stopped,
    #[error("the host gave no answer")]
    NoAnswer,
    /// Whoever serves the store's socket speaks otherwise than this version, or the socket failed.
    #[error("{0}")]
    Protocol(String),
    /// A fault of Baton's own.
    #[error("the scheduler broke: {0}")]
    Broke(String),
}
