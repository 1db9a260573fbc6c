//! The scheduler: its owners, and how what one of them says reaches the others. It is driven by the loop of a host and
//! by the simulator, which carry out the effects that it asks for.

mod committed;
mod recover;
mod rows;
#[cfg(test)]
mod tests;
mod waiting;

pub use waiting::Phase;

use std::sync::Arc;
use std::time::Duration;

use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{RunId, TaskId};
use baton_core::op::{End, Op, RouterChoice};
use baton_core::people::QuestionPolicy;
use baton_plugin::PluginError;
use baton_plugin::router::{BATCH, attrs};
use baton_store::Reader;

use crate::attempt;
use crate::attempts::{Attempts, Claimed};
use crate::board::Turn;
use crate::catalog::Catalog;
use crate::decide::Answered;
use crate::effect::{Done, Effect, Ended, Lesson, Work};
use crate::health::Health;
use crate::landing::Landing;
use crate::learning::{Learned, Learning};
use crate::pool::Pool;
use crate::routing::{Routing, View};
use crate::runs::Runs;

pub struct Scheduler {
    catalog: Catalog,
    people: Arc<QuestionPolicy>,
    runs: Runs,
    attempts: Attempts,
    routing: Routing,
    learning: Learning,
    health: Health,
    landing: Landing,
    /// Whether tasks change files in trees of their own.
    in_trees: bool,
    draining: bool,
    effects: Vec<Effect>,
}

/// What a scheduler is made of.
pub struct Parts {
    pub catalog: Catalog,
    pub people: Arc<QuestionPolicy>,
    pub attempts: Attempts,
    pub routing: Routing,
    pub health: Health,
    pub in_trees: bool,
}

