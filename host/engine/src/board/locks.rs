//! Locks: which task keeps another from running, by what both may touch.

use baton_core::id::TaskId;
use baton_core::scope::ScopeConflict;
use baton_core::task::policy::Effects;
use baton_core::task::{State, Task};

use super::{Board, Turn};

impl Board {
    /// The first lock that keeps these terms from running, and who holds it. A family does not lock itself out.
    #[must_use]
    pub fn clash(&self, task: &Task) -> Option<(TaskId, ScopeConflict)> {
        if let Some(holder) = self.locked_out(task) {
            return Some((holder, ScopeConflict::Alone));
        }
        if self.terms(task.terms).scope.is_free() {
            return None;
        }
        self.clash_among(task, self.holders.iter()).or_else(|| self.clash_among(task, self.in_transit.iter()))
    }

    /// Who keeps a task from changing the workspace because one of both comes again after a conflict: such a task waits
    /// until nobody else changes anything, and until it has landed nobody else begins.
    fn locked_out(&self, task: &Task) -> Option<TaskId> {
        if self.alone.is_empty() || self.terms(task.terms).effects != Effects::Workspace {
            return None;
        }
        let is_other = |id: &TaskId| *id != task.id && !self.ancestors(task).any(|above| above.id == *id);
        let mut others = self.changing().filter(is_other);
        if task.conflicts > 0 {
            return others.next();
        }
        let is_let_in = |id: &TaskId| self.tasks.get(id).is_some_and(|alone| !self.is_held(alone.run));
        let alone = self.alone.iter().copied().find(|id| is_other(id) && is_let_in(id))?;
        let waits = self.tasks.get(&alone).is_some_and(|alone| matches!(alone.state, State::Ready { .. }));
        (!waits || others.next().is_some()).then_some(alone)
    }

    /// Tasks that change the workspace at the moment, or are about to land what they changed.
    fn changing(&self) -> impl Iterator<Item = TaskId> + '_ {
        let landing = self.turns.iter().filter(|(turn, _)| *turn == Turn::Acceptance).map(|(_, id)| id);
        let all = self.busy.values().flatten().chain(landing).chain(&self.in_transit).copied();
        all.filter(|id| {
            let task = self.tasks.get(id);
            task.is_some_and(|task| self.terms(task.terms).effects == Effects::Workspace)
        })
    }

    fn clash_among<'a>(
        &self,
        task: &Task,
        holders: impl Iterator<Item = &'a TaskId>,
    ) -> Option<(TaskId, ScopeConflict)> {
        let wanted = &self.terms(task.terms).scope;
        for &holder in holders {
            let Some(held) = self.tasks.get(&holder) else { continue };
            if held.id == task.id || self.ancestors(task).any(|above| above.id == held.id) {
                continue;
            }
            let locked = self.narrowed.get(&holder).unwrap_or(&self.terms(held.terms).scope);
            if let Some(clash) = wanted.conflict(locked) {
                return Some((holder, clash));
            }
        }
        None
    }
}
