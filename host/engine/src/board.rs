//! What could run: every live task with its terms, the ready ones in order, and the locks that are held. A projection
//! of rows, rebuilt from them at start and kept by what each operation says it changed. No input or output.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use baton_core::clock::Time;
use baton_core::id::{AgentId, RunId, TaskId, TermsId};
use baton_core::scope::{Glob, Scope, ScopeConflict};
use baton_core::task::policy::Effects;
use baton_core::task::{Need, State, Task, TaskPolicy, WaitingOn};

/// Priority gained for each minute of waiting, so that nothing starves.
const AGEING_MS: i64 = 60_000;

/// Where a ready task stands in line: what was submitted with priority p at time t goes before what has less of
/// both; a minute of waiting is worth one step of priority. Fixed while it waits, because all age alike.
type Place = (i64, TaskId);

fn place(task: &Task, since: Time) -> Place {
    if task.conflicts > 0 {
        // All others wait for it.
        return (i64::MIN, task.id);
    }
    (since.0 - i64::from(task.priority) * AGEING_MS, task.id)
}

/// Ready tasks of one run with the same terms: what is true of the first is true of all.
type Line = BTreeSet<Place>;

#[derive(Clone, Debug, Default)]
struct RunBoard {
    held: bool,
    lines: BTreeMap<TermsId, Line>,
    /// Tasks that can go on by themselves or are going on.
    active: usize,
    /// Of these, tasks that wait for their children, which are counted themselves.
    parents: usize,
    live: usize,
}