impl Scheduler {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { catalog, people, attempts, routing, health, in_trees } = parts;
        Self {
            catalog,
            people,
            runs: Runs::default(),
            attempts,
            routing,
            learning: Learning::default(),
            health,
            landing: Landing::default(),
            in_trees,
            draining: false,
            effects: Vec::new(),
        }
    }

    /// What is to be carried out, in this order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn add(&mut self, effects: impl IntoIterator<Item = impl Into<Effect>>) {
        self.effects.extend(effects.into_iter().map(Into::into));
    }

    /// Starts nothing more; what runs may finish.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether it was asked to end and nothing is under way any more.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.draining && self.attempts.is_idle() && self.routing.shadows_are_done()
    }

    /// When something happens by itself next.
    #[must_use]
    pub fn next(&self, now: Time) -> Option<Time> {
        self.runs.next(now).into_iter().chain(self.health.next(now)).min()
    }

    /// Asks for what happens to tasks by itself by now.
    pub fn fire_timers(&mut self, rows: &Reader, now: Time) {
        let people = &self.people;
        let due = self.runs.due(now, |task| rows::unanswered(rows, people, task));
        self.add(due);
    }

    /// Asks for all that can be done now.
    pub fn turn(&mut self, rows: &Reader, now: Time) {
        self.fire_timers(rows, now);
        if !self.draining {
            self.probe(now);
            self.take_turns(rows, now);
            self.teach(rows, now, false);
            self.dispatch(rows, now);
            self.teach(rows, now, true);
        }
        self.ask_shadows(rows);
        if !self.draining {
            let step = self.learning.consolidate(self.runs.is_idle(), now);
            self.add(step);
        }
        let routing = &self.routing;
        let settled = self.runs.settle(|run| routing.is_idle(run));
        self.add(settled);
    }

    /// A run that waits for its agents is worth a probe; an idle host asks nobody.
    fn probe(&mut self, now: Time) {
        if !self.runs.is_idle() {
            let probes = self.health.due(now);
            self.add(probes);
        }
    }

    /// Calls executors and validators whose turn it is.
    fn take_turns(&mut self, rows: &Reader, now: Time) {
        for (turn, task) in self.runs.turns() {
            let (id, epoch) = (task.id, task.epoch);
            let effect = match turn {
                Turn::Delegate => Ok(Op::Delegate { task: id }.into()),
                Turn::Executor => self.advance(rows, task, now),
                Turn::Acceptance => self.judge(rows, task, now),
            };
            let unreadable = |why| {
                let fault = Fault::new(ErrorClass::Other, format!("it can't be read: {why}"));
                Op::Finish { task: id, epoch, end: End::Failed { fault, checks: Vec::new() } }.into()
            };
            self.effects.push(effect.unwrap_or_else(unreadable));
        }
    }

    /// Hands ready tasks to those who decide for their runs.
    fn dispatch(&mut self, rows: &Reader, now: Time) {
        self.refresh_loads(now);
        for run in self.runs.board().ready_runs() {
            if !self.runs.goes_on(run) || !self.routing.is_idle(run) {
                continue;
            }
            let (board, pool) = (self.runs.board_mut(), self.health.pool());
            let Some(picked) = self.attempts.pick(run, BATCH, board, pool, now) else { return };
            if !picked.is_empty() {
                self.decide(rows, run, picked, now);
            }
        }
    }

    /// The registered agents.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        self.health.pool()
    }

    fn refresh_loads(&mut self, now: Time) {
        let gate = self.attempts.gate();
        self.health.refresh_loads(self.runs.board(), |agent| gate.is_broke(agent, now));
    }

    fn decide(&mut self, rows: &Reader, run: RunId, picked: Vec<TaskId>, now: Time) {
        let mut tasks = Vec::with_capacity(picked.len());
        for id in picked {
            let Some(task) = self.runs.board().task(id).cloned() else { continue };
            match self.prepare(rows, task) {
                Ok(prepared) => tasks.push(prepared),
                Err(why) => {
                    tracing::error!("{id} can't be read: {why}");
                    self.runs.board_mut().return_(id);
                }
            }
        }
        let successor = self.routing.take_successor_over(run, &self.catalog);
        self.add(successor);
        self.read_cursors(rows, run);
        let (board, pool) = (self.runs.board(), self.health.pool());
        let view = View { board, pool, catalog: &self.catalog, now };
        let (answered, effects) = self.routing.decide(run, tasks, &view);
        for answered in answered {
            self.carry_out(answered, now);
        }
        self.add(effects);
    }

    /// Turns a router's answer into operations.
    fn carry_out(&mut self, answered: Answered, now: Time) {
        self.refresh_loads(now);
        let ops = self.attempts.admit(answered, self.runs.board_mut(), self.health.pool(), now);
        self.add(ops);
    }

    /// Teaches the routers that are behind: before a run's first decision, or between its decisions.
    fn teach(&mut self, rows: &Reader, now: Time, decided: bool) {
        for run in self.runs.ids() {
            if self.routing.has_decided(run) != decided {
                continue;
            }
            let rested = self.learning.may_teach(run, now) || !decided || !self.runs.board().is_active(run);
            if !rested {
                continue;
            }
            for router in self.routing.routers(run) {
                self.give_lesson(rows, run, router);
            }
        }
    }

    /// Teaches all routers that are behind, before anything is decided: for a simulation, in which lessons take no time.
    pub fn teach_all(&mut self, rows: &Reader, now: Time) {
        self.teach(rows, now, false);
        self.teach(rows, now, true);
    }

    fn give_lesson(&mut self, rows: &Reader, run: RunId, router: RouterChoice) {
        let aside = self.routing.is_shadow(&router);
        if !self.routing.may_learn(run, aside) {
            return;
        }
        self.read_cursor(rows, run, &router);
        let Some(cursor) = self.routing.cursor(run, &router) else { return };
        if cursor.learned >= self.learning.observed() {
            return;
        }
        let (cursor, config) = (cursor.clone(), attrs(&self.catalog.router(&router.name).config));
        self.routing.begin_lesson(run, aside);
        self.effects.push(Work::Teach(Box::new(Lesson { run, router, aside, config, cursor })).into());
    }

    fn ask_shadows(&mut self, rows: &Reader) {
        for (run, router) in self.routing.shadows_to_ask() {
            self.read_cursor(rows, run, &router);
            let asked = self.routing.ask_shadow(run, &self.catalog);
            self.add(asked);
        }
    }

    /// The result of a piece of work.
    pub fn done(&mut self, done: Done, now: Time) {
        match done {
            Done::Routed { batch, router, routed } => self.routed(batch, router, routed, now),
            Done::Shadowed { question, routed } => {
                let effect = self.routing.shadowed(*question, routed);
                self.add(effect);
            }
            Done::Taught { run, router, aside, taught, took } => {
                self.taught(run, &router, aside, (taught, took), now);
            }
            Done::Consolidated { step, took } => {
                let effect = self.learning.consolidated(step, took, now);
                self.add(effect);
            }
            Done::Ended { ended, result } => self.ended(&ended, result, now),
            Done::Probed { agent, said } => {
                let effect = self.health.probed(agent, said, now);
                self.add(effect);
            }
            Done::Answered { ops } => self.answered(ops),
            Done::Stalled { task, epoch, why } => {
                let effect = self.landing.stalled(self.run_of(task), task, epoch, why);
                self.add(effect);
            }
            Done::Denied { task, plugin, call, why } => {
                let (run, fact) = (self.run_of(task), Fact::CallDenied { plugin, call, why });
                self.effects.push(Op::Note { run, task: Some(task), fact }.into());
            }
        }
    }

    fn run_of(&self, task: TaskId) -> Option<RunId> {
        self.runs.board().task(task).map(|task| task.run)
    }

    /// A router has answered. While the host drains nothing follows from it: its tasks are asked about again by the next
    /// host.
    fn routed(
        &mut self,
        batch: Box<crate::decide::Batch>,
        router: RouterChoice,
        routed: Result<baton_plugin::router::Routed, PluginError>,
        now: Time,
    ) {
        if self.draining {
            self.routing.dropped(&batch);
            batch.tasks.iter().for_each(|prepared| self.runs.board_mut().return_(prepared.task.id));
            return;
        }
        let (answered, effects) = self.routing.routed(batch, router, routed, &self.catalog);
        self.add(effects);
        if let Some(answered) = answered {
            self.carry_out(answered, now);
        }
    }

    fn taught(
        &mut self,
        run: RunId,
        router: &RouterChoice,
        aside: bool,
        (taught, took): (Result<Learned, PluginError>, Duration),
        now: Time,
    ) {
        if self.runs.goes_on(run) {
            self.learning.taught(run, took, now);
        }
        let observed = self.learning.observed();
        match taught {
            Ok(Learned { cursor, op }) => {
                self.routing.end_lesson(run, router, aside, Some(cursor), observed);
                self.add(op);
            }
            Err(why) => {
                tracing::warn!("{run}: no lesson for {}: {why}", router.name);
                self.routing.end_lesson(run, router, aside, None, observed);
            }
        }
    }

    /// An attempt ended: what it claims is recorded, and what it says of its agent remembered.
    fn ended(&mut self, ended: &Ended, result: attempt::Result, now: Time) {
        let board = self.runs.board();
        let is_current = board.task(ended.task).is_some_and(|task| task.epoch == ended.epoch);
        let moved = is_current.then(|| self.health.ended(ended.agent, &result, now)).flatten();
        let effects = self.attempts.ended(ended, result, board, self.health.pool(), now);
        self.add(effects);
        self.add(moved);
    }

    /// An executor, the validators or the merge queue answered.
    fn answered(&mut self, ops: Vec<Op>) {
        for op in ops {
            let op = self.runs.bounded(op, &self.catalog);
            if let Op::Claim { task, epoch, outcome } = &op {
                let claim = Claimed { epoch: *epoch, outcome: outcome.clone(), agent: None };
                self.attempts.claimed(*task, claim);
            }
            self.effects.push(op.into());
        }
    }

    /// Leases of which half is gone. One that lapsed while the host stood still is renewed like any other: nobody else may
    /// have taken what it is for, or the store refuses the host itself.
    pub fn renew(&mut self, now: Time) {
        let renewal = self.attempts.renew(now);
        self.add(renewal);
    }

    /// Without a store, or with one that is another host's, nothing here may act any more.
    pub fn cut_off(&self) {
        self.attempts.cut_off();
    }

    /// Stops what runs and gives it back.
    #[must_use]
    pub fn give_back(&self, now: Time) -> Vec<Op> {
        self.attempts.give_back(now)
    }
}
