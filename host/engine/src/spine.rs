//! The loop that owns what happens: messages in, operations to the store, work to plugins.

mod awaited;
mod bounds;
mod committed;
mod conduct;
mod consolidate;
mod contest;
mod health;
mod host;
mod learn;
mod live;
pub(crate) mod purse;
mod recover;
mod route;
mod shadow;
mod start;
mod teach;
mod timers;
mod turns;
mod waiting;

pub use host::{Host, Options};
pub use live::Live;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use awaited::Awaited;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::Begun;
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::op::{End, Op, Rejection, RouterChoice};
use baton_core::outcome::Usage;
use baton_core::people::Policy;
use baton_core::seed::Seed;
use baton_core::task::Task;
use baton_plugin::PluginError;
use baton_plugin::agent::ProbeResult;
use baton_plugin::capability::attempt_event::AttemptEvent;
use baton_plugin::capability::{CancelReason, Cancellation, UsageMeter};
use baton_plugin::library::Library;
use baton_plugin::router::Routed;
use baton_store::writer::{Answers, Writer};
use baton_store::{Reader, read};
use conduct::{AskedFor, Conduct, Conducts};
use consolidate::Consolidating;
use contest::Contest;
use purse::Purse;
use serde::{Deserialize, Serialize};
use shadow::Shadowed;
use tokio::sync::{mpsc, oneshot, watch};

use super::attempt::{self, HostContext};
use super::board::Board;
use super::crowd::Crowd;
use super::decide::{Batch, Prepared};
use super::places::Places;
use super::pool::Pool;
use super::school::Taught;
use super::waits::{self, Wait};
use super::why::Known;
use crate::workspace::Key;
use crate::workspace::queue::Entry;

/// A lease lasts so long, and is renewed when half of it is gone.
const LEASE: Duration = Duration::from_secs(60);
/// How often the spine looks around without having been told anything.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Everything that the spine is told.
enum Message {
    Apply {
        ops: Vec<Op>,
        reply: oneshot::Sender<Answers>,
    },
    Committed {
        answers: Answers,
        awaited: Awaited,
        reply: Option<oneshot::Sender<Answers>>,
    },
    Routed {
        batch: Box<Batch>,
        router: RouterChoice,
        routed: Result<Routed, PluginError>,
    },
    Shadowed {
        run: RunId,
        shadowed: Shadowed,
    },
    Taught {
        run: RunId,
        router: RouterChoice,
        /// Beside the work, not between two decisions.
        aside: bool,
        took: Duration,
        taught: Result<Taught, PluginError>,
    },
    Consolidated {
        step: Result<Option<(Op, bool)>, String>,
        took: Duration,
    },
    Ended {
        ended: Ended,
        result: attempt::Result,
    },
    Probed {
        agent: AgentId,
        said: Result<ProbeResult, PluginError>,
    },
    /// What a strategy or the merge queue answered, as operations.
    Said {
        ops: Vec<Op>,
    },
    /// The merge queue could not land a claim, and will try again.
    Stalled {
        task: TaskId,
        epoch: Epoch,
        why: String,
    },
    Phase {
        run: RunId,
        reply: oneshot::Sender<Phase>,
    },
    Waits {
        run: RunId,
        reply: oneshot::Sender<Vec<Wait>>,
    },
    Known {
        task: TaskId,
        reply: oneshot::Sender<Known>,
    },
    Drain,
    Stop,
}

/// An attempt that came to its end.
struct Ended {
    task: TaskId,
    epoch: Epoch,
    agent: AgentId,
    started: Time,
    /// What it said that it used up while it ran.
    used: Usage,
    /// Whether it started a program or sent a request.
    reached: bool,
}

/// Attempts whose trees are of no more use, with what keeps the host from ending before they are gone.
type Sweep = (Vec<Key>, mpsc::Sender<()>);

/// Where a run stands, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Active,
    /// A person must lift a hold.
    Paused,
    /// A cap of the budget leaves nothing to start anything with.
    Spent,
    /// Nobody can do what is left.
    Stuck,
    Settled,
}

/// An accepted tree on its way to the target.
struct Landing {
    epoch: Epoch,
    /// Its right to land.
    cancellation: Arc<Cancellation>,
    /// Why it does not land yet, if not because others are before it.
    stalled: Option<String>,
}

/// An attempt that runs in this process.
struct Running {
    epoch: Epoch,
    cancellation: Arc<Cancellation>,
    lease_until: Time,
    started: Time,
    meter: Arc<UsageMeter>,
}

