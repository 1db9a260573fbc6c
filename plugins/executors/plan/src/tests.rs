use baton_sdk::SplitMix64;
use baton_sdk::executor::{ErrorClass, Fault};
use baton_sdk::fixture::{self, failed, play, running, succeeded};
use serde_json::{Value, json};

use super::*;

const INPUT: &str = r#"{"goal": "G", "context": 1.50, "planner": {"skills": ["planning"]}, "max_tasks": 4,
    "validators": ["tests"]}"#;
const PLAN: &str = r#"{"tasks": [{"name": "b", "title": "B", "input": {"x": 1.50}, "depends_on": ["a"]},
    {"name": "a", "title": "A", "input": 2.50, "skills": ["rust"]}]}"#;

fn at(input: &str, children: Vec<Child>) -> Step {
    let request = Request { task: fixture::task(input), children, now: 0, seed: 0, config: Vec::new() };
    advance(&request).unwrap()
}

fn step(children: Vec<Child>) -> Step {
    at(INPUT, children)
}

fn done(name: &str, output: &str) -> Child {
    succeeded(name, Outcome::raw(format!("{name}."), output.to_owned()))
}

fn spawned(step: Step) -> Vec<NewTask> {
    let Step::Spawn(spawn) = step else {
        panic!("it did not spawn: {step:?}");
    };
    spawn.children
}

fn output(step: Step) -> Value {
    let Step::Finish(outcome) = step else {
        panic!("it did not finish: {step:?}");
    };
    serde_json::from_str(&outcome.output).unwrap()
}

fn input(task: &NewTask) -> Value {
    serde_json::from_str(&task.input).unwrap()
}

#[test]
fn the_planner_is_asked_first() {
    let tasks = spawned(step(vec![]));
    assert_eq!(
        (tasks[0].name.as_str(), tasks[0].skills.as_slice()),
        ("plan-1", &[String::from("planning")][..])
    );
    assert!(tasks[0].input.contains(r#""context":1.50"#));
    let names: Vec<&str> = tasks[0].attrs.iter().map(|attr| attr.name.as_str()).collect();
    assert_eq!(names, ["baton.effects", "baton.contract", "baton.judge"]);
}

#[test]
fn a_task_starts_when_all_before_it_have_succeeded() {
    let first = spawned(step(vec![done("plan-1", PLAN)]));
    let expected = NewTask {
        skills: vec![String::from("rust")],
        validators: vec![String::from("tests")],
        ..NewTask::new("a", "A", "2.50")
    };
    assert_eq!(first, [expected.that_may_amend(2).told("effects", "pure")]);
    assert_eq!(step(vec![done("plan-1", PLAN), running("a")]), Step::Wait(Wait::Any));
    let second = spawned(step(vec![done("plan-1", PLAN), done("a", "[3.50]")]));
    assert_eq!(second[0].depends_on, ["a"]);
    assert_eq!(second[0].input, r#"{"handoff_from_a":{"key_outputs":[3.50],"summary":"a."},"x":1.50}"#);
}

#[test]
fn outputs_come_under_their_names() {
    let children = vec![done("plan-1", PLAN), done("a", "1.50"), done("b", "null")];
    let Step::Finish(outcome) = step(children) else {
        panic!("it did not finish");
    };
    assert_eq!(outcome.summary, "2 task(s) done");
    assert!(
        outcome.output.starts_with(r#"{"tasks":{"a":1.50,"b":null},"refused_amendments":[],"metrics":{"#)
    );
}

#[test]
fn a_wrong_plan_is_repaired_once() {
    let wrong = r#"{"tasks": [{"name": "a", "title": "A", "input": 1, "depends_on": ["a"]}]}"#;
    let tasks = spawned(step(vec![done("plan-1", wrong)]));
    assert_eq!(tasks[0].name, "plan-2");
    assert_eq!(
        input(&tasks[0])["repair"]["errors"],
        json!(["tasks a depend on themselves, directly or through others"])
    );
    assert_eq!(spawned(step(vec![done("plan-1", wrong), done("plan-2", PLAN)]))[0].name, "a");
    let why = "the answer to plan was wrong twice; at last: /tasks: is missing";
    assert_eq!(
        step(vec![done("plan-1", wrong), done("plan-2", "{}")]),
        Step::Fail(Fault::new(ErrorClass::InvalidOutput, why))
    );
}

#[test]
fn a_failure_waits_for_all_that_can_run() {
    let plan = r#"{"tasks": [{"name": "a", "title": "A", "input": 1}, {"name": "b", "title": "B", "input": 1},
        {"name": "c", "title": "C", "input": 1, "depends_on": ["a"]},
        {"name": "d", "title": "D", "input": 1, "depends_on": ["b"]}]}"#;
    let mut children = vec![done("plan-1", plan), failed("a", ErrorClass::Refused, "no"), running("b")];
    assert_eq!(step(children.clone()), Step::Wait(Wait::Any));
    children[2] = done("b", "1");
    assert_eq!(spawned(step(children.clone()))[0].name, "d");
    children.push(done("d", "1"));
    assert_eq!(step(children), Step::Fail(Fault::new(ErrorClass::Refused, "task a failed: no")));
}

#[test]
fn a_composite_task_is_planned_in_its_turn() {
    let wants =
        r#"{"goal": "G", "max_tasks": 8, "max_depth": 3, "skills_available": ["go"], "validators": ["v"]}"#;
    let plan = r#"{"tasks": [{"name": "a", "title": "A", "input": "do", "composite": true},
        {"name": "b", "title": "B", "input": 1}]}"#;
    let tasks = spawned(at(wants, vec![done("plan-1", plan)]));
    assert_eq!((tasks[0].executor.as_deref(), tasks[1].executor.as_deref()), (Some("plan"), None));
    assert_eq!(tasks[0].validators, Vec::<String>::new());
    assert_eq!(
        input(&tasks[0]),
        json!({
            "goal": "A", "context": "do", "max_tasks": 3, "max_breadth": 50, "max_depth": 2,
            "planner": {"skills": [], "agent": null}, "skills_available": ["go"], "validators": ["v"],
        })
    );
    assert_eq!(spawned(at(&tasks[0].input, vec![]))[0].name, "plan-1");
}

