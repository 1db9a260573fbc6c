use baton_sdk::executor::{ErrorClass, Fault, NewTask};
use baton_sdk::fixture::{succeeded, task};

use super::*;

const TWO_STEPS: &str = r#"{"steps": [
    {"name": "plan", "title": "Plan it", "input": {"goal": "x"}, "skills": ["planning"]},
    {"title": "Do it", "input": {"goal": 1.50}, "agent": "a1", "validators": ["schema"], "estimate_ms": 9}
]}"#;

fn request(input: &str, children: Vec<Child>) -> Request {
    Request { task: task(input), children, now: 0, seed: 0, config: Vec::new() }
}

fn failed(name: &str, state: TaskState, fault: Option<Fault>) -> Child {
    Child { name: name.to_owned(), state, outcome: None, fault }
}

#[test]
fn the_first_step_goes_alone() {
    let task = NewTask {
        skills: vec![String::from("planning")],
        ..NewTask::new("plan", "Plan it", r#"{"goal": "x"}"#)
    };
    assert_eq!(advance(&request(TWO_STEPS, vec![])), Ok(Step::spawn(vec![task], Wait::All)));
}

#[test]
fn the_second_step_gets_the_handoff() {
    let done = succeeded("plan", Outcome::raw("Planned.", String::from("{\"n\": 1}")));
    let input = r#"{"goal":1.50,"handoff_from_plan":{"key_outputs":{"n": 1},"summary":"Planned."}}"#;
    let task = NewTask {
        agent: Some(String::from("a1")),
        validators: vec![String::from("schema")],
        estimate: Some(9),
        ..NewTask::new("step-2", "Do it", input)
    };
    assert_eq!(advance(&request(TWO_STEPS, vec![done])), Ok(Step::spawn(vec![task], Wait::All)));
}

#[test]
fn the_last_output_is_the_outcome() {
    let children = vec![
        succeeded("plan", Outcome::text("Planned.")),
        succeeded("step-2", Outcome::raw("Done.", String::from("{\"x\": 1.50}"))),
    ];
    let outcome = Outcome::raw("2 step(s) done: plan, step-2", String::from("{\"x\": 1.50}"));
    assert_eq!(advance(&request(TWO_STEPS, children)), Ok(Step::Finish(outcome)));
}

#[test]
fn a_failed_step_fails_with_its_fault() {
    let fault = Fault::new(ErrorClass::Budget, "no money left");
    let children = vec![failed("plan", TaskState::Failed, Some(fault))];
    assert_eq!(
        advance(&request(TWO_STEPS, children)),
        Ok(Step::Fail(Fault::new(ErrorClass::Budget, "step plan failed: no money left")))
    );
    let children = vec![failed("plan", TaskState::Cancelled, None)];
    assert_eq!(
        advance(&request(TWO_STEPS, children)),
        Ok(Step::Fail(Fault::new(ErrorClass::Other(String::from("step")), "step plan was cancelled")))
    );
}

#[test]
fn a_step_that_runs_is_waited_for() {
    let children = vec![failed("plan", TaskState::Running, None)];
    assert_eq!(advance(&request(TWO_STEPS, children)), Ok(Step::Wait(Wait::All)));
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        ("[]", "the input: expected an object"),
        ("{}", "/steps: expected an array of steps"),
        (r#"{"steps": 1}"#, "/steps: expected an array"),
        (r#"{"steps": []}"#, "/steps: expected at least one element"),
        (r#"{"steps": [], "a/b": 1}"#, "/a~1b: expected no such key, only steps"),
        (r#"{"steps": [{"input": 1}]}"#, "/steps/0/title: expected a string"),
        (r#"{"steps": [{"title": "t"}]}"#, "/steps/0/input: expected a JSON value"),
        (
            r#"{"steps": [{"title": "t", "input": 1, "skills": [1]}]}"#,
            "/steps/0/skills: expected an array of strings",
        ),
        (
            r#"{"steps": [{"title": "t", "input": 1, "name": "a b"}]}"#,
            "/steps/0/name: expected 1 to 64 letters, digits, `-`, `_` or `.`",
        ),
        (
            r#"{"steps": [{"title": "t", "input": 1, "name": "x"}, {"title": "t", "input": 1, "name": "x"}]}"#,
            "/steps/1/name: expected a name of its own, `x` is taken",
        ),
        (
            r#"{"steps": [{"titel": "t", "input": 1}]}"#,
            "/steps/0/titel: expected no such key, only name, title, input, skills, agent, validators, estimate_ms",
        ),
    ];
    for (input, message) in cases {
        assert_eq!(
            advance(&request(input, vec![])),
            Err(ExecutionError::BadInput(message.to_owned())),
            "{input}"
        );
    }
}
