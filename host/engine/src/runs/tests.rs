//! What is due, whose turn it is, and when a run settles.

use baton_core::id::AgentId;
use baton_core::op::Until;
use baton_core::plan::Workstream;
use baton_core::task::{Need, TaskPolicy};

use super::*;
use crate::testing::{RUN, TERMS, in_state, ready, record, waiting};

fn runs(terms: TaskPolicy, tasks: &[Task]) -> Runs {
    let mut runs = Runs::default();
    runs.board_mut().put_terms(TERMS, terms);
    runs.put_run(&record(), 0);
    tasks.iter().for_each(|task| runs.put_task(task));
    runs
}

fn ops(effects: Vec<Effect>) -> Vec<Op> {
    let op = |effect| match effect {
        Effect::Apply(op) => op,
        Effect::Start(work) => panic!("only operations are expected, not {work:?}"),
    };
    effects.into_iter().map(op).collect()
}

fn settled(runs: &mut Runs) -> usize {
    runs.settle(|_| true).len()
}

#[test]
fn a_run_settles_once_when_nothing_of_it_can_go_on() {
    let mut runs = runs(TaskPolicy::default(), &[ready(1), in_state(2, State::Blocked)]);
    assert_eq!(settled(&mut runs), 0);
    runs.put_task(&in_state(1, State::Succeeded { at: Time(1) }));
    assert!(runs.settle(|_| false).is_empty(), "a question is under way");
    assert_eq!((settled(&mut runs), settled(&mut runs)), (1, 0));
    runs.put_task(&ready(3));
    runs.put_task(&in_state(3, State::Succeeded { at: Time(2) }));
    assert_eq!(settled(&mut runs), 1, "what came meanwhile was done");
}

#[test]
fn an_empty_run_settles() {
    assert_eq!(settled(&mut runs(TaskPolicy::default(), &[])), 1);
}

#[test]
fn nothing_is_kept_of_a_run_that_has_settled() {
    let mut runs = runs(TaskPolicy::default(), &[ready(1), in_state(2, State::Blocked)]);
    runs.put_task(&in_state(1, State::Succeeded { at: Time(1) }));
    runs.drop_run(RUN);
    assert!(runs.is_idle() && runs.quiet.is_empty() && runs.board().tasks().next().is_none());
    runs.put_task(&in_state(1, State::Failed { at: Time(1), class: baton_core::fault::ErrorClass::Other }));
    assert_eq!((runs.board().runs().count(), settled(&mut runs)), (0, 0));
}

#[test]
fn what_is_due_is_asked_for_once_until_the_store_has_answered() {
    let backoff = in_state(1, State::Backoff { until: Time(10) });
    let mut runs = runs(TaskPolicy::default(), &[backoff]);
    assert_eq!(runs.next(Time(0)), Some(Time(10)));
    assert!(runs.due(Time(9), |_| None).is_empty());
    assert_eq!(ops(runs.due(Time(10), |_| None)), [Op::Due { task: TaskId(1) }]);
    assert!(runs.due(Time(11), |_| None).is_empty());
    runs.board_mut().return_(TaskId(1));
    assert_eq!(runs.due(Time(11), |_| None).len(), 1, "it was refused, and is tried again");
}

#[test]
fn a_deadline_ends_what_has_not_begun_and_what_waits_but_not_what_runs() {
    let late = |task: Task| Task { deadline: Some(Time(10)), ..task };
    let running = State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(99) };
    let tasks =
        [ready(1), in_state(2, State::Blocked), in_state(3, running), waiting(4, WaitingOn::Acceptance)];
    let mut runs = runs(TaskPolicy::default(), &tasks.map(late));
    let ended: Vec<_> = ops(runs.due(Time(10), |_| None))
        .into_iter()
        .map(|op| match op {
            Op::Reject { task, fault } | Op::Finish { task, end: End::Failed { fault, .. }, .. } => {
                (task.0, fault.class.to_string())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ended, [1, 2, 4].map(|id| (id, "deadline".to_owned())));
}

#[test]
fn a_question_whose_time_is_over_is_the_policys() {
    let need = Some(Need { ended: 1, until: Some(Time(10)) });
    let asked = in_state(1, State::Waiting { stage: WaitingOn::Person, need, since: Time(0) });
    let mut runs = runs(TaskPolicy::default(), &[asked]);
    let wake = |task: &Task| Some(Op::Wake { task: task.id });
    assert!(runs.due(Time(9), wake).is_empty());
    assert_eq!(ops(runs.due(Time(10), wake)), [Op::Wake { task: TaskId(1) }]);
}

#[test]
fn an_executor_that_wants_more_children_than_its_run_may_have_fails_its_task() {
    let composite = TaskPolicy { executor: Some("parallel".into()), ..TaskPolicy::default() };
    let mut runs = runs(composite, &[waiting(1, WaitingOn::Executor)]);
    let catalog = Catalog::default();
    let most = catalog.executor_limits("parallel").asks.children_per_run.expect("there is a limit");
    let spawn = |count: u32| Op::Spawn {
        task: TaskId(1),
        epoch: Epoch(0),
        stage: WaitingOn::Executor,
        children: (0..count).map(|number| Workstream::named(number.to_string())).collect(),
        until: Until::All,
    };
    assert_eq!(runs.bounded(spawn(most), &catalog), spawn(most));
    let refused = runs.bounded(spawn(1), &catalog);
    assert!(
        matches!(&refused, Op::Finish { end: End::Failed { fault, .. }, .. } if fault.message.contains("children-per-run")),
        "{refused:?}"
    );
}

#[test]
fn rounds_are_counted_for_each_attempt() {
    let mut runs = runs(TaskPolicy::default(), &[]);
    let first = ready(1);
    let second = Task { epoch: Epoch(1), ..ready(1) };
    assert_eq!([&first, &first, &second, &second].map(|task| runs.round(task)), [0, 1, 0, 1]);
}
