//! What a run or a task waits for, by what the host decides by.

use std::sync::Arc;

use baton_core::id::{RunId, TaskId};
use baton_core::task::TaskPolicy;
use baton_store::read;

use super::Spine;
use crate::places::Places;
use crate::waits::{self, Wait};
use crate::why::{Hosting, Known, OnItsWay, View, Why};

impl Spine {
    /// What keeps a run, or a part of it, from going on.
    pub(super) fn waits(&mut self, run: RunId) -> Vec<Wait> {
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
        self.refresh_loads();
        let reader = &self.reader;
        let name = |id: TaskId| read::name(reader, id).unwrap_or_else(|_| id.to_string());
        let mut waits = self.view(|view| waits::waits(view, run, name));
        for task in self.board.claimed(run) {
            let Some(OnItsWay::Stalled { why }) = self.on_its_way(task) else { continue };
            let why = Why::Landing { why };
            match waits.iter_mut().find(|wait| wait.why == why) {
                Some(wait) => wait.tasks += 1,
                None => waits.push(Wait { why, task, tasks: 1 }),
            }
        }
        waits
    }

    /// What is known of why a task is not running, beside its rows.
    pub(super) fn known(&mut self, task: TaskId) -> Known {
        self.refresh_loads();
        self.view(|view| view.known(task))
    }

    /// What decisions are made by at the moment.
    fn view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        let now = self.around.clock.now();
        let under_way = self.limited();
        let families = self.purse.ledger.exhausted_families();
        let spent = |run| self.purse.spent(run, now);
        let deciding = |run| {
            let asked = self.conducts.get(&run).filter(|conduct| conduct.asked > 0);
            asked.map(|conduct| conduct.router.name.clone())
        };
        let stopping = |task| self.attempts.contains_key(&task);
        let landing = |task| self.on_its_way(task);
        look(&View {
            board: &self.board,
            pool: &self.pool,
            limits: &self.crowd,
            under_way: &under_way,
            spent: &spent,
            families: &families,
            now,
            host: Some(Hosting {
                draining: self.draining,
                full: self.full(),
                deciding: &deciding,
                stopping: &stopping,
                landing: &landing,
            }),
        })
    }

    /// Where an accepted task is on its way to the target.
    fn on_its_way(&self, task: TaskId) -> Option<OnItsWay> {
        let landing = self.landings.get(&task)?;
        Some(landing.stalled.clone().map_or(OnItsWay::Queued, |why| OnItsWay::Stalled { why }))
    }

    /// The places of this host, if all are taken.
    fn full(&self) -> Option<Places> {
        (self.places_left() == 0).then_some(self.places)
    }

    /// The terms of what runs, where anything limits how much may.
    fn limited(&self) -> Vec<Arc<TaskPolicy>> {
        if self.crowd.is_none() { Vec::new() } else { self.board.under_way() }
    }
}
