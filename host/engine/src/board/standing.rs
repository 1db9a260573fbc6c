//! What a live task waits for, counted by run, so that where a run stands costs no look at its tasks.

use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_core::task::{Need, State, Task, TaskPolicy, WaitingOn};

use super::{Board, Turn};

/// What keeps a task where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Blocked,
    Ready {
        since: Time,
        held: bool,
    },
    Running,
    Backoff {
        held: bool,
    },
    /// Its executor or its validators are to be called; without a turn it is the router's.
    Asking(Option<Turn>),
    /// It goes on when children of it have ended.
    Parent,
    /// It goes on at a time, if not before.
    Timed,
    /// It goes on when a person has answered.
    Parked,
    /// It has ended and is not on the board.
    Over,
}

impl Standing {
    pub(super) fn of(task: &Task) -> Self {
        match task.state {
            State::Blocked => Self::Blocked,
            State::Ready { since } => Self::Ready { since, held: task.held },
            State::Running { .. } => Self::Running,
            State::Backoff { .. } => Self::Backoff { held: task.held },
            State::Waiting { need: Some(Need { until: None, .. }), .. } => Self::Parent,
            State::Waiting { need: Some(Need { until: Some(_), .. }), .. } => Self::Timed,
            State::Waiting { stage: WaitingOn::Person, need: None, .. } => Self::Parked,
            State::Waiting { stage: WaitingOn::Acceptance, need: None, .. } => {
                Self::Asking(Some(Turn::Acceptance))
            }
            State::Waiting { stage: WaitingOn::Executor, need: None, .. } => {
                Self::Asking(Some(Turn::Executor))
            }
            State::Waiting { stage: WaitingOn::Routing, need: None, .. } => Self::Asking(None),
            State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Skipped { .. } => Self::Over,
        }
    }
}

/// Active tasks of one run by their standing: all that are alive but the blocked ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    ready: usize,
    running: usize,
    backoff: usize,
    backoff_held: usize,
    asking: usize,
    parents: usize,
    timed: usize,
    parked: usize,
}

impl Counts {
    pub(super) fn add(&mut self, standing: Standing) {
        self.each(standing, |count| *count += 1);
    }

    pub(super) fn remove(&mut self, standing: Standing) {
        self.each(standing, |count| *count = count.saturating_sub(1));
    }

    fn each(&mut self, standing: Standing, mut change: impl FnMut(&mut usize)) {
        match standing {
            Standing::Ready { .. } => change(&mut self.ready),
            Standing::Running => change(&mut self.running),
            Standing::Backoff { held } => {
                change(&mut self.backoff);
                if held {
                    change(&mut self.backoff_held);
                }
            }
            Standing::Asking(_) => change(&mut self.asking),
            Standing::Parent => change(&mut self.parents),
            Standing::Timed => change(&mut self.timed),
            Standing::Parked => change(&mut self.parked),
            Standing::Blocked | Standing::Over => {}
        }
    }

    /// Tasks that can go on by themselves or are going on.
    pub(super) fn active(&self) -> usize {
        self.ready + self.running + self.backoff + self.asking + self.parents + self.timed + self.parked
    }
}

impl Board {
    fn counts(&self, run: RunId) -> Counts {
        self.runs.get(&run).map(|run| run.counts).unwrap_or_default()
    }

    /// Whether anything of a run is under way or may start.
    #[must_use]
    pub fn is_active(&self, run: RunId) -> bool {
        self.counts(run).active() > 0
    }

    /// Whether all that is alive of a run is ready for agents, one of `others`, behind such a task, or a parent of one.
    #[must_use]
    pub fn only_ready_left(&self, run: RunId, others: usize) -> bool {
        let Some(run) = self.runs.get(&run) else { return false };
        let ready: usize = run.queues.values().map(std::collections::BTreeSet::len).sum();
        ready + others > 0 && run.counts.active() == ready + others + run.counts.parents
    }

    /// Whether nothing of a run can start or go on before a person lifts a hold or answers.
    #[must_use]
    pub fn is_paused(&self, run: RunId) -> bool {
        let counts = self.counts(run);
        if counts.active() == 0 || counts.running + counts.asking + counts.timed > 0 {
            return false;
        }
        // One that is locked out goes on with whoever locks it: a task of this run is looked at as well, and one of
        // another run ends by itself.
        self.is_held(run)
            || (counts.backoff == counts.backoff_held
                && self.free_to_start(run).all(|task| self.is_locked_by_own(task)))
    }

    /// Whether nothing of a run is under way, and neither what is ready nor what comes again may start, by what `broke`
    /// says of terms; `all` where nothing may start at all.
    #[must_use]
    pub fn stands_still(&self, run: RunId, all: bool, broke: impl Fn(&TaskPolicy) -> bool) -> bool {
        let counts = self.counts(run);
        if counts.running + counts.asking > 0 {
            return false;
        }
        if all {
            return true;
        }
        let held = self.runs.get(&run).into_iter().flat_map(|run| &run.held_ready);
        let held = held.filter_map(|id| self.tasks.get(id));
        let groups = self.ready_groups(run).map(|(task, _)| task);
        counts.backoff == 0
            && counts.ready > 0
            && groups.chain(self.ready_composites(run)).chain(held).all(|task| broke(self.terms(task.terms)))
    }

    /// Ready tasks of a run that no person holds. Of those with the same terms and no family, one represents all.
    fn free_to_start(&self, run: RunId) -> impl Iterator<Item = &Task> {
        let queues = self.runs.get(&run).into_iter().flat_map(|run| run.queues.values());
        let tasks = queues.flat_map(|queue| {
            let tasks = queue.iter().filter_map(|(_, id)| self.tasks.get(id)).enumerate();
            tasks.filter(|(place, task)| *place == 0 || task.parent.is_some()).map(|(_, task)| task)
        });
        tasks.chain(self.ready_composites(run))
    }

    fn ready_composites(&self, run: RunId) -> impl Iterator<Item = &Task> {
        let ready = self.turns.range(..(Turn::Executor, TaskId(i64::MIN)));
        ready.filter_map(|(_, id)| self.tasks.get(id)).filter(move |task| task.run == run)
    }

    fn is_locked_by_own(&self, task: &Task) -> bool {
        let holder = self.clash(task).and_then(|(holder, _)| self.tasks.get(&holder));
        holder.is_some_and(|holder| holder.run == task.run)
    }
}

/// The times at which something happens to a task by itself.
pub(super) fn timers(task: &Task) -> impl Iterator<Item = Time> {
    let own = match task.state {
        State::Backoff { until } => Some(until),
        State::Waiting { need: Some(need), .. } => need.until,
        State::Blocked
        | State::Ready { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => None,
    };
    let deadline = task.deadline.filter(|_| !matches!(task.state, State::Running { .. }));
    own.into_iter().chain(deadline)
}
