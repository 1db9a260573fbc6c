//! Queues, locks, families, holds and timers of the board, by tables and by chance.

use baton_core::clock::Time;
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::scope::Scope;
use baton_core::task::policy::Effects;
use baton_core::task::{Need, Parent, Role, State, Task, TaskPolicy, WaitingOn};
use proptest::prelude::*;

use super::terms::TermsInUse;
use super::{Board, Turn};
use crate::testing::ready;

const RUN: RunId = RunId(1);
const MINUTE: i64 = 60_000;

fn in_state(id: i64, state: State) -> Task {
    Task { state, ..ready(id) }
}

fn running(id: i64) -> Task {
    in_state(id, State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(0) })
}

fn waiting(id: i64, stage: WaitingOn, need: Option<Need>) -> Task {
    in_state(id, State::Waiting { stage, need, since: Time(0) })
}

fn succeeded(task: &Task) -> Task {
    Task { state: State::Succeeded { at: Time(0) }, ..task.clone() }
}

fn writes(path: &str) -> TaskPolicy {
    let scope = Scope { writes: vec![path.parse().expect("a pattern")], ..Scope::default() };
    TaskPolicy { scope, ..TaskPolicy::default() }
}

/// A board whose terms are numbered from 1 in this order.
fn board(terms: &[TaskPolicy], tasks: &[Task]) -> Board {
    let mut board = Board::default();
    for (terms, id) in terms.iter().zip(1..) {
        board.put_terms(TermsId(id), terms.clone());
    }
    tasks.iter().for_each(|task| board.put(task.clone()));
    board
}

fn pick(board: &mut Board, limit: usize) -> Vec<i64> {
    board.pick(RUN, limit, |_, _| false, |_, _| true).into_iter().map(|id| id.0).collect()
}

#[test]
fn the_most_urgent_goes_first_and_a_minute_of_waiting_is_a_step_of_priority() {
    let at = |id, minutes: i64, priority| {
        let since = Time(minutes * MINUTE);
        Task { state: State::Ready { since }, priority, ..ready(id) }
    };
    let mut board = board(&[TaskPolicy::default()], &[at(1, 0, 0), at(2, 2, 3), at(3, 2, 1), at(4, 0, 0)]);
    assert_eq!(pick(&mut board, 9), [2, 1, 4, 3]);
    assert_eq!(pick(&mut board, 9), [0_i64; 0], "what is picked is away until the store answers");
    board.return_(TaskId(3));
    assert_eq!(pick(&mut board, 9), [3]);
}

#[test]
fn nothing_starts_that_a_person_holds() {
    let held = Task { held: true, ..ready(1) };
    let mut board = board(&[TaskPolicy::default()], &[held, ready(2)]);
    assert_eq!(pick(&mut board, 9), [2]);
    board.return_(TaskId(2));
    board.hold_run(RUN, true);
    assert_eq!(pick(&mut board, 9), [0_i64; 0]);
    assert!(board.is_paused(RUN));
}

#[test]
fn tasks_that_write_the_same_paths_take_turns() {
    let terms = [writes("src/**"), writes("docs/**"), writes("src/a.rs")];
    let with = |id, terms| Task { terms: TermsId(terms), ..ready(id) };
    let mut board = board(&terms, &[with(1, 1), with(2, 2), with(3, 3)]);
    assert_eq!(pick(&mut board, 9), [1, 2]);
    board.put(Task { terms: TermsId(1), ..running(1) });
    assert_eq!(board.clash(&with(3, 3)).map(|(holder, _)| holder), Some(TaskId(1)));
    board.put(Task { terms: TermsId(1), ..waiting(1, WaitingOn::Acceptance, None) });
    board.narrow(TaskId(1), vec!["src/b.rs".parse().expect("a pattern")]);
    assert_eq!(pick(&mut board, 9), [3], "what is claimed locks only what it changed");
}

#[test]
fn a_part_is_not_locked_out_by_what_it_is_a_part_of() {
    let parent = waiting(1, WaitingOn::Executor, Some(Need { ended: 1, until: None }));
    let part = Parent { id: TaskId(1), epoch: Epoch(0), role: Role::Part };
    let mut board = board(&[writes("src/**")], &[parent, Task { parent: Some(part), ..ready(2) }, ready(3)]);
    assert_eq!(pick(&mut board, 9), [2], "a stranger waits");
}

