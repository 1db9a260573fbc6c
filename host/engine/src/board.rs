//! What could run: every live task with its terms, the ready ones in order, and the locks that are held. A projection
//! of rows, rebuilt from them at start and kept by what each operation says it changed. No input or output.

mod locks;
mod standing;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use baton_core::clock::Time;
use baton_core::id::{AgentId, RunId, TaskId, TermsId};
use baton_core::scope::{Glob, Scope};
use baton_core::task::{State, Task, TaskPolicy};

use standing::{Counts, Standing};
use terms::TermsInUse;

/// Priority gained for each minute of waiting, so that nothing starves.
const AGEING_MS: i64 = 60_000;

/// A ready task's place in its queue: what was submitted with priority p at time t goes before what has less of both;
/// a minute of waiting is worth one step of priority. Fixed while it waits, because all age alike.
type Place = (i64, TaskId);

fn place(task: &Task, since: Time) -> Place {
    if task.conflicts > 0 {
        // All others wait for it.
        return (i64::MIN, task.id);
    }
    (since.0 - i64::from(task.priority) * AGEING_MS, task.id)
}

/// Ready tasks of one run with the same terms: what is true of the first is true of all.
type ReadyQueue = BTreeSet<Place>;

#[derive(Clone, Debug, Default)]
struct RunBoard {
    held: bool,
    queues: BTreeMap<TermsId, ReadyQueue>,
    /// Ready tasks that a person put on hold.
    held_ready: BTreeSet<TaskId>,
    blocked: BTreeSet<TaskId>,
    counts: Counts,
}

#[derive(Default)]
pub struct Board {
    tasks: HashMap<TaskId, Task>,
    terms: TermsInUse,
    runs: BTreeMap<RunId, RunBoard>,
    /// Runs that have a ready task which no person holds.
    ready: BTreeSet<RunId>,
    /// Ready composite tasks, and waiting ones whose executor or validators are to be called.
    turns: BTreeSet<(Turn, TaskId)>,
    /// What happens by itself at a time: backoffs, waits, deadlines.
    timers: BTreeSet<(Time, TaskId)>,
    /// Tasks whose scope is locked, if it has one.
    holders: BTreeSet<TaskId>,
    /// What holders that have done their work turned out to touch, which is less than what they declared.
    narrowed: HashMap<TaskId, Scope>,
    /// Ready, running and waiting tasks that come again after a conflict.
    alone: BTreeSet<TaskId>,
    /// Picked and on its way to the store.
    in_transit: HashSet<TaskId>,
    /// What each agent runs, or was assigned on the way to the store.
    busy: HashMap<AgentId, HashSet<TaskId>>,
    /// Assignments that the store has not answered yet.
    promised: HashMap<TaskId, AgentId>,
}

/// Whose turn it is to say how a task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// A ready composite task: to be handed to its executor.
    Delegate,
    Executor,
    Acceptance,
}

impl Board {
    pub fn put_terms(&mut self, id: TermsId, terms: TaskPolicy) {
        self.terms.put(id, terms);
    }

    #[must_use]
    pub fn knows_terms(&self, id: TermsId) -> bool {
        self.terms.get(id).is_some()
    }

