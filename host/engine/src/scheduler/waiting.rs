//! Where a run stands, and what a run or a task waits for, answered from what the host decides by.

use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_core::task::{State, Task};
use baton_store::{Reader, read};
use serde::{Deserialize, Serialize};

use super::Scheduler;
use crate::waits::{self, Wait};
use crate::why::{self, Means, Why};

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
        self.refresh_loads(now);
        let (board, pool) = (self.runs.board(), self.health.pool());
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
        let under_way = self.attempts.limited(board);
        let spent = self.attempts.gate().spent(run, now);
        let full = self.attempts.full(board, pool);
        let means = Means { limits: self.attempts.limits(), under_way: &under_way, spent, full };
        let name = |id: TaskId| read::name(rows, id).unwrap_or_else(|_| id.to_string());
        let mut waits = waits::waits((board, pool), run, now, Some(&means), name);
        for task in board.claimed(run) {
            let Some(why) = self.why_stalled(task) else { continue };
            match waits.iter_mut().find(|wait| wait.why == why) {
                Some(wait) => wait.tasks += 1,
                None => waits.push(Wait { why, task, tasks: 1 }),
            }
        }
        waits
    }

    /// What keeps an accepted task from landing.
    fn why_stalled(&self, task: TaskId) -> Option<Why> {
        self.landing.why_stalled(task).map(|why| Why::Landing { why: why.to_owned() })
    }

    /// Whether a task became ready by a commit of which the scheduler has not been told yet.
    fn is_new(&self, rows: &Reader, task: TaskId) -> bool {
        self.runs.board().task(task).is_none()
            && matches!(read::task(rows, task), Ok(Some(Task { state: State::Ready { .. }, .. })))
    }

    /// # Errors
    /// The store can't be read, or there is no such task.
    pub fn why(&mut self, rows: &Reader, task: TaskId, now: Time) -> Result<Why, String> {
        if let Some(why) = self.why_stalled(task) {
            return Ok(why);
        }
        if self.is_new(rows, task) {
            return Ok(Why::NextDecision);
        }
        self.refresh_loads(now);
        let (board, pool) = (self.runs.board(), self.health.pool());
        let under_way = self.attempts.limited(board);
        let spent = self.run_of(task).and_then(|run| self.attempts.gate().spent(run, now));
        let full = self.attempts.full(board, pool);
        let means = Means { limits: self.attempts.limits(), under_way: &under_way, spent, full };
        why::why(rows, (board, pool), task, now, Some(&means))
    }
}
