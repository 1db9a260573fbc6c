use baton_sdk::SplitMix64;
use baton_sdk::executor::{Attr, ErrorClass, Fault};
use baton_sdk::fixture::{self, failed, play, running, succeeded};
use serde_json::{Value, json};

use super::*;

const BUILD: &str = r#"{"goal": "Write a Python function that validates IBANs", "skills": ["python"],
    "validators": ["tests"], "count": 4, "good_enough": 0.9}"#;
const UNCLEAR: &str = r#"{"goal": "Quarterly numbers", "input": {"prompt": "as usual"}}"#;

fn asking() -> Vec<Attr> {
    vec![Attr::new("model-skill", "sorting")]
}

fn at(input: &str, config: Vec<Attr>, children: Vec<Child>) -> Step {
    let request = Request { task: fixture::task(input), children, now: 0, seed: 0, config };
    advance(&request).unwrap()
}

fn done(name: &str, output: &str) -> Child {
    succeeded(name, Outcome::raw("Done.", output.to_owned()))
}

fn spawned(step: Step) -> NewTask {
    let Step::Spawn(spawn) = step else {
        panic!("it did not spawn: {step:?}");
    };
    let [task] = &spawn.children[..] else {
        panic!("one child, not {}", spawn.children.len());
    };
    task.clone()
}

fn handed(input: &str) -> (String, Value) {
    let task = spawned(at(input, vec![], vec![]));
    assert_eq!(task.name, "work");
    (task.executor.unwrap(), serde_json::from_str(&task.input).unwrap())
}

#[test]
fn code_goes_to_collaborative() {
    let (executor, input) = handed(BUILD);
    assert_eq!(executor, "collaborative");
    let goal = "Write a Python function that validates IBANs";
    assert_eq!(
        input,
        json!({"title": goal, "input": goal, "skills": ["python"], "validators": ["tests"], "count": 4,
            "good_enough": 0.9})
    );
}

#[test]
fn analysis_goes_to_sequential_in_three_steps() {
    let (executor, input) = handed(
        r#"{"title": "Analyse the churn data", "input": {"file": "q3.csv"}, "validators": ["rubric"]}"#,
    );
    assert_eq!(executor, "sequential");
    let steps = input["steps"].as_array().unwrap();
    let names: Vec<&Value> = steps.iter().map(|step| &step["name"]).collect();
    assert_eq!(names, [&json!("gather"), &json!("work-out"), &json!("conclude")]);
    assert_eq!(steps[0]["input"]["material"], json!({"file": "q3.csv"}));
    assert_eq!((&steps[0]["validators"], &steps[2]["validators"]), (&Value::Null, &json!(["rubric"])));
}

