//! What owners want done. They decide and change their own state; whoever drives the scheduler carries this out: the
//! loop of a host, or the simulator.

use std::sync::Arc;

use baton_core::agent::Card;
use baton_core::clock::Time;
use baton_core::id::{AgentId, DecisionId, Epoch, RunId, TaskId};
use baton_core::op::{Op, RouterChoice};
use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::seed::Seed;
use baton_core::task::Task;
use baton_core::task::child::Child;
use baton_core::usage::Usage;
use baton_plugin::PluginError;
use baton_plugin::agent::ProbeResult;
use baton_plugin::capability::{Cancellation, UsageMeter};
use baton_plugin::router::{Attr, Routed, Snapshot};
use baton_store::Reading;
use baton_store::read::routing::RouterCursor;

use crate::attempt;
use crate::decide::{Batch, Prepared};
use crate::land::WorkDir;
use crate::learning::Learned;
use crate::workspace::{Claim, Key};

/// One thing that an owner wants done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are operations")]
pub enum Effect {
    /// To the store, together with what else is asked for in the same turn, in this order.
    Apply(Op),
    /// Beside the scheduler. Its result is sent back as [`Done`].
    Start(Work),
}

impl From<Op> for Effect {
    fn from(op: Op) -> Self {
        Self::Apply(op)
    }
}

impl From<Work> for Effect {
    fn from(work: Work) -> Self {
        Self::Start(work)
    }
}

/// What is done beside the scheduler. It holds all that it needs.
#[derive(Debug)]
pub enum Work {
    /// Ask a router about a batch.
    Route {
        batch: Box<Batch>,
        router: RouterChoice,
    },
    /// Ask the router on trial what it would have decided.
    Shadow(Box<ShadowQuestion>),
    Teach(Box<Lesson>),
    /// The next step from the record to what the analyses read.
    Consolidate,
    Attempt(Box<Order>),
    /// Ask an agent whether it is there.
    Probe {
        agent: AgentId,
        card: Box<Card>,
    },
    /// Ask an executor how its task goes on.
    Advance(Box<Advance>),
    /// Ask the validators of a claimed outcome, and bring what they accept onto the target.
    Judge(Box<Judge>),
    /// Take trees away that are of no more use.
    Sweep(Vec<Key>),
}

/// A decision that the router on trial is asked about after it was followed.
#[derive(Debug)]
pub struct ShadowQuestion {
    pub run: RunId,
    pub of: DecisionId,
    pub router: RouterChoice,
    /// The trial during which the decision was asked for.
    pub trial: i64,
    pub snapshot: Snapshot,
}

/// What a router is to be told next of attempts that are over.
#[derive(Debug)]
pub struct Lesson {
    pub run: RunId,
    pub router: RouterChoice,
    /// It decides in the shadow of others, so no decision waits for its lesson.
    pub aside: bool,
    pub config: Vec<Attr>,
    pub cursor: RouterCursor,
}

/// An attempt to be made.
#[derive(Debug)]
pub struct Order {
    pub prepared: Prepared,
    pub agent: AgentId,
    pub card: Arc<Card>,
    pub cancellation: Arc<Cancellation>,
    pub meter: Arc<UsageMeter>,
    pub seed: Seed,
    pub started: Time,
    pub work_dir: WorkDir,
}

/// A question to an executor.
#[derive(Debug)]
pub struct Advance {
    pub prepared: Prepared,
    pub executor: String,
    /// Whether validators must accept what it finishes with.
    pub validated: bool,
    pub children: Vec<Child>,
    /// How often it was asked before about this attempt.
    pub rounds: u32,
    pub seed: Seed,
    pub now: Time,
}

/// A claimed outcome to be judged.
#[derive(Debug)]
pub struct Judge {
    pub task: Task,
    pub spec: Workstream,
    pub outcome: Outcome,
    pub evidence: Vec<Child>,
    pub now: Time,
    /// The tree that lands once it is accepted, with the right to.
    pub landing: Option<(Claim, Arc<Cancellation>)>,
}

/// The result of a piece of work.
#[derive(Debug)]
pub enum Done {
    Routed {
        batch: Box<Batch>,
        router: RouterChoice,
        routed: Result<Routed, PluginError>,
    },
    Shadowed {
        question: Box<ShadowQuestion>,
        routed: Result<Routed, PluginError>,
    },
    Taught {
        run: RunId,
        router: RouterChoice,
        aside: bool,
        taught: Result<Learned, PluginError>,
        took: std::time::Duration,
    },
    Consolidated {
        step: Reading<Option<(Op, bool)>>,
        took: std::time::Duration,
    },
    Ended {
        ended: Ended,
        result: attempt::Result,
    },
    Probed {
        agent: AgentId,
        said: Result<ProbeResult, PluginError>,
    },
    /// What an executor, the validators or the merge queue answered.
    Answered {
        ops: Vec<Op>,
    },
    /// The merge queue could not land a claim, and will try again.
    Stalled {
        task: TaskId,
        epoch: Epoch,
        why: String,
    },
    /// A plugin called what it may not.
    Denied {
        task: TaskId,
        plugin: String,
        call: String,
        why: String,
    },
}

/// An attempt that ended.
#[derive(Debug)]
pub struct Ended {
    pub task: TaskId,
    pub epoch: Epoch,
    pub agent: AgentId,
    pub started: Time,
    /// The usage that it reported while it ran.
    pub used: Usage,
    /// Whether it started a program or sent a request.
    pub reached: bool,
}
