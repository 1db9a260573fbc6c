//! The scheduler without the world: the real store and the real owners on a clock of their own, with attempts that take
//! as long and end as they are told to. Dry runs and simulated worlds are played on it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::agent::breaker;
use baton_core::budget::Budget;
use baton_core::clock::{Clock, ClockSkew, Time};
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::op::{End, Op, Rejection, Reply, RouterChoice, Submission};
use baton_core::people::QuestionPolicy;
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::usage::Usage;
use baton_plugin::PluginError;
use baton_plugin::agent::ProbeResult as Said;
use baton_plugin::router::{Answer, Choice, Routed, Snapshot};
use baton_store::writer::Answers;
use baton_store::{OpenError, ReadError, Reader, Store};
use thiserror::Error;

use crate::attempt;
use crate::attempts::Attempts;
use crate::attempts::budget_gate::BudgetGate;
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::attempts::places::Places;
use crate::catalog::Catalog;
use crate::decide::Batch;
use crate::effect::{Done, Effect, Ended, Lesson, Order, Work};
use crate::health::Health;
use crate::in_flight::InFlight;
use crate::learning::Learned;
use crate::routing::Routing;
use crate::scheduler::{Parts, Scheduler};
use crate::why::{self, Why};

/// What will come of an attempt.
#[derive(Debug)]
pub struct ScriptedAttempt {
    pub takes: Duration,
    pub result: attempt::Result,
    pub used: Usage,
}

/// Who decides, who learns, and what comes of attempts.
pub struct Driver<'a> {
    pub route: &'a mut dyn FnMut(&Snapshot) -> Result<Routed, PluginError>,
    /// Told the store's rows; none where the router does not learn.
    pub teach: Option<Teach<'a>>,
    /// Told the task and the agent's name.
    pub attempt: &'a mut dyn FnMut(&Workstream, &str) -> ScriptedAttempt,
}

/// Gives a lesson to a router.
pub type Teach<'a> = &'a dyn Fn(&Reader, Lesson) -> Result<Learned, PluginError>;

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

/// What is simulated.
pub struct Setting<'a> {
    pub plan: Plan,
    pub agents: &'a [Card],
    pub seed: Seed,
    pub router: RouterChoice,
    /// Of the router.
    pub config: BTreeMap<String, String>,
    pub budget: Budget,
    pub limits: ConcurrencyLimits,
    /// Keep every decision in the store.
    pub record: bool,
}

/// Why a simulation can't go on.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The machine has no memory for a store of its own.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An operation was refused, such as that of a plan which is no good.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// What was stored can't be read back.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// Take it out of the plan.
    #[error("a simulation has no trial, no composite tasks, no validators and no trees")]
    Unsupported,
}

pub struct Simulator {
    store: Store,
    clock: Clock,
    scheduler: Scheduler,
    pub run: RunId,
    endings: BTreeMap<(Time, TaskId), Ending>,
    /// Why routers chose whom, for attempts that have not started yet.
    reasons: BTreeMap<TaskId, String>,
    /// Work for the next turn.
    backlog: Vec<Effect>,
}

struct Ending {
    epoch: Epoch,
    agent: AgentId,
    started: Time,
    script: ScriptedAttempt,
}

const START: Time = Time(0);

