//! The terms that tasks on the board have. Those that no task has any more are kept for a while, because the next task
//! often has them again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use baton_core::id::TermsId;
use baton_core::task::TaskPolicy;

/// TaskPolicy without tasks that are kept, at most.
const IDLE: usize = 1024;

#[derive(Default)]
pub(super) struct TermsInUse {
    known: HashMap<TermsId, (Arc<TaskPolicy>, usize)>,
    /// Those that had no task when they were noted here, oldest first.
    idle: VecDeque<TermsId>,
}

impl TermsInUse {
    pub(super) fn put(&mut self, id: TermsId, terms: TaskPolicy) {
        self.known.entry(id).or_insert_with(|| (Arc::new(terms), 0));
        self.rest(id);
    }

    pub(super) fn get(&self, id: TermsId) -> Option<&Arc<TaskPolicy>> {
        self.known.get(&id).map(|(terms, _)| terms)
    }

    /// One task more has them.
    pub(super) fn take(&mut self, id: TermsId) {
        if let Some((_, tasks)) = self.known.get_mut(&id) {
            *tasks += 1;
        }
    }

    /// One task fewer has them.
    pub(super) fn release(&mut self, id: TermsId) {
        if let Some((_, tasks)) = self.known.get_mut(&id) {
            *tasks = tasks.saturating_sub(1);
            if *tasks == 0 {
                self.rest(id);
            }
        }
    }

    fn rest(&mut self, id: TermsId) {
        self.idle.push_back(id);
        while self.idle.len() > IDLE {
            let Some(oldest) = self.idle.pop_front() else { return };
            if self.known.get(&oldest).is_some_and(|(_, tasks)| *tasks == 0) && oldest != id {
                self.known.remove(&oldest);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}