struct Spine {
    writer: Writer,
    reader: Reader,
    library: Arc<Library>,
    around: HostContext,
    board: Board,
    purse: Purse,
    crowd: Crowd,
    places: Places,
    people: Arc<Policy>,
    /// Accepted trees, to the merge queue.
    landing: mpsc::UnboundedSender<Entry>,
    /// Trees that are of no more use, to whoever takes them away.
    sweeps: mpsc::UnboundedSender<Sweep>,
    /// Held by what the host waits for before it ends.
    under_way: mpsc::Sender<()>,
    /// Those that are on their way.
    landings: HashMap<TaskId, Landing>,
    pool: Pool,
    conducts: Conducts,
    /// Of the runs that the last host left.
    asked_for: HashMap<RunId, AskedFor>,
    /// How often executors were asked about their tasks' attempts, since this host started.
    rounds: HashMap<TaskId, (Epoch, u32)>,
    /// The router that is tried against the one that each run has.
    contest: Option<Contest>,
    /// What later tasks of a kind are told.
    notes: HashMap<String, String>,
    consolidation: Consolidating,
    /// The newest event that ended an attempt.
    observed: i64,
    /// For lessons and for consolidation, which are read on other threads.
    archive: Arc<Mutex<Reader>>,
    attic: Arc<Mutex<Reader>>,
    attempts: HashMap<TaskId, Running>,
    /// What the router was told of tasks that were just assigned, so that it is not read twice.
    staged: HashMap<TaskId, Prepared>,
    /// Tasks for which a router wanted something run first.
    consulted: HashSet<TaskId>,
    inbox: mpsc::UnboundedReceiver<Message>,
    outbox: mpsc::UnboundedSender<Message>,
    commits: watch::Sender<u64>,
    attempt_events: mpsc::UnboundedReceiver<AttemptEvent>,
    shown: tokio::sync::broadcast::Sender<AttemptEvent>,
    /// Operations that go to the store together at the end of a turn of the loop.
    pending: Vec<Op>,
    /// Ended tasks by the commit that ended them are not asked twice to settle.
    settling: BTreeSet<RunId>,
    boot: u32,
    draining: bool,
    in_store: usize,
}

impl Spine {
    async fn run(mut self) -> Result<(), Rejection> {
        let mut beat = tokio::time::interval(HEARTBEAT);
        let mut messages = Vec::new();
        loop {
            self.turn();
            if self.draining && self.is_quiet() {
                return Ok(());
            }
            let pause = self.next_timer();
            tokio::select! {
                count = self.inbox.recv_many(&mut messages, 1024) => if count == 0 { return Ok(()) },
                Some(sign) = self.attempt_events.recv() => self.heard(sign),
                _ = beat.tick() => {
                    self.renew();
                }
                () = pause => {}
            }
            for message in messages.drain(..) {
                match message {
                    Message::Stop => return self.give_back().await,
                    message => self.told(message)?,
                }
            }
        }
    }

    fn is_quiet(&self) -> bool {
        let shadows = || self.conducts.values().all(|conduct| conduct.shadow.is_done());
        self.attempts.is_empty() && self.in_store == 0 && shadows()
    }

    /// Does all that can be done now, then sends what it came to.
    fn turn(&mut self) {
        self.due();
        if !self.draining {
            self.probe_agents();
            self.take_turns();
            self.teach(|conduct| conduct.decisions == 0);
            self.dispatch();
            self.teach(|conduct| conduct.decisions > 0);
        }
        self.ask_shadows();
        self.consolidate();
        self.settle();
        if !self.pending.is_empty() {
            let ops = std::mem::take(&mut self.pending);
            self.send(ops, None);
        }
    }

    fn send(&mut self, ops: Vec<Op>, reply: Option<oneshot::Sender<Answers>>) {
        let outbox = self.outbox.clone();
        let awaited = Awaited::of(&ops);
        self.in_store += 1;
        self.writer.send(ops, move |answers| {
            let _ = outbox.send(Message::Committed { answers, awaited, reply });
        });
    }