#[test]
fn what_comes_again_after_a_conflict_is_alone_in_the_workspace() {
    let change = TaskPolicy { effects: Effects::Workspace, ..TaskPolicy::default() };
    let again = Task { conflicts: 1, ..ready(2) };
    let mut board = board(&[change], &[running(1), again.clone(), ready(3)]);
    assert_eq!(pick(&mut board, 9), [0_i64; 0], "nobody begins before it");
    board.put(succeeded(&ready(1)));
    assert_eq!(pick(&mut board, 9), [2]);
    board.put(Task { conflicts: 1, ..running(2) });
    assert_eq!(pick(&mut board, 9), [0_i64; 0], "nor beside it");
    board.put(succeeded(&again));
    assert_eq!(pick(&mut board, 9), [3]);
}

#[test]
fn an_executor_is_called_once_until_its_task_has_moved() {
    let composite = TaskPolicy { executor: Some("parallel".into()), ..TaskPolicy::default() };
    let mut board = board(&[composite], &[ready(1), waiting(2, WaitingOn::Executor, None)]);
    assert_eq!(board.turns(), [(Turn::Delegate, TaskId(1)), (Turn::Executor, TaskId(2))]);
    assert_eq!(board.turns(), []);
    board.put(Task { epoch: Epoch(1), ..waiting(1, WaitingOn::Executor, None) });
    assert_eq!(board.turns(), [(Turn::Executor, TaskId(1))]);
}

#[test]
fn times_at_which_something_happens_come_in_their_order() {
    let until = in_state(1, State::Backoff { until: Time(30) });
    let board = board(&[TaskPolicy::default()], &[until, Task { deadline: Some(Time(20)), ..ready(2) }]);
    assert_eq!(board.due(Time(10)), (vec![], Some(Time(20))));
    assert_eq!(board.due(Time(30)), (vec![TaskId(2), TaskId(1)], None));
}

#[test]
fn a_run_is_paused_when_all_that_could_go_on_waits_for_a_person() {
    let asked = waiting(1, WaitingOn::Person, None);
    let locked = ready(2);
    let mut board = board(&[writes("src/**")], &[asked.clone(), locked, in_state(3, State::Blocked)]);
    assert!(board.is_paused(RUN), "the second is behind the lock of the first");
    board.put(in_state(4, State::Backoff { until: Time(9) }));
    assert!(!board.is_paused(RUN), "it comes again by itself");
    board.put(succeeded(&ready(4)));
    board.put(waiting(5, WaitingOn::Executor, Some(Need { ended: 1, until: None })));
    assert!(board.is_paused(RUN), "a parent waits for its parts, which are looked at themselves");
    board.put(running(6));
    assert!(!board.is_paused(RUN));
}

#[test]
fn a_run_stands_still_when_nobody_may_be_given_what_is_ready() {
    let mut board =
        board(&[TaskPolicy::default()], &[ready(1), in_state(2, State::Backoff { until: Time(9) })]);
    assert!(!board.stands_still(RUN, false, |_| true), "a backoff ends by itself");
    assert!(board.stands_still(RUN, true, |_| false));
    board.put(Task { held: true, ..ready(2) });
    assert!(board.stands_still(RUN, false, |_| true));
    assert!(!board.stands_still(RUN, false, |_| false));
    board.put(running(3));
    assert!(!board.stands_still(RUN, true, |_| true));
}

#[test]
fn nothing_is_kept_of_a_run_that_has_settled_but_deadlines() {
    let late = Task { deadline: Some(Time(50)), ..in_state(2, State::Blocked) };
    let mut board = board(&[TaskPolicy::default()], &[in_state(1, State::Blocked), late.clone()]);
    board.drop_run(RUN);
    assert_eq!(board.tasks().map(|task| task.id).collect::<Vec<_>>(), [TaskId(2)]);
    assert_eq!(board.due(Time(0)), (vec![], Some(Time(50))));
    board.put(Task {
        state: State::Failed { at: Time(50), class: baton_core::fault::ErrorClass::Deadline },
        ..late
    });
    board.drop_run(RUN);
    assert_eq!((board.tasks().count(), board.runs().count()), (0, 0));
}

