//! When lessons and consolidation begin and rest.

use super::*;

const RUN: RunId = RunId(1);

fn step(last: bool) -> Reading<Option<(Op, bool)>> {
    Ok(Some((Op::ForgetNote { note: 1 }, last)))
}

#[test]
fn consolidation_begins_with_many_events_or_after_long_and_one_step_at_a_time() {
    let mut learning = Learning::default();
    let begins = |learning: &mut Learning, now| learning.consolidate(false, Time(now)).is_some();
    assert!(!begins(&mut learning, 60_000), "nothing is new");
    learning.observe(1);
    assert!(!begins(&mut learning, 59_999) && begins(&mut learning, 60_000));
    learning.observe(5_000);
    assert!(!begins(&mut learning, 60_001), "a step is under way");
    assert!(learning.consolidated(Ok(None), Duration::ZERO, Time(60_001)).is_none());
    learning.observe(9_999);
    assert!(!begins(&mut learning, 60_001));
    learning.observe(10_000);
    assert!(begins(&mut learning, 60_001));
}

#[test]
fn what_a_step_left_is_taken_up_when_the_step_is_stored_and_only_then() {
    let mut learning = Learning::default();
    learning.observe(5_000);
    assert!(learning.consolidate(false, Time(0)).is_some());
    assert!(learning.consolidated(step(false), Duration::ZERO, Time(1)).is_some());
    assert!(learning.consolidate(false, Time(1)).is_none());
    learning.stored();
    assert!(learning.consolidate(false, Time(1)).is_some());
}

#[test]
fn consolidation_rests_while_runs_go_on() {
    let mut learning = Learning::default();
    learning.observe(5_000);
    assert!(learning.consolidate(false, Time(0)).is_some());
    let took = Duration::from_millis(100);
    assert!(learning.consolidated(step(true), took, Time(0)).is_some());
    learning.stored();
    learning.observe(10_000);
    assert!(learning.consolidate(false, Time(3_199)).is_none());
    assert!(learning.consolidate(true, Time(3_199)).is_some(), "nobody is kept waiting");
}

#[test]
fn a_run_rests_from_lessons_in_proportion_to_the_last() {
    let mut learning = Learning::default();
    assert!(learning.may_teach(RUN, Time(0)));
    learning.taught(RUN, Duration::from_millis(10), Time(100));
    assert!(!learning.may_teach(RUN, Time(339)) && learning.may_teach(RUN, Time(340)));
    assert!(learning.may_teach(RunId(2), Time(0)));
}

#[test]
fn a_task_is_told_the_notes_of_its_kind_that_count_most() {
    let mut learning = Learning::default();
    let note = |number| ("fix".to_owned(), format!("note {number}\nmore"));
    learning.put_notes((1..=6).map(note));
    let told = learning.notes("fix").expect("there are notes of this kind");
    assert_eq!((told.lines().count(), told.lines().next()), (10, Some("- note 1")));
    assert_eq!(learning.notes("other"), None);
}