    fn told(&mut self, message: Message) -> Result<(), Rejection> {
        match message {
            Message::Apply { ops, reply } => self.send(ops, Some(reply)),
            Message::Committed { answers, awaited, reply } => self.committed(answers, awaited, reply)?,
            Message::Routed { batch, router, routed } => self.routed(*batch, router, routed),
            Message::Shadowed { run, shadowed } => self.shadowed(run, shadowed),
            Message::Taught { run, router, aside, took, taught } => {
                self.taught(run, &router, aside, took, taught);
            }
            Message::Consolidated { step, took } => self.consolidated(step, took),
            Message::Ended { ended, result } => self.ended(ended, result),
            Message::Probed { agent, said } => self.probed(agent, said),
            Message::Said { ops } => {
                for op in ops {
                    let op = self.bounded(op);
                    self.pending.push(op);
                }
            }
            Message::Stalled { task, epoch, why } => self.stalled(task, epoch, why),
            Message::Phase { run, reply } => {
                let _ = reply.send(self.phase(run));
            }
            Message::Waits { run, reply } => {
                let _ = reply.send(self.waits(run));
            }
            Message::Known { task, reply } => {
                let _ = reply.send(self.known(task));
            }
            Message::Drain => self.drain(),
            Message::Stop => {}
        }
        Ok(())
    }

    fn phase(&self, run: RunId) -> Phase {
        if self.conducts.get(&run).is_none_or(|conduct| conduct.settled) {
            Phase::Settled
        } else if self.board.is_paused(run) {
            Phase::Paused
        } else if self.is_spent(run) {
            Phase::Spent
        } else if waits::is_stuck(&self.board, &self.pool, run, |task| self.is_stalled(task)) {
            Phase::Stuck
        } else {
            Phase::Active
        }
    }

    fn seed(&self, run: RunId) -> Seed {
        self.conducts.get(&run).map_or(Seed(0), |conduct| conduct.seed)
    }

    fn prepare(&self, task: Task) -> Result<Prepared, Rejection> {
        let spec = read::spec(&self.reader, task.id).map_err(unreadable)?;
        let tried = task.epoch != Epoch::default();
        let feedback =
            if tried { read::live::feedback(&self.reader, task.id).map_err(unreadable)? } else { Vec::new() };
        let consulted = if self.consulted.contains(&task.id) {
            read::live::consulted(&self.reader, task.id, task.epoch).map_err(unreadable)?
        } else {
            (0, None)
        };
        let avoid = match &spec.apart {
            Some(group) => {
                let given = read::live::given_apart(&self.reader, &task, group).map_err(unreadable)?;
                given.into_iter().filter_map(|(id, agent)| self.board.agent_of(id).or(agent)).collect()
            }
            None => Vec::new(),
        };
        Ok(Prepared { task, spec, feedback, consulted, avoid, inputs: Vec::new() })
    }

    fn heard(&mut self, sign: AttemptEvent) {
        if let AttemptEvent::Denied { task, plugin, call, why } = &sign {
            let run = self.board.task(*task).map(|task| task.run);
            let fact =
                Fact::CallDenied { plugin: plugin.clone(), call: (*call).to_owned(), why: why.clone() };
            self.pending.push(Op::Note { run, task: Some(*task), fact });
        }
        let _ = self.shown.send(sign);
    }

    fn settle(&mut self) {
        let quiet = |(id, conduct): &(&RunId, &Conduct)| {
            !conduct.settled
                && conduct.asked == 0
                && !self.board.is_active(**id)
                && !self.settling.contains(id)
        };
        let quiet: Vec<RunId> = self.conducts.iter().filter(quiet).map(|(id, _)| *id).collect();
        for run in quiet {
            self.settling.insert(run);
            self.pending.push(Op::Settle { run });
        }
    }

    /// Starts nothing more; what runs may finish.
    fn drain(&mut self) {
        self.draining = true;
    }

    /// Stops what runs and gives it back, without charging anyone.
    async fn give_back(&mut self) -> Result<(), Rejection> {
        let mut ops = std::mem::take(&mut self.pending);
        ops.extend(self.charge_running());
        for (id, running) in &self.attempts {
            running.cancellation.cancel(CancelReason::LeaseLost);
            let end = End::Released { why: "the host was stopped".into(), begun: Begun::Yes };
            ops.push(Op::Finish { task: *id, epoch: running.epoch, end });
        }
        let (tell, told) = oneshot::channel();
        self.writer.send(ops, move |answers| {
            let _ = tell.send(answers);
        });
        let _ = told.await;
        Ok(())
    }
}

/// What is asked on a blocking thread must come to an answer, also if the host itself breaks while asking.
fn unbroken<T>(plugin: &str, ask: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        Err(PluginError::Host { plugin: plugin.to_owned(), why: "the host broke while asking it".into() })
    })
}

fn unreadable(why: impl std::fmt::Display) -> Rejection {
    Rejection::Store(why.to_string())
}