#[test]
fn terms_that_no_task_has_any_more_are_forgotten() {
    let mut terms = TermsInUse::default();
    terms.put(TermsId(0), TaskPolicy::default());
    terms.take(TermsId(0));
    for id in 1..10_000 {
        terms.put(TermsId(id), TaskPolicy::default());
        terms.take(TermsId(id));
        terms.release(TermsId(id));
    }
    assert!(terms.get(TermsId(0)).is_some(), "a task has them");
    assert!(terms.len() <= 1100, "{} are kept", terms.len());
}

proptest! {
    /// Whatever is picked, runs and ends in whatever order: no two that hold clashing scopes are under way at once, and
    /// all of them come to run.
    #[test]
    fn no_two_clashing_scopes_run_and_nothing_ready_starves(
        scopes in prop::collection::vec(0..SCOPES.len(), 1..40),
        draws in prop::collection::vec(any::<prop::sample::Index>(), 80),
        room in 1_usize..6,
    ) {
        let terms: Vec<TaskPolicy> = SCOPES.iter().map(|path| if path.is_empty() { TaskPolicy::default() } else { writes(path) }).collect();
        let tasks: Vec<Task> = scopes.iter().zip(1..).map(|(scope, id)| Task {
            terms: TermsId(i64::try_from(*scope).expect("small") + 1),
            priority: i32::try_from(id % 3).expect("small"),
            ..ready(id)
        }).collect();
        let mut board = board(&terms, &tasks);
        let mut under_way: Vec<Task> = Vec::new();
        let mut done = 0;
        let mut draws = draws.iter().cycle();
        while done < tasks.len() {
            let mut left = room - under_way.len();
            let fits = |_: &Task, _: &TaskPolicy| { let fits = left > 0; left -= usize::from(fits); fits };
            for id in board.pick(RUN, 9, |_, _| false, fits) {
                let task = Task { epoch: Epoch(1), ..running(id.0) };
                let task = Task { terms: board.task(id).expect("it is on the board").terms, ..task };
                board.put(task.clone());
                under_way.push(task);
            }
            prop_assert!(!under_way.is_empty(), "{} are ready and nothing starts", tasks.len() - done);
            for (place, one) in under_way.iter().enumerate() {
                for other in &under_way[place + 1..] {
                    let clash = board.terms(one.terms).scope.conflict(&board.terms(other.terms).scope);
                    prop_assert_eq!(clash, None, "{} and {}", one.id, other.id);
                }
            }
            let over = draws.next().expect("they go round").index(under_way.len());
            board.put(succeeded(&under_way.swap_remove(over)));
            done += 1;
        }
    }

    /// While one task a minute arrives and one a minute is picked, an old one of no urgency waits for no more than those
    /// that were there and those that its age does not outweigh.
    #[test]
    fn urgent_newcomers_do_not_keep_old_work_waiting(
        backlog in 1_usize..20,
        arrivals in prop::collection::vec(0_i32..=5, 60),
    ) {
        let mut board = board(&[TaskPolicy::default()], &[]);
        let at = |id: i64, minute: usize, priority| Task {
            state: State::Ready { since: Time(i64::try_from(minute).expect("small") * MINUTE) },
            priority,
            ..ready(id)
        };
        let mut arrived: Vec<usize> = Vec::new();
        for _ in 0..backlog {
            arrived.push(0);
            board.put(at(i64::try_from(arrived.len()).expect("small"), 0, 0));
        }
        for (minute, priority) in arrivals.iter().enumerate() {
            arrived.push(minute);
            board.put(at(i64::try_from(arrived.len()).expect("small"), minute, *priority));
            let picked = pick(&mut board, 1);
            let id = usize::try_from(picked[0]).expect("positive");
            let waited = minute - arrived[id - 1];
            prop_assert!(waited <= backlog + 6, "task {id} waited {waited} minutes behind {backlog}");
            board.put(succeeded(&ready(picked[0])));
        }
    }
}

const SCOPES: [&str; 6] = ["", "src/**", "src/a.rs", "src/b.rs", "docs/**", "**"];
