//! Carries work out beside the loop of a host: plugins on blocking threads, attempts as tasks of their own.

mod attempt;

use std::sync::{Arc, Mutex, PoisonError};

use baton_core::agent::Card;
use baton_core::clock::Stopwatch;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::AgentId;
use baton_core::op::{End, Op, RouterChoice};
use baton_core::task::Task;
use baton_core::task::policy::Effects;
use baton_plugin::PluginError;
use baton_plugin::executor::AdvanceRequest;
use baton_plugin::library::Library;
use baton_plugin::router::{Routed, Snapshot};
use baton_store::Reader;
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::attempt::HostContext;
use crate::decide::Batch;
use crate::effect::{Advance, Done, Judge, Lesson, ShadowQuestion, Work};
use crate::judge::{Case, judge};
use crate::land::{self, Accepted, Callbacks};
use crate::learning::{Learned, consolidation, lesson};
use crate::workspace::queue::Entry;
use crate::workspace::{Claim, Key, Workspaces};
use crate::{compose, probe};

/// Attempts whose trees are of no more use, with what keeps the host from ending before they are gone.
pub type Sweep = (Vec<Key>, mpsc::Sender<()>);

/// Who carries work out. Each piece ends with one message, whatever becomes of it.
pub struct Workers {
    pub library: Arc<Library>,
    pub host: HostContext,
    pub done: Report,
    /// For lessons and for consolidation, which read the store beside the loop.
    pub lesson_reader: Arc<Mutex<Reader>>,
    pub consolidation_reader: Arc<Mutex<Reader>>,
    /// Accepted trees, to the merge queue.
    pub landing: UnboundedSender<Entry>,
    /// Trees that are no longer needed, for the task that removes them.
    pub sweeps: UnboundedSender<Sweep>,
    /// Held by what the host waits for before it ends.
    pub under_way: mpsc::Sender<()>,
}

/// Sends the loop the result of a piece of work.
pub type Report = Arc<dyn Fn(Done) + Send + Sync>;

impl Workers {
    pub fn start(&self, work: Work) {
        match work {
            Work::Route { batch, router } => self.route(batch, router),
            Work::Shadow(question) => self.shadow(question),
            Work::Teach(lesson) => self.teach(*lesson),
            Work::Consolidate => self.consolidate(),
            Work::Attempt(order) => attempt::start(self, *order),
            Work::Probe { agent, card } => self.probe(agent, card),
            Work::Advance(advance) => self.advance(*advance),
            Work::Judge(judge) => self.judge(*judge),
            Work::Sweep(over) => {
                let _ = self.sweeps.send((over, self.under_way.clone()));
            }
        }
    }

    fn blocking(&self, work: impl FnOnce(&Library) -> Done + Send + 'static) {
        let (library, done) = (Arc::clone(&self.library), Arc::clone(&self.done));
        tokio::task::spawn_blocking(move || done(work(&library)));
    }

    fn route(&self, batch: Box<Batch>, router: RouterChoice) {
        self.blocking(|library| {
            let routed = route(library, &router, &batch.snapshot);
            Done::Routed { batch, router, routed }
        });
    }

    fn shadow(&self, question: Box<ShadowQuestion>) {
        self.blocking(|library| {
            let routed = route(library, &question.router, &question.snapshot);
            Done::Shadowed { question, routed }
        });
    }

    fn teach(&self, lesson: Lesson) {
        let rows = Arc::clone(&self.lesson_reader);
        self.blocking(move |library| {
            let (watch, run, aside) = (Stopwatch::start(), lesson.run, lesson.aside);
            let router = lesson.router.clone();
            let taught = unbroken(&router.name, || teach(library, &rows, lesson));
            Done::Taught { run, router, aside, taught, took: watch.elapsed() }
        });
    }

    fn consolidate(&self) {
        let rows = Arc::clone(&self.consolidation_reader);
        self.blocking(move |_| {
            let watch = Stopwatch::start();
            let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            let step = consolidation::next(&rows);
            Done::Consolidated { step, took: watch.elapsed() }
        });
    }

    fn probe(&self, agent: AgentId, card: Box<Card>) {
        let (library, host, done) = (Arc::clone(&self.library), self.host.clone(), Arc::clone(&self.done));
        tokio::spawn(async move {
            let asked = async {
                let adapter = attempt::adapter(&library, &card.adapter).await?;
                probe::probe(&host, &adapter, &card, probe::TIMEOUT).await
            };
            let said = asked.await;
            done(Done::Probed { agent, said });
        });
    }

