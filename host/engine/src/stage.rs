//! The scheduler without the world: the real store, board, statistics and decisions on a clock of our own, with attempts
//! that take as long and end as they are told to. Rehearsals and simulations are played on it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::Bill;
use baton_core::clock::{Clock, Time};
use baton_core::id::{AgentId, RunId, TaskId};
use baton_core::kind::Kind;
use baton_core::op::{Decision, End, Op, Reply, RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::{State, Task};
use baton_plugin::limits::Limits;
use baton_plugin::router::{BATCH, Choice, Routed, Snapshot};
use baton_store::{Store, read};

use super::board::Board;
use super::decide::{self, Asking, Batch, Place, Prepared, Room};
use super::pool::Pool;
use super::timed;

/// What will come of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    pub takes: Duration,
    pub end: End,
    pub bill: Option<Bill>,
}

/// Who decides, and what comes of it.
pub struct Director<'a> {
    pub config: &'a BTreeMap<String, String>,
    pub route: &'a mut dyn FnMut(&Snapshot) -> Routed,
    /// Told the task and the agent's name.
    pub course: &'a mut dyn FnMut(&Workstream, &str) -> Course,
    /// Decisions are recorded as this router's, or not at all.
    pub record: Option<RouterChoice>,
}

/// An attempt that was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub task: TaskId,
    pub name: String,
    pub agent: String,
    pub at: Time,
    pub until: Time,
    pub reason: String,
}

pub struct Stage {
    store: Store,
    clock: Clock,
    board: Board,
    pool: Pool,
    pub run: RunId,
    seed: Seed,
    decisions: i64,
    /// What the router left, for its next call.
    pub state: Vec<u8>,
    endings: BTreeMap<(Time, TaskId), Course>,
}

const START: Time = Time(0);
const LEASE: Duration = Duration::from_secs(1 << 40);

impl Stage {
    /// An empty store with these agents and a run of this plan.
    ///
    /// # Errors
    /// The store that is made for it failed, or refused the plan.
    pub fn set(plan: Plan, agents: &[Card], seed: Seed, router: RouterChoice) -> Result<Self, String> {
        let clock = Clock::manual(START);
        let store = Store::in_memory(clock.clone()).map_err(|why| why.to_string())?;
        let mut stage = Self {
            store,
            clock,
            board: Board::default(),
            pool: Pool::default(),
            run: RunId(1),
            seed,
            decisions: 0,
            state: Vec::new(),
            endings: BTreeMap::new(),
        };
        stage.apply(agents.iter().map(|card| Op::PutAgent { card: card.clone() }).collect())?;
        stage.apply(vec![Op::Submit(Box::new(Submission { plan, seed, router, key: None }))])?;
        stage.call_agents()?;
        Ok(stage)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// A registered agent by its name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<AgentId> {
        self.pool.workers.iter().find(|worker| worker.agent.card.name == name).map(|worker| worker.agent.id)
    }