impl Simulator {
    /// An empty store with these agents and a run of this plan.
    ///
    /// # Errors
    /// The store that is made for it failed, or refused the plan.
    pub fn new(setting: Setting<'_>) -> Result<Self, SimulationError> {
        let Setting { plan, agents, seed, router, config, budget, limits, record } = setting;
        let clock = Clock::manual(START);
        let store = Store::in_memory(clock.clone())?;
        let attempts = Attempts::new(BudgetGate::new(budget), limits, Places::unlimited());
        let scheduler = Scheduler::new(Parts {
            catalog: Catalog::Fixed(config),
            people: Arc::new(QuestionPolicy::default()),
            attempts,
            routing: if record { Routing::default() } else { Routing::unrecorded() },
            // Nothing is silent in a simulation.
            health: Health::new(
                breaker::BreakerPolicy { probe: None, ..breaker::BreakerPolicy::default() },
                BTreeMap::new(),
            ),
            in_trees: false,
        });
        let (endings, reasons, backlog) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut simulator = Self { store, clock, scheduler, run: RunId(1), endings, reasons, backlog };
        simulator.scheduler.recover(simulator.store.reader(), ClockSkew::None, START)?;
        simulator.apply(agents.iter().map(|card| Op::PutAgent { card: card.clone() }).collect())?;
        simulator.apply(vec![Op::Submit(Box::new(Submission { plan, seed, router, key: None }))])?;
        Ok(simulator)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Why a task is not running; none if nothing is in its way.
    ///
    /// # Errors
    /// The store failed.
    pub fn why(&mut self, task: TaskId) -> Result<Option<Why>, SimulationError> {
        let known = self.scheduler.known(task, self.clock.now());
        Ok(why::explained(self.store.reader(), task, known)?)
    }

    /// A registered agent by its name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<AgentId> {
        let workers = &self.scheduler.pool().workers;
        workers.iter().find(|worker| worker.agent.card.name == name).map(|worker| worker.agent.id)
    }

    /// Operations from outside, each of which must be carried out.
    ///
    /// # Errors
    /// The store failed, or refused one of them.
    pub fn apply(&mut self, ops: Vec<Op>) -> Result<(), SimulationError> {
        for answer in self.send(ops)? {
            if let Reply::Run { run, .. } = answer?.reply {
                self.run = run;
            }
        }
        Ok(())
    }

    fn send(&mut self, ops: Vec<Op>) -> Result<Answers, SimulationError> {
        let sent = InFlight::of(&ops);
        let answers = self.store.apply(ops);
        let now = self.clock.now();
        self.scheduler.committed(&answers, &sent, self.store.reader(), now)?;
        Ok(answers)
    }

