//! Episodes grouped by task.

use std::collections::BTreeMap;

use baton_core::episode::Episode;
use baton_core::id::{RunId, TaskId};

/// All attempts of each task, in the order in which they ended.
pub(super) struct History<'a> {
    tasks: BTreeMap<TaskId, Vec<&'a Episode>>,
}

impl<'a> History<'a> {
    pub(super) fn of(episodes: &'a [Episode]) -> Self {
        let mut tasks: BTreeMap<TaskId, Vec<&Episode>> = BTreeMap::new();
        for episode in episodes {
            tasks.entry(episode.task).or_default().push(episode);
        }
        Self { tasks }
    }

    /// The attempts of each task, never empty.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &[&'a Episode]> {
        self.tasks.values().map(Vec::as_slice)
    }

    pub(super) fn attempts(&self, task: TaskId) -> &[&'a Episode] {
        self.tasks.get(&task).map_or(&[], Vec::as_slice)
    }

    /// The attempt whose outcome was accepted.
    pub(super) fn accepted(&self, task: TaskId) -> Option<&'a Episode> {
        self.attempts(task).iter().rev().find(|episode| episode.verdict.is_accepted()).copied()
    }

    /// The tasks of each run.
    pub(super) fn runs(&self) -> BTreeMap<RunId, Vec<TaskId>> {
        let mut runs: BTreeMap<RunId, Vec<TaskId>> = BTreeMap::new();
        for (task, attempts) in &self.tasks {
            if let Some(first) = attempts.first() {
                runs.entry(first.run).or_default().push(*task);
            }
        }
        runs
    }
}
