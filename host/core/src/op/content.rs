//! What operations carry: submissions, assignments, decisions, lessons, endings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::Amount;
use crate::clock::Time;
use crate::episode::Episode;
use crate::fault::{Begun, Fault};
use crate::id::{AgentId, RunId, TaskId};
use crate::kind::Kind;
use crate::note::Note;
use crate::outcome::{Check, Outcome};
use crate::plan::Plan;
use crate::seed::Seed;
use crate::trial::GuardLimits;

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