    /// The next moment at which something happens by itself; none when everything rests.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        let ending = self.endings.first_key_value().map(|((at, _), _)| *at);
        ending.into_iter().chain(self.scheduler.next(self.clock.now())).min()
    }

    /// Moves on to this moment: ends the attempts that end by then, and has timers fire.
    ///
    /// # Errors
    /// The store failed.
    pub fn advance(&mut self, to: Time) -> Result<Vec<TaskId>, SimulationError> {
        self.clock.advance_to(to);
        let mut ended = Vec::new();
        while let Some(ending) = self.endings.first_entry().filter(|ending| ending.key().0 <= to) {
            let ((_, task), Ending { epoch, agent, started, script }) = ending.remove_entry();
            let ScriptedAttempt { result, used, takes: _ } = script;
            let over = Ended { task, epoch, agent, started, used, reached: true };
            self.scheduler.done(Done::Ended { ended: over, result }, to);
            ended.push(task);
        }
        self.flush()?;
        self.scheduler.fire_timers(self.store.reader(), to);
        self.flush()?;
        Ok(ended)
    }

    /// Has the store do what the scheduler asks for; work is left for the next turn.
    fn flush(&mut self) -> Result<(), SimulationError> {
        let effects = self.scheduler.take_effects();
        let (ops, work): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Apply(_)));
        self.backlog.extend(work);
        self.store_all(ops)
    }

    /// Tells routers that learn all that ended since they were last told.
    ///
    /// # Errors
    /// The store failed.
    pub fn teach(&mut self, driver: &mut Driver<'_>) -> Result<(), SimulationError> {
        let mut started = Vec::new();
        loop {
            self.scheduler.teach_all(self.store.reader(), self.clock.now());
            if !self.settle_effects(driver, &mut started)? {
                return Ok(());
            }
        }
    }

    /// Has the scheduler take its turns until nothing more starts now.
    ///
    /// # Errors
    /// The store failed.
    pub fn play(&mut self, driver: &mut Driver<'_>) -> Result<Vec<Start>, SimulationError> {
        let mut started = Vec::new();
        loop {
            let before = started.len();
            self.scheduler.turn(self.store.reader(), self.clock.now());
            self.settle_effects(driver, &mut started)?;
            if started.len() == before {
                return Ok(started);
            }
        }
    }

    /// Carries effects out until there are no more. Whether there were any.
    fn settle_effects(
        &mut self,
        driver: &mut Driver<'_>,
        started: &mut Vec<Start>,
    ) -> Result<bool, SimulationError> {
        let mut any = false;
        loop {
            let mut effects = std::mem::take(&mut self.backlog);
            effects.extend(self.scheduler.take_effects());
            if effects.is_empty() {
                return Ok(any);
            }
            any = true;
            self.carry_out(effects, driver, started)?;
        }
    }

    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        driver: &mut Driver<'_>,
        started: &mut Vec<Start>,
    ) -> Result<(), SimulationError> {
        let mut ops = Vec::new();
        for effect in effects {
            match effect {
                Effect::Apply(_) => ops.push(effect),
                Effect::Start(Work::Attempt(order)) => started.push(self.start(*order, driver)),
                Effect::Start(work) => {
                    let done = self.work(work, driver)?;
                    self.scheduler.done(done, self.clock.now());
                }
            }
        }
        self.store_all(ops)
    }

    /// The results of work that takes no time here.
    fn work(&mut self, work: Work, driver: &mut Driver<'_>) -> Result<Done, SimulationError> {
        let took = Duration::ZERO;
        match work {
            Work::Route { batch, router } => {
                let routed = (driver.route)(&batch.snapshot);
                if let Ok(Routed { answer, .. }) = &routed {
                    self.note_reasons(answer, &batch);
                }
                Ok(Done::Routed { batch, router, routed })
            }
            Work::Teach(lesson) => {
                let (run, router, aside) = (lesson.run, lesson.router.clone(), lesson.aside);
                let taught = match driver.teach {
                    Some(teach) => teach(self.store.reader(), *lesson),
                    None => Ok(Learned::never(lesson.cursor)),
                };
                Ok(Done::Taught { run, router, aside, taught, took })
            }
            Work::Consolidate => Ok(Done::Consolidated { step: Ok(None), took }),
            Work::Probe { agent, card: _ } => Ok(Done::Probed { agent, said: Ok(Said::Ready) }),
            Work::Shadow(_) | Work::Advance(_) | Work::Judge(_) | Work::Sweep(_) | Work::Attempt(_) => {
                Err(SimulationError::Unsupported)
            }
        }
    }

    fn note_reasons(&mut self, answer: &Answer, batch: &Batch) {
        for (decision, prepared) in answer.decisions.iter().zip(&batch.tasks) {
            if let Choice::Assign(assignment) = &decision.choice {
                self.reasons.insert(prepared.task.id, assignment.reason.clone());
            }
        }
    }

    /// A run that is simulated never settles: more of it may still arrive.
    fn store_all(&mut self, effects: Vec<Effect>) -> Result<(), SimulationError> {
        let op = |effect| match effect {
            Effect::Apply(Op::Settle { .. }) | Effect::Start(_) => None,
            Effect::Apply(op) => Some(op),
        };
        let ops: Vec<Op> = effects.into_iter().filter_map(op).collect();
        if !ops.is_empty() {
            self.send(ops)?;
        }
        Ok(())
    }

    fn start(&mut self, order: Order, driver: &mut Driver<'_>) -> Start {
        let Order { prepared, agent, card, started: at, .. } = order;
        let (task, epoch) = (prepared.task.id, prepared.task.epoch);
        let mut script = (driver.attempt)(&prepared.spec, &card.name);
        let mut until = at + script.takes.max(Duration::from_millis(1));
        if let Some(deadline) = prepared.task.deadline.filter(|deadline| *deadline < until) {
            until = deadline;
            let fault = Fault::new(ErrorClass::Timeout, "no answer before the deadline");
            script.result = attempt::Result::Over(End::Failed { fault, checks: Vec::new() });
        }
        self.endings.insert((until, task), Ending { epoch, agent, started: at, script });
        let reason = self.reasons.remove(&task).unwrap_or_default();
        Start { task, name: prepared.spec.id, agent: card.name.clone(), at, until, reason }
    }
}