#[derive(Default)]
pub struct Board {
    tasks: HashMap<TaskId, Task>,
    terms: HashMap<TermsId, Arc<TaskPolicy>>,
    runs: BTreeMap<RunId, RunBoard>,
    /// Ready composite tasks and waiting ones whose stage has the word.
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
        self.terms.insert(id, Arc::new(terms));
    }

    #[must_use]
    pub fn knows_terms(&self, id: TermsId) -> bool {
        self.terms.contains_key(&id)
    }

    /// # Panics
    /// If the terms were not put before the task.
    #[must_use]
    pub fn terms(&self, id: TermsId) -> &Arc<TaskPolicy> {
        self.terms.get(&id).expect("terms are put before tasks that have them")
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

    #[must_use]
    pub fn is_held(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.held)
    }

    /// Whether anything of a run is under way or may start.
    #[must_use]
    pub fn is_active(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.active > 0)
    }

    /// Whether nothing of a run can start or go on before a person lifts a hold.
    #[must_use]
    pub fn is_paused(&self, run: RunId) -> bool {
        let run_held = self.is_held(run);
        let mut of_run = self.tasks.values().filter(|task| task.run == run && is_active(task)).peekable();
        of_run.peek().is_some()
            && of_run.all(|task| match task.state {
                // One that is locked out goes on with whoever locks it: a task of this run is looked at as well, and
                // one of another run ends by itself.
                State::Ready { .. } => task.held || run_held || self.is_locked_by_own(task),
                State::Backoff { .. } => task.held || run_held,
                State::Waiting { stage: WaitingOn::Person, need: None, .. } => true,
                // It waits for its children, which are looked at themselves.
                State::Waiting { need: Some(Need { until: None, .. }), .. } => true,
                State::Running { .. }
                | State::Waiting { .. }
                | State::Blocked
                | State::Succeeded { .. }
                | State::Failed { .. }
                | State::Cancelled { .. }
                | State::Skipped { .. } => false,
            })
    }

    fn is_locked_by_own(&self, task: &Task) -> bool {
        let holder = self.clash(task).and_then(|(holder, _)| self.tasks.get(&holder));
        holder.is_some_and(|holder| holder.run == task.run)
    }

    /// Ready tasks of a run that agents do, in groups for which the same agents are right: the first of each group, and
    /// how many it has.
    pub fn ready_groups(&self, run: RunId) -> impl Iterator<Item = (&Task, usize)> {
        let lines = self.runs.get(&run).into_iter().flat_map(|run| run.lines.values());
        lines.filter_map(|line| Some((self.tasks.get(&line.first()?.1)?, line.len())))
    }

    /// Whether all that is alive of a run is ready for agents, one of `others`, behind such a task, or a parent of one.
    #[must_use]
    pub fn only_ready_left(&self, run: RunId, others: usize) -> bool {
        let Some(run) = self.runs.get(&run) else { return false };
        let ready: usize = run.lines.values().map(BTreeSet::len).sum();
        ready + others > 0 && run.active == ready + others + run.parents
    }

    /// Tasks of a run that claim to be done, whose validators or the merge queue have the word.
    pub fn claimed(&self, run: RunId) -> impl Iterator<Item = TaskId> + '_ {
        let claimed = self.turns.iter().filter(|(turn, _)| *turn == Turn::Acceptance).map(|(_, id)| *id);
        claimed.filter(move |id| self.tasks.get(id).is_some_and(|task| task.run == run))
    }

    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        self.runs.keys().copied()
    }

    /// Takes a task as the store has it now.
    pub fn put(&mut self, task: Task) {
        if let Some(before) = self.tasks.remove(&task.id) {
            self.unindex(&before);
            if before.state != task.state || before.epoch != task.epoch {
                self.return_(task.id);
            }
        }
        if !matches!(task.state, State::Waiting { .. }) {
            self.narrowed.remove(&task.id);
        }
        let run = self.runs.entry(task.run).or_default();
        if task.state.is_terminal() {
            return;
        }
        run.live += 1;
        run.active += usize::from(is_active(&task));
        run.parents += usize::from(is_parent(&task));
        self.index(&task);
        self.tasks.insert(task.id, task);
    }

    fn index(&mut self, task: &Task) {
        let terms = Arc::clone(self.terms(task.terms));
        match task.state {
            State::Ready { .. } if task.held => {}
            State::Ready { .. } if terms.executor.is_some() => {
                self.turns.insert((Turn::Delegate, task.id));
            }
            State::Ready { since } => {
                let run = self.runs.entry(task.run).or_default();
                run.lines.entry(task.terms).or_default().insert(place(task, since));
            }
            State::Waiting { stage: WaitingOn::Executor, need: None, .. } => {
                self.turns.insert((Turn::Executor, task.id));
            }
            State::Waiting { stage: WaitingOn::Acceptance, need: None, .. } => {
                self.turns.insert((Turn::Acceptance, task.id));
            }
            State::Waiting { .. }
            | State::Blocked
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Skipped { .. } => {}
        }
        if let State::Running { agent, .. } = task.state {
            self.busy.entry(agent).or_default().insert(task.id);
        }
        self.timers.extend(timers(task).map(|at| (at, task.id)));
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
            run.live -= 1;
            run.active -= usize::from(is_active(task));
            run.parents -= usize::from(is_parent(task));
            if let State::Ready { since } = task.state
                && let Some(line) = run.lines.get_mut(&task.terms)
            {
                line.remove(&place(task, since));
                if line.is_empty() {
                    run.lines.remove(&task.terms);
                }
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
        for at in timers(task) {
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

    /// The terms of what runs, or was picked and is on its way to run.
    #[must_use]
    pub fn under_way(&self) -> Vec<Arc<TaskPolicy>> {
        let is_picked =
            |id: &&TaskId| self.tasks.get(*id).is_some_and(|task| matches!(task.state, State::Ready { .. }));
        let picked = self.in_transit.iter().filter(is_picked);
        let busy = self.busy.values().flatten().chain(picked).collect::<HashSet<_>>();
        busy.into_iter().filter_map(|id| Some(Arc::clone(self.terms(self.tasks.get(id)?.terms)))).collect()
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

    /// Takes a pick back that the store did not carry out, or has answered.
    pub fn return_(&mut self, id: TaskId) {
        self.in_transit.remove(&id);
        if let Some(agent) = self.promised.remove(&id)
            && let Some(tasks) = self.busy.get_mut(&agent)
        {
            tasks.remove(&id);
        }
    }

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
            of_run.lines.iter().filter_map(|(terms, line)| Some((*line.first()?, *terms))).collect();
        let mut picked = Vec::new();
        while let Some((place, terms_id)) = heads.pop_first() {
            if picked.len() >= limit {
                break;
            }
            let next = |board: &Self| {
                let line = board.runs.get(&run)?.lines.get(&terms_id)?;
                line.range((std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded)).next().copied()
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

    /// Tasks whose stage has the word and is not being asked already. Each that is let through counts for the locks of
    /// those after it.
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

    /// How many tasks an agent runs or is about to.
    #[must_use]
    pub fn load(&self, agent: AgentId) -> u32 {
        self.busy.get(&agent).map_or(0, |tasks| u32::try_from(tasks.len()).unwrap_or(u32::MAX))
    }

    /// Live tasks of a run.
    #[must_use]
    pub fn live(&self, run: RunId) -> usize {
        self.runs.get(&run).map_or(0, |run| run.live)
    }
}

/// Whether a task is under way or will go on by itself: everything alive but what is blocked.
fn is_active(task: &Task) -> bool {
    task.state != State::Blocked
}

/// Whether a task goes on only when children of it have ended.
fn is_parent(task: &Task) -> bool {
    matches!(task.state, State::Waiting { need: Some(Need { until: None, .. }), .. })
}

/// The times at which something happens to a task by itself.
fn timers(task: &Task) -> impl Iterator<Item = Time> {
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
