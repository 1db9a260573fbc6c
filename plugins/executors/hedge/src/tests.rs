use baton_sdk::SplitMix64;
use baton_sdk::executor::ErrorClass;
use baton_sdk::fixture::{self, failed, play, running, succeeded, with_facts};

use super::*;

const INPUT: &str = r#"{"title": "T", "input": 1.50, "skills": ["s"], "validators": ["v"], "after_ms": 500}"#;
const THREE: &str = r#"{"input": 1, "after_ms": 500, "copies": 3}"#;

fn at(now: u64, input: &str, children: Vec<Child>) -> Step {
    advance(&Request { task: fixture::task(input), children, now, seed: 0, config: Vec::new() }).unwrap()
}

fn copy(name: &str) -> NewTask {
    let task = NewTask {
        skills: vec![String::from("s")],
        validators: vec![String::from("v")],
        ..NewTask::new(name, "T", "1.50")
    };
    task.told("apart", "copies").told("contest", "true").told("effects", "pure")
}

fn done(name: &str, ended: &str) -> Child {
    let child = succeeded(name, Outcome::raw(format!("{name} did it."), String::from("[1.50]")));
    with_facts(child, &[("started-ms", "0"), ("ended-ms", ended)])
}

#[test]
fn one_starts_and_the_next_only_when_it_is_late() {
    assert_eq!(at(1000, INPUT, vec![]), Step::spawn(vec![copy("copy-1")], Wait::Until(1500)));
    let late = vec![running("copy-1")];
    assert_eq!(at(1500, INPUT, late), Step::spawn(vec![copy("copy-2")], Wait::Any));
}

#[test]
fn a_third_waits_for_its_own_time() {
    let Step::Spawn(spawn) = at(1500, THREE, vec![running("copy-1")]) else {
        panic!("no second copy");
    };
    assert_eq!(spawn.then, Wait::Until(2000));
    let Step::Spawn(spawn) = at(2000, THREE, vec![running("copy-1"), running("copy-2")]) else {
        panic!("no third copy");
    };
    assert_eq!((spawn.children[0].name.as_str(), spawn.then), ("copy-3", Wait::Any));
}

#[test]
fn the_first_that_ended_wins() {
    let Step::Finish(outcome) = at(0, INPUT, vec![done("copy-1", "90"), done("copy-2", "80")]) else {
        panic!("it did not finish");
    };
    assert_eq!((outcome.summary.as_str(), outcome.output.as_str()), ("copy-2 did it.", "[1.50]"));
    assert_eq!(outcome.attrs, [Attr::new("chosen", "copy-2"), Attr::new("hedge.copies", "2")]);
    let Step::Finish(outcome) = at(0, INPUT, vec![running("copy-1"), done("copy-2", "80")]) else {
        panic!("it waits for a loser");
    };
    assert_eq!(outcome.summary, "copy-2 did it.");
}

#[test]
fn one_failure_leaves_the_other_a_chance() {
    let children = vec![failed("copy-1", ErrorClass::Refused, "no"), running("copy-2")];
    assert_eq!(at(0, INPUT, children), Step::Wait(Wait::Any));
}

#[test]
fn when_all_fail_the_first_says_why() {
    let children =
        vec![failed("copy-1", ErrorClass::Refused, "no"), failed("copy-2", ErrorClass::Budget, "no money")];
    assert_eq!(
        at(0, INPUT, children),
        Step::Fail(Fault::new(ErrorClass::Refused, "all 2 copies failed; first: copy copy-1 failed: no"))
    );
    let alone = vec![failed("copy-1", ErrorClass::Refused, "no")];
    assert_eq!(at(0, INPUT, alone), Step::Fail(Fault::new(ErrorClass::Refused, "copy copy-1 failed: no")));
}

#[test]
fn what_changes_the_world_is_not_done_twice() {
    let mut task = fixture::task(INPUT);
    task.effects = Effects::External;
    let request = Request { task, children: Vec::new(), now: 0, seed: 0, config: Vec::new() };
    let why = "the task has external effects, and a hedge may do them twice";
    assert_eq!(advance(&request), Err(ExecutionError::BadInput(why.to_owned())));
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        (r#"{"input": 1}"#, "/after_ms: expected a number of milliseconds"),
        (r#"{"input": 1, "after_ms": 0}"#, "/after_ms: expected a number from 1 to 15768000000"),
        (r#"{"input": 1, "after_ms": 1, "copies": 5}"#, "/copies: expected a number from 2 to 4"),
    ];
    for (input, message) in cases {
        let request =
            Request { task: fixture::task(input), children: vec![], now: 0, seed: 0, config: vec![] };
        assert_eq!(advance(&request), Err(ExecutionError::BadInput(message.to_owned())), "{input}");
    }
}

fn drawn(task: &NewTask, random: &mut SplitMix64) -> Child {
    match random.chance(0.5) {
        true => failed(&task.name, ErrorClass::Transient, "drawn"),
        false => done(&task.name, &random.below(100).to_string()),
    }
}

#[test]
fn every_history_comes_to_an_end() {
    for copies in 2..=4 {
        let input = format!(r#"{{"input": 1, "after_ms": 5, "copies": {copies}}}"#);
        for seed in 0..300 {
            let played = play(&fixture::task(&input), &[], seed, advance, drawn);
            assert!(played.tasks.len() <= copies && played.calls <= copies * 2 + 1);
            match played.end.unwrap() {
                Step::Finish(_) => assert!(played.children.iter().any(Child::has_succeeded)),
                Step::Fail(_) => assert!(!played.children.iter().any(Child::has_succeeded)),
                step => panic!("{step:?}"),
            }
        }
    }
}
