use baton_sdk::SplitMix64;
use baton_sdk::executor::{Attr, Outcome, TaskState, Usage};
use baton_sdk::fixture::{self, failed, play, running, succeeded, with_facts};
use serde_json::{Value, json};

use super::*;

const TWO: &str = r#"{"input": 1.50, "count": 2, "validators": ["tests"], "skills": ["rust"]}"#;

fn request(input: &str, children: Vec<Child>) -> Request {
    Request { task: fixture::task(input), children, now: 0, seed: 0, config: Vec::new() }
}

fn step(input: &str, children: Vec<Child>) -> Step {
    advance(&request(input, children)).unwrap()
}

fn done(name: &str, output: &str, score: Option<&str>, cost: Option<u64>) -> Child {
    let mut outcome = Outcome::raw("Done.", output.to_owned());
    outcome.usage = Usage { cost_micros: cost, ..Usage::default() };
    let mut facts = vec![("agent", "x"), ("started-ms", "100"), ("ended-ms", "150")];
    facts.extend(score.map(|score| ("score", score)));
    with_facts(succeeded(name, outcome), &facts)
}

fn output(step: Step) -> Value {
    let Step::Finish(outcome) = step else {
        panic!("it did not finish: {step:?}");
    };
    serde_json::from_str(&outcome.output).unwrap()
}

#[test]
fn all_try_the_same_apart() {
    let task = |name: &str| {
        let task = NewTask {
            skills: vec![String::from("rust")],
            validators: vec![String::from("tests")],
            ..NewTask::new(name, "Title", "1.50")
        };
        task.told("apart", "round-1").told("contest", "true").told("effects", "pure")
    };
    assert_eq!(step(TWO, vec![]), Step::spawn(vec![task("round-1.1"), task("round-1.2")], Wait::All));
}

#[test]
fn named_agents_try_once_each() {
    let Step::Spawn(spawn) = step(r#"{"title": "T", "input": 1, "agents": ["a", "b"]}"#, vec![]) else {
        panic!("it did not spawn");
    };
    let agents: Vec<Option<&str>> = spawn.children.iter().map(|task| task.agent.as_deref()).collect();
    assert_eq!(agents, [Some("a"), Some("b")]);
}

