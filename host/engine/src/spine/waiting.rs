//! What a run or a task waits for, answered from what the host decides by.

use std::sync::Arc;

use baton_core::id::{RunId, TaskId};
use baton_core::task::TaskPolicy;
use baton_store::read;

use super::Spine;
use crate::places::Places;
use crate::waits::{self, Wait};
use crate::why::{self, Means, Why};

impl Spine {
    /// What keeps a run, or a part of it, from going on.
    pub(super) fn waits(&mut self, run: RunId) -> Vec<Wait> {
        self.refresh_loads();
        let now = self.around.clock.now();
        if self.board.is_held(run) {
            let held = self.board.ready_groups(run).map(|(task, tasks)| (task.id, tasks));
            let held: Vec<(TaskId, usize)> = held.collect();
            let tasks = held.iter().map(|(_, tasks)| tasks).sum();
            let paused = |(task, _): &(TaskId, usize)| {
                let why = Why::Paused { what: run.to_string() };
                Wait { why, task: *task, tasks }
            };
            return held.first().map(paused).into_iter().collect();
        }
        let under_way = self.limited();
        let (spent, full) = (self.purse.spent(run, now), self.full());
        let means = Means { crowd: &self.crowd, under_way: &under_way, spent, full };
        let name = |id: TaskId| read::name(&self.reader, id).unwrap_or_else(|_| id.to_string());
        let mut waits = waits::waits((&self.board, &self.pool), run, now, Some(&means), name);
        for task in self.board.claimed(run) {
            let Some(why) = self.landing(task) else { continue };
            match waits.iter_mut().find(|wait| wait.why == why) {
                Some(wait) => wait.tasks += 1,
                None => waits.push(Wait { why, task, tasks: 1 }),
            }
        }
        waits
    }

    /// What keeps an accepted task from landing.
    fn landing(&self, task: TaskId) -> Option<Why> {
        let why = self.landings.get(&task)?.stalled.clone()?;
        Some(Why::Landing { why })
    }

    /// The places of this host, if all are taken.
    fn full(&self) -> Option<Places> {
        (self.places_left() == 0).then_some(self.places)
    }

    /// The terms of what runs, where anything limits how much may.
    fn limited(&self) -> Vec<Arc<TaskPolicy>> {
        if self.crowd.is_none() { Vec::new() } else { self.board.under_way() }
    }

    /// # Errors
    /// The store can't be read, or there is no such task.
    pub(super) fn why(&mut self, task: TaskId) -> Result<Why, String> {
        if let Some(why) = self.landing(task) {
            return Ok(why);
        }
        self.refresh_loads();
        let now = self.around.clock.now();
        let run = self.board.task(task).map(|task| task.run);
        let under_way = self.limited();
        let spent = run.and_then(|run| self.purse.spent(run, now));
        let full = self.full();
        let means = Means { crowd: &self.crowd, under_way: &under_way, spent, full };
        why::why(&self.reader, (&self.board, &self.pool), task, now, Some(&means))
    }
}
