//! A run without its work: the real store, board and router on a clock of our own, with agents that take as long as
//! they are told to. What `--dry-run` shows, and what tests run by the thousand.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::board::Board;
use super::decide::{self, Asking, Place, Prepared, Room};
use super::pool::Pool;
use crate::agent::Card;
use crate::agent::breaker::Policy;
use crate::clock::{Clock, Time};
use crate::id::{RunId, TaskId};
use crate::op::{End, Op, Reply, RouterChoice, Submission};
use crate::plan::{Plan, Workstream};
use crate::plugin::router::{Answer, BATCH, Choice, Snapshot};
use crate::seed::Seed;
use crate::store::{Store, read};
use crate::task::{State, Task};

/// Who would have done what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub task: String,
    pub agent: String,
    pub start: Duration,
    pub end: Duration,
    pub reason: String,
}

/// What a rehearsal is made with.
pub struct Scene<'a> {
    pub plan: &'a Plan,
    pub agents: &'a [Card],
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
    pub router: &'a mut dyn FnMut(&Snapshot) -> Answer,
    /// How long a task takes.
    pub takes: &'a mut dyn FnMut(&Workstream) -> Duration,
}

/// The timeline, and the workstreams that nobody could do.
pub type Rehearsed = (Vec<Slot>, Vec<String>);

struct Stage {
    store: Store,
    clock: Clock,
    board: Board,
    pool: Pool,
    run: RunId,
    state: Vec<u8>,
    ends: BTreeMap<(Time, TaskId), ()>,
    open: HashMap<TaskId, Slot>,
    reasons: HashMap<TaskId, String>,
}

const START: Time = Time(0);
const LEASE: Duration = Duration::from_secs(1 << 40);

/// Plays a plan through to the point where nothing more can start. Composite tasks count as one piece of work.
///
/// # Errors
/// The store that is made for it failed.
pub fn rehearse(scene: Scene<'_>) -> Result<Rehearsed, String> {
    let mut plan = scene.plan.clone();
    for workstream in &mut plan.workstreams {
        workstream.executor = None;
        workstream.validators.clear();
    }
    let mut stage = Stage::set(plan, &scene)?;
    let mut slots = Vec::new();
    loop {
        stage.dispatch(&mut *scene.router, &mut *scene.takes, scene.seed, scene.config)?;
        let Some(((at, task), ())) = stage.ends.pop_first() else { break };
        stage.clock.advance_to(at);
        slots.extend(stage.open.remove(&task));
        let epoch = stage.board.task(task).map(|task| task.epoch).unwrap_or_default();
        stage.apply(vec![Op::Finish {
            task,
            epoch,
            end: End::Accepted { outcome: None, checks: Vec::new() },
        }])?;
    }
    let mut left = Vec::new();
    for task in stage.board.tasks() {
        left.push(read::name(stage.store.connection(), task.id).map_err(|why| why.to_string())?);
    }
    left.sort();
    slots.sort_by(|one, other| (one.start, &one.task).cmp(&(other.start, &other.task)));
    Ok((slots, left))
}

impl Stage {
    fn set(plan: Plan, scene: &Scene<'_>) -> Result<Self, String> {
        let clock = Clock::manual(START);
        let store = Store::in_memory(clock.clone()).map_err(|why| why.to_string())?;
        let mut stage = Self {
            store,
            clock,
            board: Board::default(),
            pool: Pool { workers: Vec::new(), policy: Policy::default() },
            run: RunId(1),
            state: Vec::new(),
            ends: BTreeMap::new(),
            open: HashMap::new(),
            reasons: HashMap::new(),
        };
        stage.apply(scene.agents.iter().map(|card| Op::PutAgent { card: card.clone() }).collect())?;
        let router = RouterChoice { name: "rehearsal".into(), digest: "rehearsal".into() };
        stage.apply(vec![Op::Submit(Box::new(Submission { plan, seed: scene.seed, router, key: None }))])?;
        let agents = read::live::agents(stage.store.connection()).map_err(|why| why.to_string())?;
        stage.pool.refresh(agents);
        Ok(stage)
    }