    /// The terms of a task that is on the board.
    ///
    /// # Panics
    /// If the terms were not put before the task.
    #[must_use]
    pub fn terms(&self, id: TermsId) -> &Arc<TaskPolicy> {
        self.terms.get(id).expect("terms are put before tasks that have them")
    }

    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id)
    }

    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    pub fn hold_run(&mut self, run: RunId, held: bool) {
        self.runs.entry(run).or_default().held = held;
    }

    /// Forgets a run that has settled. What is left of it is blocked; of that only tasks with a deadline stay, which they
    /// may miss. The rest is put again when it moves.
    pub fn drop_run(&mut self, run: RunId) {
        let blocked = self.runs.get(&run).map(|run| run.blocked.clone()).unwrap_or_default();
        for id in blocked {
            if let Some(task) = self.tasks.remove(&id) {
                if task.deadline.is_some() {
                    self.tasks.insert(id, task);
                } else {
                    self.unindex(&task);
                    self.terms.release(task.terms);
                }
            }
        }
        if self.runs.get(&run).is_some_and(|run| run.blocked.is_empty() && run.counts.active() == 0) {
            self.runs.remove(&run);
        }
    }

    #[must_use]
    pub fn is_held(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.held)
    }

    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        self.runs.keys().copied()
    }

    /// Runs that have a ready task which no person holds.
    #[must_use]
    pub fn ready_runs(&self) -> Vec<RunId> {
        self.ready.iter().copied().collect()
    }

    /// Ready tasks of a run that agents do, in groups for which the same agents are right: the first of each group, and
    /// how many it has.
    pub fn ready_groups(&self, run: RunId) -> impl Iterator<Item = (&Task, usize)> {
        let queues = self.runs.get(&run).into_iter().flat_map(|run| run.queues.values());
        queues.filter_map(|queue| Some((self.tasks.get(&queue.first()?.1)?, queue.len())))
    }

    /// Tasks of a run that claim to be done, whose validators or the merge queue are to answer.
    pub fn claimed(&self, run: RunId) -> impl Iterator<Item = TaskId> + '_ {
        let claimed = self.turns.range((Turn::Acceptance, TaskId(i64::MIN))..).map(|(_, id)| *id);
        claimed.filter(move |id| self.tasks.get(id).is_some_and(|task| task.run == run))
    }

    /// Takes a task as the store has it now.
    pub fn put(&mut self, task: Task) {
        if let Some(before) = self.tasks.remove(&task.id) {
            self.unindex(&before);
            self.terms.release(before.terms);
            if before.state != task.state || before.epoch != task.epoch {
                self.return_(task.id);
            }
        }
        if !matches!(task.state, State::Waiting { .. }) {
            self.narrowed.remove(&task.id);
        }
        if task.state.is_terminal() {
            return;
        }
        self.terms.take(task.terms);
        self.index(&task);
        self.tasks.insert(task.id, task);
    }

    fn index(&mut self, task: &Task) {
        let terms = Arc::clone(self.terms(task.terms));
        let run = self.runs.entry(task.run).or_default();
        run.counts.add(Standing::of(task));
        match Standing::of(task) {
            Standing::Ready { held: true, .. } => {
                run.held_ready.insert(task.id);
            }
            Standing::Ready { .. } if terms.executor.is_some() => {
                self.turns.insert((Turn::Delegate, task.id));
            }
            Standing::Ready { since, .. } => {
                run.queues.entry(task.terms).or_default().insert(place(task, since));
                self.ready.insert(task.run);
            }
            Standing::Asking(Some(turn)) => {
                self.turns.insert((turn, task.id));
            }
            Standing::Blocked => {
                run.blocked.insert(task.id);
            }
            Standing::Asking(None)
            | Standing::Running
            | Standing::Backoff { .. }
            | Standing::Parent
            | Standing::Timed
            | Standing::Parked
            | Standing::Over => {}
        }
        if let State::Running { agent, .. } = task.state {
            self.busy.entry(agent).or_default().insert(task.id);
        }
        self.timers.extend(standing::timers(task).map(|at| (at, task.id)));
        let is_ready = matches!(task.state, State::Ready { .. }) && !task.held;
        if task.conflicts > 0 && (is_ready || task.state.holds_scope()) {
            self.alone.insert(task.id);
        }
        if task.state.holds_scope() && !terms.scope.is_free() {
            self.holders.insert(task.id);
        }
    }

    fn unindex(&mut self, task: &Task) {
        if let Some(run) = self.runs.get_mut(&task.run) {
            run.counts.remove(Standing::of(task));
            run.held_ready.remove(&task.id);
            run.blocked.remove(&task.id);
            if let State::Ready { since } = task.state
                && let Some(queue) = run.queues.get_mut(&task.terms)
            {
                queue.remove(&place(task, since));
                if queue.is_empty() {
                    run.queues.remove(&task.terms);
                }
            }
            if run.queues.is_empty() {
                self.ready.remove(&task.run);
            }
        }
        for turn in [Turn::Delegate, Turn::Executor, Turn::Acceptance] {
            self.turns.remove(&(turn, task.id));
        }
        if let State::Running { agent, .. } = task.state
            && let Some(tasks) = self.busy.get_mut(&agent)
        {
            tasks.remove(&task.id);
        }
        for at in standing::timers(task) {
            self.timers.remove(&(at, task.id));
        }
        self.holders.remove(&task.id);
        self.alone.remove(&task.id);
    }

    /// From now on a task that has done its work locks only what it changed.
    pub fn narrow(&mut self, id: TaskId, changed: Vec<Glob>) {
        if let Some(task) = self.tasks.get(&id) {
            let track = self.terms(task.terms).scope.track.clone();
            self.narrowed.insert(id, Scope { track, writes: changed, reads: Vec::new() });
        }
    }

    /// Marks a task as picked until the store answers.
    pub fn depart(&mut self, id: TaskId) {
        self.in_transit.insert(id);
    }

    /// Whether the store's answer about a task is still out.
    #[must_use]
    pub fn is_away(&self, id: TaskId) -> bool {
        self.in_transit.contains(&id)
    }

    /// Counts a picked task for the agent that it was assigned to.
    pub fn promise(&mut self, id: TaskId, agent: AgentId) {
        self.promised.insert(id, agent);
        self.busy.entry(agent).or_default().insert(id);
    }

    /// Takes a pick back that the store did not carry out, or has answered.
    pub fn return_(&mut self, id: TaskId) {
        self.in_transit.remove(&id);
        if let Some(agent) = self.promised.remove(&id)
            && let Some(tasks) = self.busy.get_mut(&agent)
        {
            tasks.remove(&id);
        }
    }

    /// Who has a task, or was promised it.
    #[must_use]
    pub fn agent_of(&self, id: TaskId) -> Option<AgentId> {
        let running = || match self.tasks.get(&id)?.state {
            State::Running { agent, .. } => Some(agent),
            _ => None,
        };
        self.promised.get(&id).copied().or_else(running)
    }

    /// How many tasks an agent runs or is about to.
    #[must_use]
    pub fn load(&self, agent: AgentId) -> u32 {
        self.busy.get(&agent).map_or(0, |tasks| u32::try_from(tasks.len()).unwrap_or(u32::MAX))
    }

    /// The terms of what runs, or was picked and is on its way to run.
    #[must_use]
    pub fn under_way(&self) -> Vec<Arc<TaskPolicy>> {
        let is_picked =
            |id: &&TaskId| self.tasks.get(*id).is_some_and(|task| matches!(task.state, State::Ready { .. }));
        let picked = self.in_transit.iter().filter(is_picked);
        let busy = self.busy.values().flatten().chain(picked).collect::<HashSet<_>>();
        busy.into_iter().filter_map(|id| Some(Arc::clone(self.terms(self.tasks.get(id)?.terms)))).collect()
    }

    /// Those above a task that are alive, the nearest first.
    pub fn ancestors<'a>(&'a self, task: &Task) -> impl Iterator<Item = &'a Task> {
        let up = |parent: Option<baton_core::task::Parent>| self.tasks.get(&parent?.id);
        std::iter::successors(up(task.parent), move |task| up(task.parent))
    }

    /// Ready tasks of one run, most urgent first, for which `fits` finds someone; at most `limit`. Those that are busy,
    /// because an older attempt has not let go yet, are passed over. What is picked
    /// counts at once: `fits` is asked with it in mind, and its locks are taken.
    pub fn pick(
        &mut self,
        run: RunId,
        limit: usize,
        is_busy: impl Fn(TaskId, &[TaskId]) -> bool,
        mut fits: impl FnMut(&Task, &TaskPolicy) -> bool,
    ) -> Vec<TaskId> {
        let Some(of_run) = self.runs.get(&run).filter(|run| !run.held) else { return Vec::new() };
        let mut heads: BTreeSet<(Place, TermsId)> =
            of_run.queues.iter().filter_map(|(terms, queue)| Some((*queue.first()?, *terms))).collect();
        let mut picked = Vec::new();
        while let Some((place, terms_id)) = heads.pop_first() {
            if picked.len() >= limit {
                break;
            }
            let next = |board: &Self| {
                let queue = board.runs.get(&run)?.queues.get(&terms_id)?;
                queue.range((Bound::Excluded(place), Bound::Unbounded)).next().copied()
            };
            let (_, id) = place;
            let Some(task) = self.tasks.get(&id) else { continue };
            let terms = Arc::clone(self.terms(terms_id));
            let above: Vec<TaskId> = self.ancestors(task).map(|task| task.id).collect();
            let away = self.in_transit.contains(&id) || is_busy(id, &above);
            if away || self.clash(task).is_some() {
                // Tasks with the same terms but another family may still be free of the clash.
                if away || task.parent.is_some() {
                    heads.extend(next(self).map(|place| (place, terms_id)));
                }
                continue;
            }
            if !fits(task, &terms) {
                continue;
            }
            self.in_transit.insert(id);
            picked.push(id);
            heads.extend(next(self).map(|place| (place, terms_id)));
        }
        picked
    }

    /// Tasks whose executor or validators are to be called and are not being called already. Each that is let through
    /// counts for the locks of those after it.
    pub fn turns(&mut self) -> Vec<(Turn, TaskId)> {
        let mut let_through = Vec::new();
        for (turn, id) in self.turns.iter().copied().collect::<Vec<_>>() {
            let Some(task) = self.tasks.get(&id).filter(|_| !self.in_transit.contains(&id)) else { continue };
            let may_go = match turn {
                Turn::Delegate => !self.is_held(task.run) && self.clash(task).is_none(),
                Turn::Executor | Turn::Acceptance => true,
            };
            if may_go {
                self.in_transit.insert(id);
                let_through.push((turn, id));
            }
        }
        let_through
    }

    /// What is due, and when something will be next.
    #[must_use]
    pub fn due(&self, now: Time) -> (Vec<TaskId>, Option<Time>) {
        let due = self.timers.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        let next = self.timers.iter().find(|(at, _)| *at > now).map(|(at, _)| *at);
        (due, next)
    }
}
