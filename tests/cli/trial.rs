//! A router on its way from deciding nothing to deciding everything, and back.

use std::collections::HashSet;

use baton_core::event::TrialEnding;
use baton_core::id::{DecisionId, RunId};
use baton_store::testing::StoredDecision;
use serde_json::{Value, json};

use crate::support::{Env, plan};

/// A specialist whose work is accepted and a generalist whose work is not. `capability` prefers the first, and
/// `round-robin` gives both the same.
const AGENTS: &str = r#"
[agents.good]
adapter = "mock"
skills = ["rust"]
capacity = 1000
config = { output = "{\"good\": true}" }

[agents.bad]
adapter = "mock"
skills = ["go", "rust"]
capacity = 1000
config = { output = "{\"good\": false}" }
"#;

fn env(settings: &str) -> Env {
    let env = Env::new();
    env.write("baton.toml", &format!("{settings}\n{AGENTS}"));
    env
}

/// So many independent tasks, each with one attempt.
fn tasks(count: usize) -> Value {
    let contract = json!({ "properties": { "good": { "const": true } }, "required": ["good"] });
    let task = |index: usize| {
        json!({
            "id": format!("t{index:04}"), "skills": ["rust"], "effects": "pure", "contract": contract,
            "validators": [{ "use": "schema" }], "retry": { "attempts": 1 },
        })
    };
    (0..count).map(task).collect()
}

/// So many tasks, one after the other, that one agent can do.
fn chain(count: usize) -> Value {
    let task = |index: usize| {
        let before = if index == 0 { json!([]) } else { json!([format!("t{:04}", index - 1)]) };
        json!({ "id": format!("t{index:04}"), "skills": ["go"], "effects": "pure", "depends_on": before })
    };
    (0..count).map(task).collect()
}

fn run(env: &Env, count: usize) {
    env.write("plan.json", &plan(tasks(count)));
    let output = env.baton(&["run", "plan.json", "--again", "--quiet"]);
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
}

/// How many attempts there were on decisions of a router in the newest run.
fn by(env: &Env, router: &str) -> usize {
    let stored = env.stored();
    let newest = stored.runs().last().expect("there is a run").id;
    let decisions = stored.decisions();
    let own: HashSet<DecisionId> = decisions
        .iter()
        .filter(|decision| decision.router == router && decision.run == newest)
        .map(|decision| decision.id)
        .collect();
    stored.attempts().iter().filter(|attempt| attempt.decision.is_some_and(|id| own.contains(&id))).count()
}

fn open(env: &Env) {
    run(env, 1);
}

#[test]
fn nothing_follows_from_decisions_in_the_shadow() {
    let env = env("");
    open(&env);
    let said = env.baton(&["router", "shadow", "round-robin"]).ok();
    assert_eq!(said, "round-robin is asked beside every decision from now on, and nothing follows from it\n");
    run(&env, 40);
    assert_eq!((by(&env, "capability"), by(&env, "round-robin")), (40, 0));
    let status = env.baton(&["router", "status", "--json"]).json();
    let agreement = &status["trial"]["agreement"];
    assert_eq!((&agreement["tasks"], &agreement["same"]), (&json!(40), &json!(20)), "{status}");
    let is_shadow = |one: &StoredDecision| one.shadow_of.is_some() && one.router == "round-robin";
    assert!(env.stored().decisions().iter().any(is_shadow));
    env.baton(&["router", "verify"]).ok();
}