#[test]
fn parts_that_are_written_out_settle_it() {
    let part = r#"[{"title": "t", "input": 1.50}]"#;
    assert_eq!(
        handed(&format!(r#"{{"goal": "Write it", "branches": {part}}}"#)),
        (String::from("parallel"), json!({"branches": [{"title": "t", "input": 1.5}]}))
    );
    assert_eq!(handed(&format!(r#"{{"goal": "Write it", "parts": {part}}}"#)).0, "parallel");
    assert_eq!(handed(&format!(r#"{{"goal": "Write it", "steps": {part}}}"#)).0, "sequential");
}

#[test]
fn parts_that_nobody_wrote_out_are_found_by_a_lead() {
    let (executor, input) = handed(
        r#"{"goal": "Translate it into German, French and Japanese", "input": 1, "skills": ["l10n"]}"#,
    );
    assert_eq!(executor, "hierarchical");
    let goal = "Translate it into German, French and Japanese";
    assert_eq!(input, json!({"goal": goal, "context": 1, "team": {"skills": ["l10n"]}}));
}

#[test]
fn a_kind_counts_more_than_words() {
    assert_eq!(handed(r#"{"goal": "Write a function", "kind": "research"}"#).0, "sequential");
    assert_eq!(handed(r#"{"goal": "Why?", "kind": "creative"}"#).0, "collaborative");
}

#[test]
fn a_model_is_asked_only_when_the_rules_are_unsure() {
    assert_eq!(spawned(at(BUILD, asking(), vec![])).name, "work");
    let question = spawned(at(UNCLEAR, asking(), vec![]));
    assert_eq!((question.name.as_str(), question.skills), ("classify", vec![String::from("sorting")]));
    assert!(question.input.contains(r#""task":"Quarterly numbers. as usual""#));
    assert_eq!(spawned(at(UNCLEAR, vec![], vec![])).name, "work");
    let mut sure = asking();
    sure.push(Attr::new("threshold", "0"));
    assert_eq!(spawned(at(UNCLEAR, sure, vec![])).name, "work");
}

#[test]
fn what_the_model_says_counts() {
    let mut children = vec![done("classify", r#"{"class": "collaborative", "confidence": 0.9}"#)];
    let task = spawned(at(UNCLEAR, asking(), children.clone()));
    assert_eq!(task.executor.as_deref(), Some("collaborative"));
    children.push(done("work", "1.50"));
    let Step::Finish(outcome) = at(UNCLEAR, asking(), children) else {
        panic!("it did not finish");
    };
    assert_eq!(outcome.summary, "collaborative: Done.");
    assert_eq!(
        outcome.output,
        r#"{"class":"collaborative","by":"model","confidence":0.9,"executor":"collaborative","result":1.50}"#
    );
}

#[test]
fn a_model_that_is_no_help_leaves_it_to_the_rules() {
    let useless = [
        failed("classify", ErrorClass::Refused, "no"),
        done("classify", r#"{"class": "magic", "confidence": 1}"#),
        done("classify", r#"{"class": "parallel", "confidence": 7}"#),
        done("classify", "null"),
    ];
    for asked in useless {
        let task = spawned(at(UNCLEAR, asking(), vec![asked]));
        assert_eq!(task.executor.as_deref(), Some("sequential"));
    }
}

#[test]
fn a_failure_is_that_of_the_work() {
    let children = vec![failed("work", ErrorClass::Budget, "no money")];
    let fault = Fault::new(ErrorClass::Budget, "task work failed: no money");
    assert_eq!(at(BUILD, vec![], children), Step::Fail(fault));
    assert_eq!(at(BUILD, vec![], vec![running("work")]), Step::Wait(Wait::All));
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        (r#"{"goal": "G", "title": "T"}"#, "/title: expected no such key beside goal"),
        (r#"{"branches": [], "parts": []}"#, "/parts: expected no such key beside branches"),
        (r#"{"branches": []}"#, "/branches: expected at least one element"),
        (r#"{"steps": [{"title": "t"}]}"#, "/steps/0/input: expected a JSON value"),
        (
            r#"{"steps": [{"title": "t", "input": 1}], "validators": ["v"]}"#,
            "/validators: expected none here, but with each step or branch",
        ),
    ];
    for (input, message) in cases {
        let request =
            Request { task: fixture::task(input), children: vec![], now: 0, seed: 0, config: vec![] };
        assert_eq!(advance(&request), Err(ExecutionError::BadInput(message.to_owned())), "{input}");
    }
}

#[test]
fn every_history_comes_to_an_end() {
    let drawn = |task: &NewTask, random: &mut SplitMix64| match random.below(3) {
        0 => failed(&task.name, ErrorClass::Transient, "drawn"),
        1 => done(&task.name, r#"{"class": "parallel", "confidence": 0.1}"#),
        _ => done(&task.name, "1"),
    };
    for (input, seed) in [BUILD, UNCLEAR].into_iter().flat_map(|input| (0..50).map(move |seed| (input, seed)))
    {
        let played = play(&fixture::task(input), &asking(), seed, advance, drawn);
        assert!(matches!(played.end, Ok(Step::Finish(_) | Step::Fail(_))), "{:?}", played.end);
        assert!(played.calls <= 3);
    }
}