#[test]
fn depth_and_number_are_bounded() {
    let plan = r#"{"tasks": [{"name": "a", "title": "A", "input": 1, "composite": true}]}"#;
    let errors = |input: &str| {
        let tasks = spawned(at(input, vec![done("plan-1", plan)]));
        serde_json::from_str::<Value>(&tasks[0].input).unwrap()["repair"]["errors"].clone()
    };
    assert_eq!(
        errors(r#"{"goal": "G"}"#),
        json!(["no task may be composite: the limit on depth or number is reached"])
    );
    assert_eq!(
        errors(r#"{"goal": "G", "max_depth": 2, "max_tasks": 2}"#),
        json!(["1 of 1 tasks are composite, and 1 of 2 tasks are left for their parts"])
    );
}

fn amending(name: &str, tasks: &str) -> Child {
    done(name, &format!(r#"{{"amend": {{"tasks": [{tasks}]}}}}"#))
}

fn more(name: &str, on: &str) -> String {
    format!(r#"{{"name": "{name}", "title": "M", "input": 1, "depends_on": [{on}]}}"#)
}

#[test]
fn those_who_work_may_add_tasks() {
    let amended = amending("a", &format!("{}, {}", more("x", r#""a""#), more("y", r#""x", "b""#)));
    let mut children = vec![done("plan-1", PLAN), amended];
    let names: Vec<String> = spawned(step(children.clone())).into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["b", "x"]);
    children.extend([done("b", "1"), done("x", "2"), done("y", "3")]);
    let output = output(step(children));
    assert_eq!((&output["tasks"]["y"], &output["refused_amendments"]), (&json!(3), &json!([])));
}

/// Agents that answer in words have no other place for it.
#[test]
fn an_amendment_may_stand_in_a_block_of_words() {
    let words = format!("Done.\n```json\n{{\"amend\": {{\"tasks\": [{}]}}}}\n```", more("x", r#""a""#));
    let children = vec![done("plan-1", PLAN), done("a", &json!({ "text": words }).to_string())];
    let names: Vec<String> = spawned(step(children)).into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["b", "x"]);
}

/// Whatever is wrong with an answer, its author sees all of it, once.
#[test]
fn an_answer_that_is_no_plan_is_asked_for_once_more_with_its_errors() {
    for (answer, error) in [
        (
            r#"{"text": "First I'd look around."}"#,
            "the answer: expected a JSON object with `tasks`, found words",
        ),
        (r#"{"tasks": []}"#, "/tasks: expected at least one task"),
    ] {
        let again = spawned(step(vec![done("plan-1", answer)]));
        assert_eq!(again[0].name, "plan-2");
        assert_eq!(input(&again[0])["repair"]["errors"], json!([error]));
        let Step::Fail(fault) = step(vec![done("plan-1", answer), done("plan-2", answer)]) else {
            panic!("it goes on");
        };
        assert_eq!(fault.class, baton_sdk::executor::ErrorClass::InvalidOutput);
    }
}

#[test]
fn who_names_no_skill_needs_those_of_the_whole() {
    let mut task = fixture::task(INPUT);
    task.skills = vec![String::from("ops")];
    let children = vec![done("plan-1", PLAN), done("a", "1")];
    let request = Request { task, children, now: 0, seed: 0, config: Vec::new() };
    assert_eq!(spawned(advance(&request).unwrap())[0].skills, ["ops"]);
}

#[test]
fn an_amendment_that_is_wrong_or_too_large_is_listed() {
    let too_many = [more("x", ""), more("y", ""), more("z", "")].join(",");
    let children = vec![done("plan-1", PLAN), amending("a", &too_many), amending("b", &more("a", ""))];
    let output = output(step(children));
    assert_eq!(
        output["refused_amendments"],
        json!([
            {"by": "a", "errors": ["/tasks: 3 tasks, at most 2 are allowed"]},
            {"by": "b", "errors": ["task a: another task has this name"]},
        ])
    );
}

#[test]
fn amendments_are_taken_in_the_order_of_their_authors() {
    let two = |one: &str, other: &str| [more(one, ""), more(other, "")].join(",");
    let plan =
        r#"{"tasks": [{"name": "a", "title": "A", "input": 1}, {"name": "b", "title": "B", "input": 1}]}"#;
    let mut children = vec![done("plan-1", plan), running("a"), amending("b", &two("p", "q"))];
    assert_eq!(step(children.clone()), Step::Wait(Wait::Any));
    children[1] = amending("a", &two("r", "s"));
    let names: Vec<String> = spawned(step(children.clone())).into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["r", "s"]);
    children.extend([done("r", "1"), done("s", "1")]);
    assert_eq!(output(step(children))["refused_amendments"][0]["by"], "b");
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        ("{}", "/goal: expected a string"),
        (r#"{"goal": "G", "max_tasks": 201}"#, "/max_tasks: expected a number from 1 to 200"),
        (r#"{"goal": "G", "max_depth": 4}"#, "/max_depth: expected a number from 1 to 3"),
        (r#"{"goal": "G", "planner": {"name": 1}}"#, "/planner: expected an object with `agent` or `skills`"),
    ];
    for (input, message) in cases {
        let request =
            Request { task: fixture::task(input), children: vec![], now: 0, seed: 0, config: vec![] };
        assert_eq!(advance(&request), Err(ExecutionError::BadInput(message.to_owned())), "{input}");
    }
}

/// Plans of up to six tasks that depend on earlier ones, now and then a wrong one; outcomes that amend now and then.
fn drawn(task: &NewTask, random: &mut SplitMix64) -> Child {
    if random.chance(0.05) {
        return failed(&task.name, ErrorClass::Transient, "drawn");
    }
    if task.name.starts_with("plan-") {
        if random.chance(0.2) {
            return done(&task.name, r#"{"tasks": []}"#);
        }
        let count = random.below(6) + 1;
        let tasks: Vec<String> = (0..count)
            .map(|index| {
                let on = match index {
                    0 => String::new(),
                    index => format!("\"t{}\"", random.below(index)),
                };
                more(&format!("t{index}"), &on)
            })
            .collect();
        return done(&task.name, &format!(r#"{{"tasks": [{}]}}"#, tasks.join(",")));
    }
    match random.chance(0.4) {
        true => {
            let name = format!("m{}", random.below(20));
            amending(&task.name, &more(&name, &format!("\"{}\"", task.name)))
        }
        false => done(&task.name, "1"),
    }
}

#[test]
fn every_history_comes_to_an_end_within_its_bounds() {
    let input = r#"{"goal": "G", "max_tasks": 9}"#;
    for seed in 0..1000 {
        let played = play(&fixture::task(input), &[], seed, advance, drawn);
        assert!(played.tasks.iter().filter(|task| !task.name.starts_with("plan-")).count() <= 9);
        match played.end.unwrap() {
            Step::Finish(_) => assert!(played.children.iter().all(Child::has_succeeded)),
            Step::Fail(_) => {}
            step => panic!("{step:?}"),
        }
    }
}