#[test]
fn a_report_draws_what_routers_foresaw_and_what_agents_cost() {
    let env = Env::new();
    let priced = AGENTS.replace("config = {", "cost = 0.02\nconfig = {");
    env.write("baton.toml", &priced);
    env.write("plan.json", &plan(tasks(40)));
    let output = env.baton(&["run", "plan.json", "--quiet", "--router", "adaptive"]);
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
    assert_eq!(env.baton(&["report", "--write", "out"]).ok(), "out: report.md and 3 charts\n");
    let text = std::fs::read_to_string(env.path("out/report.md")).expect("it is there");
    for chart in ["calibration.svg", "regret.svg", "cost-and-quality.svg"] {
        assert!(text.contains(&format!("![{chart}]({chart})")), "{text}");
        let svg = std::fs::read_to_string(env.path("out").join(chart)).expect("it is there");
        assert!(svg.starts_with("<svg"), "{svg}");
    }
    let drawn = std::fs::read_to_string(env.path("out/cost-and-quality.svg")).expect("it is there");
    assert!(drawn.contains(">good<") && drawn.contains(">bad<"), "{drawn}");
}

#[test]
fn a_share_of_the_tasks_is_decided_by_the_one_on_trial_and_that_is_on_record() {
    // How long a mock takes is the machine's affair.
    let env = env("[router]\nguards = { latency = 999.0 }");
    open(&env);
    env.baton(&["router", "ab", "least-loaded", "--share", "0.25"]).ok();
    // Only one agent can do them, so that both do equally well.
    let alike: Vec<Value> =
        (0..200).map(|index| json!({ "id": format!("t{index:04}"), "skills": ["go"] })).collect();
    env.write("alike.json", &plan(json!(alike)));
    env.baton(&["run", "alike.json", "--quiet"]).ok();
    let theirs = by(&env, "least-loaded");
    assert!((30..=70).contains(&theirs), "{theirs} of 200");
    assert_eq!(by(&env, "capability") + theirs, 200);
    let untold = |one: &&StoredDecision| one.run == RunId(2) && one.trial != Some(1);
    assert_eq!(env.stored().decisions().iter().find(untold), None);
    let other = env.baton(&["router", "shadow", "round-robin"]).fails(2);
    assert!(other.contains("least-loaded is on trial: promote it or roll it back first"), "{other}");
}

#[test]
fn a_router_that_does_worse_is_rolled_back_by_itself() {
    // How long a mock takes is the machine's affair.
    let env = env("[router.guards]\nlatency = 999.0\n");
    open(&env);
    env.baton(&["router", "ab", "round-robin", "--share", "0.5"]).ok();
    run(&env, 600);
    assert_eq!(env.stored().trials()[0].ending, Some(TrialEnding::RolledBack));
    let ended = env.stored().facts("trial-ended");
    let why = ended[0]["why"].as_str().expect("it says why");
    assert!(why.contains("accepted"), "{why}");
    run(&env, 20);
    assert_eq!(by(&env, "capability"), 20, "all is as before");
    env.baton(&["db", "check"]).ok();
}

#[test]
fn a_router_that_fails_is_rolled_back_too() {
    let env = env("[plugins.round-robin]\nlimits = { fuel = 1000 }\n");
    open(&env);
    env.baton(&["router", "shadow", "round-robin"]).ok();
    env.write("chain.json", &plan(chain(5)));
    env.baton(&["run", "chain.json"]).ok();
    let ended = env.stored().facts("trial-ended");
    let why = ended[0]["why"].as_str().expect("it says why");
    assert!(why.starts_with("it gave no usable answer 3 times in a row: "), "{why}");
}

#[test]
fn a_router_on_probation_is_promoted_when_no_guard_was_breached() {
    let env = env("[router]\nprobation = 50\nholdback = 0.1\n");
    open(&env);
    let said = env.baton(&["router", "promote", "least-loaded"]).ok();
    assert_eq!(
        said,
        "least-loaded decides about all but 10 % of the tasks, and about all after 50 attempts without a breach\n"
    );
    env.write("chain.json", &plan(chain(80)));
    env.baton(&["run", "chain.json"]).ok();
    assert_eq!(env.stored().trials()[0].ending, Some(TrialEnding::Promoted));
    run(&env, 5);
    assert_eq!(by(&env, "least-loaded"), 5, "a new run has it");
    let status = env.baton(&["router", "status"]).ok();
    assert!(status.starts_with("least-loaded decides (promoted; configured is capability)"), "{status}");
    env.baton(&["router", "rollback"]).ok();
    run(&env, 5);
    assert_eq!(by(&env, "capability"), 5);
    let none = env.baton(&["router", "rollback"]).fails(2);
    assert!(none.contains("no router was promoted"), "{none}");
}