    fn advance(&self, advance: Advance) {
        let in_trees = self.host.workspaces.is_some();
        self.blocking(move |library| Done::Answered { ops: vec![advance_one(library, &advance, in_trees)] });
    }

    fn judge(&self, work: Judge) {
        let Judge { task, spec, outcome, evidence, now, landing } = work;
        let case = Case { task, spec, outcome, evidence, now };
        let landing = landing.zip(self.host.workspaces.clone());
        let (lease, queue) = (self.host.lease.clone(), self.landing.clone());
        let (library, done) = (Arc::clone(&self.library), Arc::clone(&self.done));
        tokio::task::spawn_blocking(move || {
            let judged = unbroken("a validator", || Ok(judge(&library, &case)));
            let op = judged.unwrap_or_else(|why| failed(&case.task, why.to_string()));
            let Some(((claim, right), workspaces)) = landing else {
                return done(Done::Answered { ops: vec![op] });
            };
            let (task, epoch, said) = (case.task.id, case.task.epoch, Arc::clone(&done));
            let callbacks = Callbacks {
                alive: Box::new(move || !right.is_cancelled() && !lease.is_lost()),
                stalled: Box::new(move |why| said(Done::Stalled { task, epoch, why })),
                tell: Box::new(move |ops| done(Done::Answered { ops })),
            };
            dispose(&queue, &workspaces, &case, claim, op, callbacks);
        });
    }
}

fn failed(task: &Task, why: String) -> Op {
    let end = End::Failed { fault: Fault::new(ErrorClass::Other, why), checks: Vec::new() };
    Op::Finish { task: task.id, epoch: task.epoch, end }
}

fn route(library: &Library, router: &RouterChoice, snapshot: &Snapshot) -> Result<Routed, PluginError> {
    unbroken(&router.name, || library.router_at(&router.name, &router.digest)?.route(snapshot))
}

fn teach(library: &Library, rows: &Mutex<Reader>, lesson: Lesson) -> Result<Learned, PluginError> {
    let Lesson { run, router: choice, config, cursor, aside: _ } = lesson;
    let router = library.router_at(&choice.name, &choice.digest)?;
    if !router.learns() {
        return Ok(Learned::never(cursor));
    }
    let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    lesson::teach(&rows, &router, &choice, run, config, cursor)
}

fn advance_one(library: &Library, advance: &Advance, in_trees: bool) -> Op {
    let Advance { prepared, executor, validated, children, rounds, seed, now } = advance;
    let config = library.settings(executor).config;
    let question = AdvanceRequest {
        task: &prepared.task,
        spec: &prepared.spec,
        feedback: prepared.feedback.clone(),
        children,
        now: *now,
        seed: *seed,
        config: &config,
        rounds: *rounds,
    };
    let must_change = prepared.spec.effects == Effects::Workspace && !prepared.spec.allow_no_change;
    let mut step = unbroken(executor, || library.executor(executor)?.advance(&question));
    let landed = compose::adopt(&mut step, children);
    if in_trees && !compose::note_changes(&mut step, children) && must_change {
        compose::idle(&prepared.task)
    } else {
        compose::act(&prepared.task, *validated || landed, step)
    }
}

/// What becomes of a judged claim with a tree: accepted ones land, refused ones lose their tree, and those of which one
/// will be chosen keep it.
fn dispose(
    landing: &UnboundedSender<Entry>,
    workspaces: &Workspaces,
    case: &Case,
    claim: Claim,
    op: Op,
    callbacks: Callbacks,
) {
    match op {
        Op::Finish { task, epoch, end: End::Accepted { outcome, checks } } if !case.spec.deferred_merge => {
            let accepted = Accepted { task, epoch, run: case.task.run, claim, outcome, checks };
            land::land(landing, workspaces, accepted, callbacks);
        }
        Op::Finish { end: End::Failed { .. }, .. } => {
            tokio::runtime::Handle::current().block_on(workspaces.discard(claim.key));
            (callbacks.tell)(vec![op]);
        }
        op => (callbacks.tell)(vec![op]),
    }
}

/// What is asked on a blocking thread must come to an answer, also if the host itself breaks while asking.
fn unbroken<T>(plugin: &str, ask: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).unwrap_or_else(|_| {
        Err(PluginError::Host { plugin: plugin.to_owned(), why: "the host broke while asking it".into() })
    })
}