#[test]
fn the_best_score_counts_and_the_rest_is_told() {
    let children = vec![
        done("round-1.1", r#""a b""#, Some("0.5"), Some(10)),
        done("round-1.2", r#""a c""#, Some("0.9"), Some(30)),
    ];
    let expected = json!({
        "best": "a c",
        "chosen": "round-1.2",
        "consensus": {
            "agreement": 0.333333,
            "variance": 0.04,
            "votes": [
                {"candidates": ["round-1.1"], "count": 1},
                {"candidates": ["round-1.2"], "count": 1},
            ],
        },
        "candidates": [
            {"name": "round-1.1", "agent": "x", "succeeded": true, "score": 0.5, "cost_micros": 10, "took_ms": 50},
            {"name": "round-1.2", "agent": "x", "succeeded": true, "score": 0.9, "cost_micros": 30, "took_ms": 50},
        ],
        "extra_cost_micros": 10,
        "extra_cost_known": true,
        "gain": 0.2,
        "metrics": {
            "execution_ms": 50, "work_ms": 100, "coordination_efficiency": 1.0, "quality": 0.7,
            "agents_used": ["x"], "successful_agents": 1, "cost_micros": 40, "cost_known": true,
            "tokens": {"input": 0, "output": 0},
        },
    });
    assert_eq!(output(step(TWO, children)), expected);
}

#[test]
fn of_equal_scores_the_cheaper_counts_then_the_first() {
    let chosen = |costs: [Option<u64>; 3]| {
        let children = costs
            .iter()
            .zip(1..)
            .map(|(cost, index)| done(&format!("round-1.{index}"), "1", Some("0.5"), *cost))
            .collect();
        output(step(r#"{"input": 1}"#, children))["chosen"].clone()
    };
    assert_eq!(chosen([Some(9), Some(3), Some(3)]), "round-1.2");
    assert_eq!(chosen([None, Some(3), Some(2)]), "round-1.3");
    assert_eq!(chosen([None, None, None]), "round-1.1");
}

#[test]
fn without_scores_no_quality_is_claimed() {
    let children = vec![
        done("round-1.1", r#""x""#, None, None),
        done("round-1.2", r#""y""#, None, None),
        done("round-1.3", r#""y""#, None, None),
    ];
    let output = output(step(r#"{"input": 1}"#, children));
    assert_eq!(output["chosen"], "round-1.2");
    assert_eq!((&output["gain"], &output["metrics"]["quality"]), (&Value::Null, &Value::Null));
    assert_eq!((&output["extra_cost_micros"], &output["extra_cost_known"]), (&json!(0), &json!(false)));
}

#[test]
fn without_a_majority_the_one_in_the_middle_counts() {
    let children = vec![
        done("round-1.1", r#""red green""#, None, None),
        done("round-1.2", r#""red green blue""#, None, None),
        done("round-1.3", r#""black""#, None, None),
    ];
    assert_eq!(output(step(r#"{"input": 1}"#, children))["chosen"], "round-1.1");
}

#[test]
fn a_vote_may_count_against_the_score() {
    let children = || {
        vec![
            done("round-1.1", r#""lone wolf""#, Some("1"), None),
            done("round-1.2", r#""the herd""#, Some("0.4"), None),
            done("round-1.3", r#""the herd""#, Some("0.6"), None),
        ]
    };
    let chosen = |choose: &str| {
        output(step(&format!(r#"{{"input": 1, "choose": "{choose}"}}"#), children()))["chosen"].clone()
    };
    assert_eq!(chosen("best"), "round-1.1");
    assert_eq!(chosen("vote"), "round-1.3");
    assert_eq!(chosen("consensus"), "round-1.3");
}

#[test]
fn a_good_one_stops_the_others() {
    let input = r#"{"input": 1, "good_enough": 0.8}"#;
    let some =
        |score| vec![done("round-1.1", "1", Some(score), None), running("round-1.2"), running("round-1.3")];
    assert_eq!(step(input, some("0.7")), Step::Wait(Wait::Any));
    let Step::Finish(outcome) = step(input, some("0.8")) else {
        panic!("it did not finish");
    };
    assert_eq!(outcome.summary, "round-1.1 of 1 candidates chosen, score 0.80, 2 stopped early");
}

#[test]
fn the_next_round_waits_for_all_and_shares_what_they_found() {
    let input = r#"{"input": {"q": 1.50}, "count": 2, "coordination": "synchronized"}"#;
    let first = done("round-1.1", "\"a\"", Some("0.5"), None);
    assert_eq!(step(input, vec![first.clone(), running("round-1.2")]), Step::Wait(Wait::All));
    let children = vec![first, failed("round-1.2", ErrorClass::Refused, "no")];
    let Step::Spawn(spawn) = step(input, children.clone()) else {
        panic!("there was no second round");
    };
    assert_eq!(spawn.children.len(), 2);
    assert_eq!(spawn.children[1].name, "round-2.2");
    assert_eq!(
        spawn.children[1].input,
        r#"{"q":1.50,"shared_from_round_1":[{"name":"round-1.1","output":"a","score":0.5,"summary":"Done."}]}"#
    );
    let mut all = children;
    all.push(failed("round-2.1", ErrorClass::Refused, "no"));
    all.push(failed("round-2.2", ErrorClass::Refused, "no"));
    assert_eq!(output(step(input, all))["chosen"], "round-1.1");
}

#[test]
fn a_lead_makes_one_of_all() {
    let input = r#"{"input": "q", "count": 2, "coordination": "hierarchical", "lead": {"agent": "boss"}}"#;
    let mut children =
        vec![done("round-1.1", "1", Some("0.5"), Some(1)), failed("round-1.2", ErrorClass::Timeout, "late")];
    let Step::Spawn(spawn) = step(input, children.clone()) else {
        panic!("the lead was not asked");
    };
    assert_eq!(spawn.children[0].agent.as_deref(), Some("boss"));
    assert_eq!(
        spawn.children[0].input,
        r#"{"candidates":[{"name":"round-1.1","output":1,"score":0.5,"summary":"Done."}],"input":"q"}"#
    );
    children.push(running("lead"));
    assert_eq!(step(input, children.clone()), Step::Wait(Wait::All));
    children[2] = done("lead", "2", None, Some(4));
    let led = output(step(input, children.clone()));
    assert_eq!(
        (&led["chosen"], &led["best"], &led["extra_cost_micros"]),
        (&json!("lead"), &json!(2), &json!(1))
    );
    children[2] = failed("lead", ErrorClass::Refused, "no");
    let Step::Finish(outcome) = step(input, children) else {
        panic!("it did not finish");
    };
    assert_eq!(outcome.summary, "round-1.1 of 2 candidates chosen, score 0.50, the lead failed");
}

#[test]
fn nobody_is_a_failure_of_the_first_ones_class() {
    let children = vec![
        failed("round-1.1", ErrorClass::Budget, "no money"),
        Child { state: TaskState::Cancelled, fault: None, ..failed("round-1.2", ErrorClass::Budget, "") },
    ];
    assert_eq!(
        step(TWO, children),
        Step::Fail(Fault::new(
            ErrorClass::Budget,
            "none of 2 succeeded; first: candidate round-1.1 failed: no money"
        ))
    );
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let cases = [
        ("{}", "/input: expected a JSON value"),
        (r#"{"input": 1, "count": 17}"#, "/count: expected a number from 2 to 16"),
        (r#"{"input": 1, "agents": ["a", "a"]}"#, "/agents: expected 2 to 16 agents, each once"),
        (r#"{"input": 1, "count": 2, "agents": ["a", "b"]}"#, "/count: expected no such key beside agents"),
        (r#"{"input": 1, "rounds": 2}"#, "/rounds: expected 1 unless the coordination is synchronized"),
        (
            r#"{"input": 1, "lead": {"agent": "x"}}"#,
            "/lead: expected no such key unless the coordination is hierarchical",
        ),
        (r#"{"input": 1, "good_enough": 1.5}"#, "/good_enough: expected a number from 0 to 1"),
        (r#"{"input": 1, "choose": "any"}"#, "/choose: expected one of best, vote, consensus"),
    ];
    for (input, message) in cases {
        let refused = Err(ExecutionError::BadInput(message.to_owned()));
        assert_eq!(advance(&request(input, vec![])), refused, "{input}");
    }
    let mut request = request(TWO, vec![]);
    request.config = vec![Attr::new("lead", "x")];
    assert!(matches!(advance(&request), Err(ExecutionError::BadConfig(_))));
}

/// Fails one in four; outputs and scores are drawn.
fn drawn(task: &NewTask, random: &mut SplitMix64) -> Child {
    if random.chance(0.25) {
        return failed(&task.name, ErrorClass::Transient, "drawn");
    }
    let output = random.below(3).to_string();
    let score = format!("0.{}", random.below(10));
    done(&task.name, &output, random.chance(0.8).then_some(score.as_str()), Some(random.below(9)))
}

#[test]
fn every_history_comes_to_an_end() {
    for (coordination, tries) in [
        ("independent", r#""count": 5"#),
        ("synchronized", r#""rounds": 4"#),
        ("hierarchical", r#""count": 2"#),
    ] {
        for good in ["", r#", "good_enough": 0.7"#] {
            let input = format!(r#"{{"input": 1, "coordination": "{coordination}", {tries}{good}}}"#);
            for seed in 0..200 {
                let played = play(&fixture::task(&input), &[], seed, advance, drawn);
                match played.end.unwrap() {
                    Step::Finish(outcome) => {
                        let output: Value = serde_json::from_str(&outcome.output).unwrap();
                        let chosen = output["chosen"].as_str().unwrap();
                        let child = played.children.iter().find(|child| child.name == chosen).unwrap();
                        assert_eq!(output["best"].to_string(), child.output());
                    }
                    Step::Fail(_) => assert!(!played.children.iter().any(Child::has_succeeded)),
                    step => panic!("{step:?}"),
                }
            }
        }
    }
}

#[test]
fn what_acts_on_the_world_is_not_tried_by_several() {
    let mut request = request(r#"{"input": 1}"#, vec![]);
    request.task.effects = baton_sdk::executor::Effects::External;
    let refused = advance(&request).unwrap_err();
    let ExecutionError::BadInput(why) = refused else { panic!("{refused:?}") };
    assert!(why.starts_with("the task has external effects, and each candidate would do them"), "{why}");
}
