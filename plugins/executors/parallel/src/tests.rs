use baton_sdk::fixture;

use super::*;

const TWO_BRANCHES: &str = r#"{"branches": [
    {"name": "left", "title": "Left", "input": 1.50},
    {"title": "Right", "input": null}
]}"#;

fn request(input: &str, children: Vec<Child>) -> Request {
    Request { task: fixture::task(input), children, now: 0, seed: 0, config: Vec::new() }
}

fn done(name: &str, output: &str) -> Child {
    fixture::succeeded(name, Outcome::raw("Done.", output.to_owned()))
}

fn ended(name: &str, state: TaskState, fault: Option<Fault>) -> Child {
    Child { name: name.to_owned(), state, outcome: None, fault }
}

#[test]
fn all_start_at_once() {
    let children = vec![NewTask::new("left", "Left", "1.50"), NewTask::new("branch-2", "Right", "null")];
    assert_eq!(advance(&request(TWO_BRANCHES, vec![])), Ok(Step::spawn(children, Wait::All)));
}

#[test]
fn outputs_come_under_their_names() {
    let children = vec![done("left", "[1.50]"), done("branch-2", "null")];
    let outcome = Outcome::raw("2 branch(es) done", String::from(r#"{"left":[1.50],"branch-2":null}"#));
    assert_eq!(advance(&request(TWO_BRANCHES, children)), Ok(Step::Finish(outcome)));
}

#[test]
fn one_failure_too_many_fails_the_task() {
    let fault = Fault::new(ErrorClass::Refused, "declined");
    let children = vec![done("left", "1"), ended("branch-2", TaskState::Failed, Some(fault))];
    assert_eq!(
        advance(&request(TWO_BRANCHES, children)),
        Ok(Step::Fail(Fault::new(ErrorClass::Refused, "1 of 2 branches failed: branch-2; first: declined")))
    );
}

#[test]
fn tolerated_failures_are_left_out() {
    let input = r#"{"branches": [], "tolerate": 1}"#;
    let children = vec![done("left", "1"), ended("right", TaskState::Cancelled, None)];
    let outcome = Outcome::raw("1 of 2 branches done, tolerated: right", String::from(r#"{"left":1}"#));
    assert_eq!(advance(&request(input, children)), Ok(Step::Finish(outcome)));
}

#[test]
fn what_runs_is_waited_for() {
    let children = vec![done("left", "1"), ended("branch-2", TaskState::Backoff, None)];
    assert_eq!(advance(&request(TWO_BRANCHES, children)), Ok(Step::Wait(Wait::All)));
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        ("{}", "/branches: expected an array of branches"),
        (r#"{"tolerate": -1}"#, "/tolerate: expected a whole number of branches"),
        (r#"{"branch": []}"#, "/branch: expected no such key, only branches, tolerate"),
        (
            r#"{"branches": [{"title": "t", "input": 1}, {"title": 2, "input": 1}]}"#,
            "/branches/1/title: expected a string",
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

#[test]
fn many_failures_are_counted_and_some_named() {
    let children: Vec<Child> =
        (0..25).map(|index| ended(&index.to_string(), TaskState::Skipped, None)).collect();
    let failed: Vec<&Child> = children.iter().collect();
    assert_eq!(
        names(&failed),
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 5 more"
    );
}

fn branches_of(count: usize) -> String {
    let branch = r#"{"title": "t", "input": {"x": 1}}"#;
    format!(r#"{{"branches": [{}]}}"#, vec![branch; count].join(", "))
}

#[test]
fn ten_thousand_branches_take_two_calls() {
    let input = branches_of(10_000);
    let Ok(Step::Spawn(spawn)) = advance(&request(&input, vec![])) else {
        panic!("the first call did not spawn");
    };
    assert_eq!(spawn.children.len(), 10_000);
    assert_eq!(spawn.children[9_999].name, "branch-10000");
    let children = spawn.children.iter().map(|task| done(&task.name, "0")).collect();
    let Ok(Step::Finish(outcome)) = advance(&request(&input, children)) else {
        panic!("the second call did not finish");
    };
    assert_eq!(outcome.summary, "10000 branch(es) done");
    assert!(outcome.output.ends_with(r#""branch-10000":0}"#));
}