    fn apply(&mut self, ops: Vec<Op>) -> Result<(), String> {
        for answer in self.store.apply(ops) {
            let applied = answer.map_err(|why| why.to_string())?;
            if let Reply::Run { run, .. } = applied.reply {
                self.run = run;
            }
            for task in applied.changed {
                self.changed(task)?;
            }
        }
        Ok(())
    }

    fn changed(&mut self, task: Task) -> Result<(), String> {
        if !self.board.knows_terms(task.terms) {
            let terms =
                read::live::terms(self.store.connection(), task.terms).map_err(|why| why.to_string())?;
            self.board.put_terms(task.terms, terms);
        }
        self.board.put(task);
        Ok(())
    }

    /// Starts all that can start now.
    fn dispatch(
        &mut self,
        router: &mut dyn FnMut(&Snapshot) -> Answer,
        takes: &mut dyn FnMut(&Workstream) -> Duration,
        seed: Seed,
        config: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let now = self.clock.now();
        loop {
            for worker in &mut self.pool.workers {
                worker.running = self.board.load(worker.agent.id);
            }
            let mut room = Room::of(&self.pool, now);
            let pool = &self.pool;
            let picked = self.board.pick(
                self.run,
                BATCH,
                |_, _| false,
                |task, terms| room.take(pool, task.terms, terms),
            );
            if picked.is_empty() {
                return Ok(());
            }
            let mut tasks = Vec::with_capacity(picked.len());
            for id in picked {
                let Some(task) = self.board.task(id).cloned() else { continue };
                let spec = read::spec(self.store.connection(), id).map_err(|why| why.to_string())?;
                tasks.push(Prepared {
                    task,
                    spec,
                    feedback: Vec::new(),
                    consulted: (0, None),
                    avoid: Vec::new(),
                    inputs: Vec::new(),
                });
            }
            let batch = decide::batch(
                self.run,
                tasks,
                &self.pool,
                &self.board,
                Asking { now, seed, config, state: self.state.clone() },
            );
            let answer = router(&batch.snapshot);
            self.state.clone_from(&answer.state);
            for (decision, prepared) in answer.decisions.iter().zip(&batch.tasks) {
                if let Choice::Assign(assignment) = &decision.choice {
                    self.reasons.insert(prepared.task.id, assignment.reason.clone());
                }
            }
            let mut left: HashMap<_, _> = pool_room(&self.pool, now);
            let verdict = decide::act(
                &batch,
                &answer,
                None,
                now,
                now + LEASE,
                |_| true,
                |_, agent| match left.get_mut(&agent) {
                    Some(room) if *room > 0 => {
                        *room -= 1;
                        Place::Taken(None)
                    }
                    Some(_) | None => Place::None,
                },
            );
            let none_started = verdict.returned.len() == batch.tasks.len();
            for task in verdict.returned {
                self.board.return_(task);
            }
            self.apply(verdict.ops)?;
            for prepared in &batch.tasks {
                self.open(&prepared.spec, prepared.task.id, now, takes);
            }
            if none_started {
                return Ok(());
            }
        }
    }

    fn open(
        &mut self,
        spec: &Workstream,
        id: TaskId,
        now: Time,
        takes: &mut dyn FnMut(&Workstream) -> Duration,
    ) {
        let Some(State::Running { agent, .. }) = self.board.task(id).map(|task| task.state) else { return };
        let took = takes(spec).max(Duration::from_millis(1));
        let agent = self.pool.get(agent).map(|worker| worker.agent.card.name.clone()).unwrap_or_default();
        let start = now.since(START);
        let reason = self.reasons.remove(&id).unwrap_or_default();
        self.open.insert(id, Slot { task: spec.id.clone(), agent, start, end: start + took, reason });
        self.ends.insert((now + took, id), ());
    }
}

fn pool_room(pool: &Pool, now: Time) -> HashMap<crate::id::AgentId, u32> {
    pool.workers.iter().map(|worker| (worker.agent.id, worker.room(now))).collect()
}
