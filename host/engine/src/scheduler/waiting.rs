//! Where a run stands, and what a run or a task waits for, answered from what the host decides by.

use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_store::{Reader, read};
use serde::{Deserialize, Serialize};

use super::Scheduler;
use crate::waits::{self, Wait};
use crate::why::{Hosting, Known, OnItsWay, View, Why};

/// The state of a run, for those who wait for it.
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

impl Scheduler {
    #[must_use]
    pub fn phase(&self, run: RunId, now: Time) -> Phase {
        let (board, pool) = (self.runs.board(), self.health.pool());
        if !self.runs.goes_on(run) {
            Phase::Settled
        } else if board.is_paused(run) {
            Phase::Paused
        } else if self.is_spent(run, now) {
            Phase::Spent
        } else if waits::is_stuck(board, pool, run, |task| self.landing.is_stalled(task)) {
            Phase::Stuck
        } else {
            Phase::Active
        }
    }

    /// Whether a run stands still because caps leave nothing to start anything with.
    fn is_spent(&self, run: RunId, now: Time) -> bool {
        let gate = self.attempts.gate();
        if gate.is_open(run) {
            return false;
        }
        let workers = &self.health.pool().workers;
        self.runs.board().stands_still(run, gate.is_spent_out(run, now), |terms| {
            let mut able = workers.iter().filter(|worker| worker.suits(terms).is_ok()).peekable();
            able.peek().is_some() && able.all(|worker| gate.is_agent_spent_out(&worker.agent, now))
        })
    }

    /// What keeps a run, or a part of it, from going on.
    pub fn waits(&mut self, rows: &Reader, run: RunId, now: Time) -> Vec<Wait> {
        let board = self.runs.board();
        if board.is_held(run) {
            let held: Vec<(TaskId, usize)> =
                board.ready_groups(run).map(|(task, tasks)| (task.id, tasks)).collect();
            let tasks = held.iter().map(|(_, tasks)| tasks).sum();
            let why = || Why::Paused { what: run.to_string() };
            return held
                .first()
                .map(|(task, _)| Wait { why: why(), task: *task, tasks })
                .into_iter()
                .collect();
        }
        self.refresh_loads(now);
        let name = |id: TaskId| read::name(rows, id).unwrap_or_else(|_| id.to_string());
        let mut waits = self.view(now, |view| waits::waits(view, run, name));
        for task in self.runs.board().claimed(run) {
            let Some(OnItsWay::Stalled { why }) = self.landing.on_its_way(task) else { continue };
            let why = Why::Landing { why };
            match waits.iter_mut().find(|wait| wait.why == why) {
                Some(wait) => wait.tasks += 1,
                None => waits.push(Wait { why, task, tasks: 1 }),
            }
        }
        waits
    }

    /// What is known of why a task is not running, beside its rows.
    pub fn known(&mut self, task: TaskId, now: Time) -> Known {
        self.refresh_loads(now);
        self.view(now, |view| view.known(task))
    }

    /// What decisions are made by at the moment.
    fn view<T>(&self, now: Time, look: impl FnOnce(&View<'_>) -> T) -> T {
        let (board, pool, gate) = (self.runs.board(), self.health.pool(), self.attempts.gate());
        let under_way = self.attempts.limited(board);
        let families = gate.exhausted_families();
        let spent = |run| gate.spent(run, now);
        let deciding = |run| self.routing.deciding(run);
        let stopping = |task| self.attempts.holds(task);
        let landing = |task| self.landing.on_its_way(task);
        look(&View {
            board,
            pool,
            limits: self.attempts.limits(),
            under_way: &under_way,
            spent: &spent,
            families: &families,
            now,
            host: Some(Hosting {
                draining: self.draining,
                full: self.attempts.full(board, pool),
                deciding: &deciding,
                stopping: &stopping,
                landing: &landing,
            }),
        })
    }
}
