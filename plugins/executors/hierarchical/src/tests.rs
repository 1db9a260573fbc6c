use baton_sdk::SplitMix64;
use baton_sdk::executor::{ErrorClass, Outcome};
use baton_sdk::fixture::{self, failed, play, running, succeeded};
use serde_json::{Value, json};

use super::*;

const INPUT: &str = r#"{"goal": "G", "context": {"k": 1.50}, "lead": {"agent": "boss"}, "team": {"skills": ["rust"]},
    "max": 3, "validators": ["tests"]}"#;
const DIVISION: &str = r#"{"tasks": [{"name": "a", "title": "A", "input": 1.50, "skills": ["rust", "sql"]},
    {"name": "b", "title": "B", "input": "x"}]}"#;
const RANKING: &str = r#"{"ranking": ["b", "a"], "answer": {"n": 2.50}}"#;

fn step(children: Vec<Child>) -> Step {
    let request = Request { task: fixture::task(INPUT), children, now: 0, seed: 0, config: Vec::new() };
    advance(&request).unwrap()
}

fn done(name: &str, output: &str) -> Child {
    succeeded(name, Outcome::raw(format!("{name} done."), output.to_owned()))
}

fn spawned(step: Step) -> Vec<NewTask> {
    let Step::Spawn(spawn) = step else {
        panic!("it did not spawn: {step:?}");
    };
    assert_eq!(spawn.then, Wait::All);
    spawn.children
}

fn input(task: &NewTask) -> Value {
    serde_json::from_str(&task.input).unwrap()
}

#[test]
fn the_lead_divides_first() {
    let tasks = spawned(step(vec![]));
    assert_eq!((tasks[0].name.as_str(), tasks[0].agent.as_deref()), ("divide-1", Some("boss")));
    assert!(tasks[0].input.contains(r#""context":{"k": 1.50}"#));
    let contract = &tasks[0].attrs.iter().find(|attr| attr.name == "baton.contract").unwrap().value;
    assert!(contract.contains(r#""maxItems":3"#));
}

#[test]
fn the_team_does_the_parts() {
    let tasks = spawned(step(vec![done("divide-1", DIVISION)]));
    let part = |name: &str, title: &str, input: &str, skills: &[&str]| {
        let task = NewTask {
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            validators: vec![String::from("tests")],
            ..NewTask::new(name, title, input)
        };
        task.told("apart", "parts").told("effects", "pure")
    };
    assert_eq!(tasks, [part("a", "A", "1.50", &["rust", "sql"]), part("b", "B", "\"x\"", &["rust"])]);
}

#[test]
fn the_lead_ranks_what_came_back() {
    let mut children = vec![done("divide-1", DIVISION), done("a", "1"), running("b")];
    assert_eq!(step(children.clone()), Step::Wait(Wait::All));
    children[2] = done("b", "2");
    let tasks = spawned(step(children.clone()));
    assert_eq!(tasks[0].name, "rank-1");
    let results = &input(&tasks[0])["results"];
    assert_eq!((&results[0]["name"], &results[1]["output"]), (&json!("a"), &json!(2)));
    children.push(done("rank-1", RANKING));
    let Step::Finish(outcome) = step(children) else {
        panic!("it did not finish");
    };
    assert_eq!(outcome.summary, "2 of 2 parts done, best: b");
    assert!(outcome.output.starts_with(
        r#"{"answer":{"n": 2.50},"ranking":["b","a"],"parts":{"a":1,"b":2},"failed":[],"metrics":{"#
    ));
}

#[test]
fn a_part_that_failed_is_told_and_not_ranked() {
    let children =
        vec![done("divide-1", DIVISION), done("a", "1"), failed("b", ErrorClass::Refused, "would not")];
    let tasks = spawned(step(children.clone()));
    assert_eq!(input(&tasks[0])["failed"], json!([{"name": "b", "why": "would not"}]));
    let mut wrong = children.clone();
    wrong.push(done("rank-1", RANKING));
    let tasks = spawned(step(wrong));
    assert_eq!(input(&tasks[0])["repair"]["errors"], json!(["/ranking/0: \"b\" is none of the results"]));
}

#[test]
fn a_ranking_is_repaired_once() {
    let mut children = vec![done("divide-1", DIVISION), done("a", "1"), done("b", "2")];
    children.push(done("rank-1", r#"{"ranking": ["a", "a", "c"]}"#));
    let tasks = spawned(step(children.clone()));
    assert_eq!(tasks[0].name, "rank-2");
    let errors = json!([
        "/ranking/1: \"a\" is named twice",
        "/ranking/2: \"c\" is none of the results",
        "/ranking: \"b\" is missing",
        "/answer: is missing",
    ]);
    assert_eq!(input(&tasks[0])["repair"]["errors"], errors);
    children.push(done("rank-2", "[]"));
    let why = "the answer to rank was wrong twice; at last: the answer: expected an object";
    assert_eq!(step(children), Step::Fail(Fault::new(ErrorClass::InvalidOutput, why)));
}

#[test]
fn a_division_is_repaired_once() {
    let own = r#"{"tasks": [{"name": "rank-1", "title": "A", "input": 1}]}"#;
    let mut children = vec![done("divide-1", own)];
    let tasks = spawned(step(children.clone()));
    assert_eq!(tasks[0].name, "divide-2");
    children.push(done("divide-2", DIVISION));
    assert_eq!(spawned(step(children)).len(), 2);
}

#[test]
fn when_all_parts_fail_the_first_says_why() {
    let children = vec![
        done("divide-1", DIVISION),
        failed("a", ErrorClass::Budget, "no money"),
        failed("b", ErrorClass::Refused, "no"),
    ];
    let why = "all 2 parts failed; first: part a failed: no money";
    assert_eq!(step(children), Step::Fail(Fault::new(ErrorClass::Budget, why)));
}

fn drawn(task: &NewTask, random: &mut SplitMix64) -> Child {
    if random.chance(0.1) {
        return failed(&task.name, ErrorClass::Transient, "drawn");
    }
    let wrong = random.chance(0.3);
    match task.name.split_once('-').map(|(stem, _)| stem) {
        Some("divide") if wrong => done(&task.name, r#"{"tasks": [{}]}"#),
        Some("divide") => done(&task.name, DIVISION),
        Some("rank") if wrong => done(&task.name, r#"{"ranking": ["a"], "answer": 1}"#),
        Some(_) => done(&task.name, RANKING),
        None => done(&task.name, "1"),
    }
}

#[test]
fn every_history_comes_to_an_end() {
    for seed in 0..500 {
        let played = play(&fixture::task(INPUT), &[], seed, advance, drawn);
        assert!(matches!(played.end, Ok(Step::Finish(_) | Step::Fail(_))), "{:?}", played.end);
        assert!(played.calls <= 6);
    }
}