    /// Takes the registry as it is now.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn call_agents(&mut self) -> Result<(), String> {
        let agents = read::live::agents(self.store.reader()).map_err(|why| why.to_string())?;
        self.pool.refresh(agents);
        Ok(())
    }

    /// # Errors
    /// The store refused one of them.
    pub fn apply(&mut self, ops: Vec<Op>) -> Result<(), String> {
        for answer in self.store.apply(ops) {
            let applied = answer.map_err(|why| why.to_string())?;
            if let Reply::Run { run, .. } = applied.reply {
                self.run = run;
            }
            applied.observed.iter().for_each(|observation| self.pool.learn(observation));
            for task in applied.changed {
                self.changed(task)?;
            }
        }
        Ok(())
    }

    fn changed(&mut self, task: Task) -> Result<(), String> {
        if !self.board.knows_terms(task.terms) {
            let terms = read::live::terms(self.store.reader(), task.terms).map_err(|why| why.to_string())?;
            self.board.put_terms(task.terms, terms);
        }
        self.board.put(task);
        Ok(())
    }

    /// The next moment at which something happens by itself; none when everything rests.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        let ending = self.endings.first_key_value().map(|((at, _), _)| *at);
        let (due, later) = self.board.due(self.clock.now());
        let timer = if due.is_empty() { later } else { Some(self.clock.now()) };
        ending.into_iter().chain(timer).min()
    }

    /// Moves on to this moment, and carries out what is due by then.
    ///
    /// # Errors
    /// The store failed.
    pub fn advance(&mut self, to: Time) -> Result<Vec<TaskId>, String> {
        self.clock.advance_to(to);
        let mut ended = Vec::new();
        while let Some(ending) = self.endings.first_entry().filter(|ending| ending.key().0 <= to) {
            let ((_, task), course) = ending.remove_entry();
            let epoch = self.board.task(task).map(|task| task.epoch).unwrap_or_default();
            let bill = course.bill.map(|bill| Op::Charge { task, epoch, bill: Box::new(bill) });
            let finish = Op::Finish { task, epoch, end: course.end };
            self.apply(bill.into_iter().chain([finish]).collect())?;
            ended.push(task);
        }
        let (due, _) = self.board.due(to);
        for id in due {
            let Some(task) = self.board.task(id) else { continue };
            let Some(op) = timed::due(task, to) else { continue };
            self.apply(vec![op])?;
        }
        Ok(ended)
    }

    /// Starts all that can start now.
    ///
    /// # Errors
    /// The store failed.
    pub fn dispatch(&mut self, director: &mut Director<'_>) -> Result<Vec<Start>, String> {
        let mut started = Vec::new();
        loop {
            let before = started.len();
            let Some(batch) = self.question(director.config)? else { return Ok(started) };
            self.answer(batch, director, &mut started)?;
            if started.len() == before {
                return Ok(started);
            }
        }
    }

    /// What the router is asked next; none when nothing can start.
    fn question(&mut self, config: &BTreeMap<String, String>) -> Result<Option<Batch>, String> {
        let now = self.clock.now();
        for worker in &mut self.pool.workers {
            worker.running = self.board.load(worker.agent.id);
        }
        let mut room = Room::of(&self.pool, now, u32::MAX);
        let pool = &self.pool;
        let fits = |task: &Task, terms: &baton_core::task::TaskPolicy| room.take(pool, task.terms, terms);
        let picked = self.board.pick(self.run, BATCH, |_, _| false, fits);
        if picked.is_empty() {
            return Ok(None);
        }
        let tasks = picked.into_iter().map(|id| self.prepare(id)).collect::<Result<Vec<_>, _>>()?;
        self.decisions += 1;
        let seed = self.seed.of(self.decisions);
        let consultations = Limits::of(Kind::Router).asks.consultations.unwrap_or(0);
        let state = self.state.clone();
        let asking = Asking { now, seed, config, state, consultations, trial: None };
        Ok(Some(decide::batch(self.run, tasks, &self.pool, &self.board, asking)))
    }

    fn prepare(&self, id: TaskId) -> Result<Prepared, String> {
        let task = self.board.task(id).cloned().ok_or_else(|| format!("{id} is not on the board"))?;
        let spec = read::spec(self.store.reader(), id).map_err(|why| why.to_string())?;
        let (feedback, avoid, inputs) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Prepared { task, spec, feedback, consulted: (0, None), avoid, inputs })
    }

    fn answer(
        &mut self,
        mut batch: Batch,
        director: &mut Director<'_>,
        started: &mut Vec<Start>,
    ) -> Result<(), String> {
        let now = self.clock.now();
        let Routed { mut answer, fuel } = (director.route)(&batch.snapshot);
        self.state.clone_from(&answer.state);
        let record = |router: RouterChoice| decide::record(&mut batch.snapshot, &mut answer, router, fuel);
        let decision: Option<Decision> = director.record.clone().map(record);
        let mut left: HashMap<AgentId, u32> =
            self.pool.workers.iter().map(|worker| (worker.agent.id, worker.room(now))).collect();
        let room = |_: &Prepared, agent: AgentId| match left.get_mut(&agent) {
            Some(room) if *room > 0 => {
                *room -= 1;
                Place::Taken(None)
            }
            Some(_) | None => Place::None,
        };
        let verdict = decide::act(&batch, &answer, decision, now, now + LEASE, |_| true, room);
        for task in verdict.returned {
            self.board.return_(task);
        }
        self.apply(verdict.ops)?;
        for (decision, prepared) in answer.decisions.iter().zip(&batch.tasks) {
            let reason = match &decision.choice {
                Choice::Assign(assignment) => assignment.reason.clone(),
                Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => continue,
            };
            started.extend(self.start(prepared, reason, director));
        }
        Ok(())
    }

    fn start(&mut self, prepared: &Prepared, reason: String, director: &mut Director<'_>) -> Option<Start> {
        let (task, spec) = (prepared.task.id, &prepared.spec);
        let State::Running { agent, since: at, .. } = self.board.task(task)?.state else { return None };
        let agent = self.pool.get(agent)?.agent.card.name.clone();
        let course = (director.course)(spec, &agent);
        let until = at + course.takes.max(Duration::from_millis(1));
        self.endings.insert((until, task), course);
        Some(Start { task, name: spec.id.clone(), agent, at, until, reason })
    }
}