#[test]
fn promotion_demands_what_the_configuration_says() {
    let env = env("[router]\nrequire-backtest = true\nrequire-shadow = 10\n");
    open(&env);
    let first = env.baton(&["router", "promote", "least-loaded"]).fails(1);
    assert!(first.contains("require-backtest: baton router backtest least-loaded comes first"), "{first}");
    let judged = env.baton(&["router", "backtest", "least-loaded"]);
    assert_eq!(judged.code, Some(1), "one decision is no ground: {}", judged.stdout);
    assert!(judged.stdout.ends_with("least-loaded is refused: the record can't tell\n"), "{}", judged.stdout);
    let second = env.baton(&["router", "promote", "least-loaded"]).fails(1);
    assert!(second.contains("least-loaded did not win its last backtest"), "{second}");
    env.baton(&["router", "promote", "least-loaded", "--force", "--at-once"]).ok();
    run(&env, 3);
    assert_eq!(by(&env, "least-loaded"), 3);
}

#[test]
fn a_run_that_named_the_router_on_trial_is_of_neither_arm() {
    let env = env("");
    open(&env);
    let begun = env.baton(&["router", "ab", "least-loaded", "--share", "0.5", "--json"]).json();
    assert_eq!(begun["trial"]["stage"], json!({ "is": "split", "share": 0.5 }), "{begun}");
    env.write("named.json", &plan(tasks(20)));
    let named = env.baton(&["run", "named.json", "--quiet", "--router", "least-loaded"]);
    assert!(matches!(named.code, Some(0 | 1)), "{}", named.stderr);
    assert_eq!(by(&env, "least-loaded"), 20);
    let attempts = |env: &Env| {
        let trial = &env.baton(&["router", "status", "--json"]).json()["trial"];
        [&trial["baseline"]["attempts"], &trial["candidate"]["attempts"]].map(Value::as_u64)
    };
    assert_eq!(attempts(&env), [Some(0), Some(0)]);
    run(&env, 20);
    let [Some(ours), Some(theirs)] = attempts(&env) else { panic!("no attempts") };
    assert_eq!(ours + theirs, 20);
}

/// A log by a router that gives everybody a chance.
fn logged(router: &str, count: usize) -> Env {
    let env = env("");
    env.write("plan.json", &plan(tasks(count)));
    let output = env.baton(&["run", "plan.json", "--quiet", "--router", router]);
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
    env
}

#[test]
fn a_backtest_says_what_another_router_would_have_meant() {
    let env = logged("random", 60);
    for _ in 0..11 {
        let output = env.baton(&["run", "plan.json", "--quiet", "--again", "--router", "random"]);
        assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
    }
    let better = env.baton(&["router", "backtest", "capability", "--json"]).json();
    assert_eq!(better["finding"], "better", "{better}");
    let dr = &better["backtest"]["acceptance"]["Ok"]["dr"];
    assert!(dr["low"].as_f64().is_some_and(|low| low > 0.8), "it would choose the good one: {dr}");
    let same = env.baton(&["router", "backtest", "random"]);
    assert!(same.stdout.contains("agreement"), "{}", same.stdout);
    env.baton(&["router", "promote", "capability", "--at-once"]).ok();
    let judged = env.stored().events("router-judged").len();
    assert_eq!(judged, 2);
}

#[test]
fn a_backtest_refuses_where_the_log_has_no_trace_of_what_the_other_would_do() {
    let env = logged("capability", 600);
    let refused = env.baton(&["router", "backtest", "random"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stdout.contains("was never possible in the log; log with a router that explores"),
        "{}",
        refused.stdout
    );
    assert!(refused.stdout.ends_with("random is refused: the record can't tell\n"), "{}", refused.stdout);
}
