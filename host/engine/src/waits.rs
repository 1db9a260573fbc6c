//! What a run waits for: one line for each cause, however many tasks it holds up.

use baton_core::id::{RunId, TaskId};
use baton_core::task::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::pool::Pool;
use crate::why::{self, Known, View, Why};

/// A cause, the first task that it holds up, and how many it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    #[serde(flatten)]
    pub why: Why,
    pub task: TaskId,
    pub tasks: usize,
}

/// Groups of ready tasks that are looked at: a run whose every task has terms of its own must not cost the loop a look
/// at each.
const LOOKED_AT: usize = 256;

/// What the ready tasks of a run wait for, if it is more than the next decision. `name` is what people call a task.
#[must_use]
pub fn waits(view: &View<'_>, run: RunId, name: impl Fn(TaskId) -> String) -> Vec<Wait> {
    let mut waits: Vec<Wait> = Vec::new();
    let waiting = view.board.ready_groups(run).filter(|(task, _)| !view.board.is_away(task.id));
    for (task, tasks) in waiting.take(LOOKED_AT) {
        let why = match view.ready(task) {
            Known::Rows => continue,
            Known::Lock { what, holder } => Why::Lock { what, holder: name(holder) },
            Known::Family { task } => {
                Why::Budget { of: format!("task {}", name(task)), what: "budget".into() }
            }
            Known::Why(why) => why,
        };
        if why.is_next() {
            continue;
        }
        match waits.iter_mut().find(|wait| wait.why.is_same_cause(&why)) {
            Some(wait) => wait.tasks += tasks,
            None => waits.push(Wait { why, task: task.id, tasks }),
        }
    }
    waits
}

/// Whether nothing of a run is under way or can start: nobody can do what is ready, or what is accepted can't land. It goes
/// on when an agent is added, the plan is amended, or what is in the way of the landing is gone.
#[must_use]
pub fn is_stuck(board: &Board, pool: &Pool, run: RunId, is_stalled: impl Fn(TaskId) -> bool) -> bool {
    // Asked after every commit: the first group that somebody can do settles it.
    let locked = |task: &Task| board.clash(task).is_some_and(|(holder, _)| is_stalled(holder));
    let nobody_can = |(task, _): (&Task, usize)| {
        !board.is_away(task.id) && (locked(task) || why::incapable(pool, board.terms(task.terms)).is_some())
    };
    let stalled = board.claimed(run).filter(|id| is_stalled(*id)).count();
    !board.is_held(run) && board.ready_groups(run).all(nobody_can) && board.only_ready_left(run, stalled)
}

impl Why {
    /// Whether two tasks wait for the same thing, whatever figures it shows at the moment.
    #[must_use]
    pub fn is_same_cause(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Busy { .. }, Self::Busy { .. }) => true,
            (Self::Breaker { agent, .. }, Self::Breaker { agent: other, .. }) => agent == other,
            (one, other) => one == other,
        }
    }

    /// Whether nothing is in the task's way but the decision itself.
    fn is_next(&self) -> bool {
        match self {
            Self::NextDecision | Self::Deciding { .. } | Self::Stopping | Self::NoHost => true,
            Self::Running { .. }
            | Self::Over { .. }
            | Self::Dependency { .. }
            | Self::Paused { .. }
            | Self::Person { .. }
            | Self::MergeQueue
            | Self::Landing { .. }
            | Self::Backoff { .. }
            | Self::Lock { .. }
            | Self::NoCapableAgent { .. }
            | Self::Budget { .. }
            | Self::Limit { .. }
            | Self::Breaker { .. }
            | Self::Busy { .. }
            | Self::Children { .. }
            | Self::Stage { .. }
            | Self::Draining => false,
        }
    }

    /// Whether somebody has to do something before it ends; work that is under way ends all other waits.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        match self {
            Self::NoCapableAgent { .. }
            | Self::Budget { .. }
            | Self::Paused { .. }
            | Self::Landing { .. }
            | Self::Person { .. } => true,
            Self::Breaker { .. }
            | Self::Running { .. }
            | Self::Over { .. }
            | Self::Dependency { .. }
            | Self::Backoff { .. }
            | Self::Lock { .. }
            | Self::Limit { .. }
            | Self::Busy { .. }
            | Self::Children { .. }
            | Self::Stage { .. }
            | Self::MergeQueue
            | Self::Stopping
            | Self::Deciding { .. }
            | Self::Draining
            | Self::NoHost
            | Self::NextDecision => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use baton_core::agent::breaker::Breaker;
    use baton_core::agent::{Agent, Card, Standing};
    use baton_core::budget::Cap;
    use baton_core::clock::Time;
    use baton_core::id::{AgentId, TermsId};
    use baton_core::task::{State, TaskPolicy};

    use super::*;
    use crate::ConcurrencyLimits;
    use crate::testing::in_state;

    const RUN: RunId = RunId(1);

    fn task(id: i64, terms: i64, state: State) -> Task {
        Task { terms: TermsId(terms), ..in_state(id, state) }
    }

    /// One agent of the skill `work`; terms 1 ask for it, terms 2 for a skill that nobody has.
    fn house(tasks: &[Task]) -> (Board, Pool) {
        let card = Card {
            name: "ann".into(),
            adapter: "mock".into(),
            skills: vec!["work".into()],
            tracks: Vec::new(),
            capacity: 1,
            config: BTreeMap::new(),
            input: None,
            output: None,
            budget: Cap::default(),
            cost: None,
        };
        let agent = Agent {
            id: AgentId(1),
            card,
            standing: Standing::Active,
            breaker: Breaker::Closed { failures: 0 },
        };
        let mut pool = Pool::default();
        pool.put(agent);
        let mut board = Board::default();
        let skilled = |skill: &str| TaskPolicy { skills: vec![skill.into()], ..TaskPolicy::default() };
        board.put_terms(TermsId(1), skilled("work"));
        board.put_terms(TermsId(2), skilled("ghost"));
        tasks.iter().for_each(|task| board.put(task.clone()));
        (board, pool)
    }

    const READY: State = State::Ready { since: Time(0) };

    #[test]
    fn a_run_is_stuck_when_nobody_can_do_what_is_left() {
        let (board, pool) = house(&[task(1, 2, READY), task(2, 2, READY), task(3, 1, State::Blocked)]);
        assert!(is_stuck(&board, &pool, RUN, |_| false));
        let view = View {
            board: &board,
            pool: &pool,
            limits: &ConcurrencyLimits::default(),
            under_way: &[],
            spent: &|_| None,
            families: &HashSet::new(),
            now: Time(0),
            host: None,
        };
        let found = waits(&view, RUN, |id| id.to_string());
        let missing = vec!["ghost".to_owned()];
        let agents = vec![("ann".to_owned(), "does not declare ghost".to_owned())];
        assert_eq!(found, [Wait { why: Why::NoCapableAgent { agents, missing }, task: TaskId(1), tasks: 2 }]);
    }

    #[test]
    fn a_run_with_work_for_somebody_or_under_way_is_not() {
        let (board, pool) = house(&[task(1, 2, READY), task(2, 1, READY)]);
        assert!(!is_stuck(&board, &pool, RUN, |_| false));
        let (mut board, pool) = house(&[task(1, 1, READY)]);
        board.depart(TaskId(1));
        assert!(!is_stuck(&board, &pool, RUN, |_| false), "it is on its way to an agent");
        let running = State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(60_000) };
        let (board, pool) = house(&[task(1, 2, READY), task(2, 1, running)]);
        assert!(!is_stuck(&board, &pool, RUN, |_| false), "what runs may still spawn or fail");
    }
}
