//! Runs that go on, and their tasks: what is due, whose turn it is, and when a run has nothing left to do.

#[cfg(test)]
mod tests;
mod timed;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use baton_core::clock::Time;
use baton_core::fault::Fault;
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::{End, Op, RunRecord};
use baton_core::seed::Seed;
use baton_core::task::{State, Task, WaitingOn};
use baton_plugin::limits::LimitKind;

use crate::board::{Board, Turn};
use crate::catalog::Catalog;
use crate::compose;
use crate::effect::Effect;

/// A run as it is followed here.
struct RunState {
    seed: Seed,
    /// Children that executors asked for, and evidence.
    children: u32,
    /// Its settlement is on its way to the store.
    settling: bool,
}

#[derive(Default)]
pub struct Runs {
    board: Board,
    /// Those that have not settled.
    runs: BTreeMap<RunId, RunState>,
    /// Runs that may have nothing left to do.
    quiet: BTreeSet<RunId>,
    /// How often executors were asked about their tasks' attempts, since this host started.
    rounds: HashMap<TaskId, (Epoch, u32)>,
    /// Tasks for which a router wanted something run first.
    consulted: HashSet<TaskId>,
}

impl Runs {
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    pub fn board_mut(&mut self) -> &mut Board {
        &mut self.board
    }

    /// Whether a run has not settled.
    #[must_use]
    pub fn goes_on(&self, run: RunId) -> bool {
        self.runs.contains_key(&run)
    }

    /// Whether all runs have settled.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty()
    }

    /// Runs that have not settled.
    #[must_use]
    pub fn ids(&self) -> Vec<RunId> {
        self.runs.keys().copied().collect()
    }

    #[must_use]
    pub fn seed(&self, run: RunId) -> Seed {
        self.runs.get(&run).map_or(Seed(0), |run| run.seed)
    }

    /// Takes a run that goes on as it is in the store. `children` are those that strategies asked for, if it is new here.
    pub fn put_run(&mut self, run: &RunRecord, children: u32) {
        self.board.hold_run(run.run, run.held);
        let state = RunState { seed: run.seed, children, settling: false };
        self.runs.entry(run.run).or_insert(state).settling = false;
        self.quiet.insert(run.run);
    }

    /// A run has settled.
    pub fn drop_run(&mut self, run: RunId) {
        self.runs.remove(&run);
        self.quiet.remove(&run);
        self.board.drop_run(run);
    }

    /// Takes a task as the store has it now. Its terms are known.
    pub fn put_task(&mut self, task: &Task) {
        if let State::Waiting { stage: WaitingOn::Routing, .. } = task.state {
            self.consulted.insert(task.id);
        }
        if task.state.is_terminal() {
            self.rounds.remove(&task.id);
            self.consulted.remove(&task.id);
        }
        self.board.put(task.clone());
        if let Some(run) = self.runs.get_mut(&task.run) {
            run.settling &= task.state.is_terminal();
            if !self.board.is_active(task.run) {
                self.quiet.insert(task.run);
            }
        }
    }

    /// Tasks for which a router had something run first, as the store has them at start.
    pub fn put_consulted(&mut self, tasks: HashSet<TaskId>) {
        self.consulted = tasks;
    }

    #[must_use]
    pub fn was_consulted(&self, task: TaskId) -> bool {
        self.consulted.contains(&task)
    }

    /// Backoffs that are over, waits whose time has come, deadlines that passed. `unanswered` says what the policy makes of
    /// a question whose time is over.
    pub fn due(&mut self, now: Time, unanswered: impl Fn(&Task) -> Option<Op>) -> Vec<Effect> {
        let (due, _) = self.board.due(now);
        let mut effects = Vec::new();
        for id in due {
            let Some(task) = self.board.task(id).filter(|_| !self.board.is_away(id)) else { continue };
            let asks = matches!(task.state, State::Waiting { stage: WaitingOn::Person, need: Some(_), .. });
            let op = timed::due(task, now).or_else(|| if asks { unanswered(task) } else { None });
            if let Some(op) = op {
                self.board.depart(id);
                effects.push(op.into());
            }
        }
        effects
    }

    /// When something happens by itself next.
    #[must_use]
    pub fn next(&self, now: Time) -> Option<Time> {
        self.board.due(now).1
    }

    /// Tasks whose executor or validators are to be called now.
    pub fn turns(&mut self) -> Vec<(Turn, Task)> {
        let turns = self.board.turns();
        turns.into_iter().filter_map(|(turn, id)| Some((turn, self.board.task(id)?.clone()))).collect()
    }

    /// How often its executor was asked before about this attempt.
    pub fn round(&mut self, task: &Task) -> u32 {
        let (epoch, rounds) = self.rounds.entry(task.id).or_insert((task.epoch, 0));
        if *epoch != task.epoch {
            (*epoch, *rounds) = (task.epoch, 0);
        }
        *rounds += 1;
        *rounds - 1
    }

    /// The operation, or the end of a task whose executor wants more children than its run may have.
    pub fn bounded(&mut self, op: Op, catalog: &Catalog) -> Op {
        let Op::Spawn { task, epoch, stage: WaitingOn::Executor, ref children, .. } = op else { return op };
        let Some(known) = self.board.task(task) else { return op };
        let executor = self.board.terms(known.terms).executor.clone().unwrap_or_default();
        let Some(run) = self.runs.get_mut(&known.run) else { return op };
        let more = u32::try_from(children.len()).unwrap_or(u32::MAX);
        let all = run.children.saturating_add(more);
        let limits = catalog.executor_limits(&executor);
        if limits.asks.children_per_run.is_some_and(|most| all > most) {
            let error = limits.exceeded(&executor, LimitKind::ChildrenPerRun);
            let fault = Fault::new(compose::class(&error), error.to_string());
            return Op::Finish { task, epoch, end: End::Failed { fault, checks: Vec::new() } };
        }
        run.children = all;
        op
    }

    /// Settles runs that have nothing left to do. `is_idle` says whether nothing is being asked about a run.
    pub fn settle(&mut self, is_idle: impl Fn(RunId) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        let (runs, board) = (&mut self.runs, &self.board);
        self.quiet.retain(|id| {
            let Some(run) = runs.get_mut(id).filter(|run| !run.settling && !board.is_active(*id)) else {
                return false;
            };
            let idle = is_idle(*id);
            if idle {
                run.settling = true;
                effects.push(Op::Settle { run: *id }.into());
            }
            !idle
        });
        effects
    }
}
