//! Plugins that want more than they may have: each loop that one drives has an end, for its task and for its run, and
//! what it says has one as well.

use baton_core::event::Event;
use baton_core::task::{Role, StateName};
use serde_json::json;

use super::guests::guest;
use crate::support::{Env, MOCKS, chain, plan};

fn env(name: &str, settings: &str) -> Env {
    let env = Env::new();
    env.write("baton.toml", &format!("{MOCKS}\n{settings}"));
    std::fs::write(env.path(&format!("{name}.wasm")), guest(name)).expect("writable");
    env.baton(&["plugin", "add", &format!("{name}.wasm")]).ok();
    env
}

#[test]
fn a_router_is_not_asked_about_what_it_wants_to_know() {
    let env = env("greedy-router", "");
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["work"] }])),
    );
    let said = env.baton(&["run", "plan.json", "--router", "greedy-router"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("the router asked for more than 3 consultations"), "{}", said.stdout);
    assert_eq!(env.stored().tasks().len(), 2 + 2 * 3, "three consultations for each of two tasks");
    let consultations = env.stored().tasks_as(Role::Consult);
    assert_eq!(consultations.len(), 6);
    assert!(consultations.iter().all(|one| one.task.state.name() == StateName::Succeeded), "all were done");
}

#[test]
fn consultations_of_a_run_have_an_end_and_its_tasks_are_done_all_the_same() {
    let env = env("greedy-router", "[plugins.greedy-router.limits]\nconsultations-per-run = 2\n");
    env.write("plan.json", &plan(chain(5, "work")));
    let said = env.baton(&["run", "plan.json", "--router", "greedy-router"]).ok();
    let over = "greedy-router went over its consultations-per-run limit (2)";
    assert!(said.contains(over), "{said}");
    assert!(
        said.contains("router greedy-router is off: from now on the least loaded agent is chosen"),
        "{said}"
    );
    assert_eq!(env.stored().tasks_as(Role::Consult).len(), 2);
    assert_eq!(env.stored().events("router-degraded").len(), 3);
}

#[test]
fn a_router_that_fails_without_one_before_it_is_off_and_said_to_be_once() {
    let env = env("greedy-router", "[plugins.greedy-router.config]\ndo = \"refuse\"\n");
    env.write("plan.json", &plan(chain(8, "work")));
    let said = env.baton(&["run", "plan.json", "--router", "greedy-router"]).ok();
    assert_eq!(said.matches("is off").count(), 1, "{said}");
    assert_eq!(env.stored().events("router-degraded").len(), 3);
    assert_eq!(env.stored().runs()[0].router.name, "host:least-loaded");
    assert_eq!(env.stored().decisions_by("host:least-loaded"), 8);
    env.baton(&["router", "verify"]).ok();
    env.baton(&["db", "check"]).ok();
}

#[test]
fn what_a_router_says_is_cut_and_says_so() {
    let long = |what: &str| {
        let env = env("greedy-router", &format!("[plugins.greedy-router.config]\ndo = \"{what}\"\n"));
        env.write("plan.json", &plan(chain(3, "work")));
        let said = env.baton(&["run", "plan.json", "--router", "greedy-router"]);
        assert!(
            said.stderr.len() + said.stdout.len() < 50_000,
            "{what}: {} bytes were printed",
            said.stderr.len()
        );
        let stored = env.stored();
        let fact = |event: &Event| serde_json::to_string(&event.fact).expect("it is data").len();
        let longest = stored.record().iter().map(fact).max().unwrap_or_default();
        let answers =
            stored.decisions().iter().map(|decision| decision.answer.len()).max().unwrap_or_default();
        assert!(longest + answers < 20_000, "{what}");
        env
    };
    let cut = " (cut, of 5000000 bytes)";
    let fact = long("refuse").stored().facts("router-degraded")[0].to_string();
    assert!(fact.contains(cut), "{fact}");
    let fact = long("reject").stored().facts("failed")[0].to_string();
    assert!(fact.contains(cut), "{fact}");
    let env = long("reason");
    assert!(env.stored().decisions()[0].answer.contains(cut));
    env.baton(&["router", "verify"]).ok();
}

#[test]
fn an_executor_that_is_never_done_ends_with_the_limit_that_it_went_over() {
    let ends = |settings: &str, limit: &str| {
        let env = env("greedy-executor", settings);
        let task =
            json!([{ "id": "a", "executor": "greedy-executor", "retry": { "attempts": 1, "crashes": 1 } }]);
        env.write("plan.json", &plan(task));
        let said = env.baton(&["run", "plan.json"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let over = format!("greedy-executor went over its {limit} limit (7)");
        assert!(said.stdout.contains(&over), "{}", said.stdout);
        env.stored().tasks().len()
    };
    assert_eq!(ends("[plugins.greedy-executor.limits]\nchildren = 7\n", "children"), 8);
    assert_eq!(ends("[plugins.greedy-executor.limits]\nchildren-per-run = 7\n", "children-per-run"), 8);
    assert_eq!(ends("[plugins.greedy-executor.limits]\nrounds = 7\n", "rounds"), 8);
    let naps = "[plugins.greedy-executor]\nconfig = { do = \"nap\" }\nlimits = { rounds = 7 }\n";
    assert_eq!(ends(naps, "rounds"), 2);
}

#[test]
fn questions_have_an_end_also_where_a_policy_answers_them() {
    let asker =
        "[agents.asker]\nadapter = \"greedy-agent\"\nskills = [\"ask\"]\n[people]\nunanswered = \"auto\"\n";
    let env = env("greedy-agent", asker);
    let task = json!([{ "id": "a", "skills": ["ask"], "effects": "pure", "retry": { "attempts": 1, "crashes": 1 } }]);
    env.write("plan.json", &plan(task));
    let said = env.baton(&["run", "plan.json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("greedy-agent went over its questions limit (64)"), "{}", said.stdout);
    assert_eq!(env.stored().questions().len(), 64);
}

#[test]
fn the_limits_of_what_plugins_ask_for_are_shown() {
    let env = env("greedy-router", "[plugins.greedy-router.limits]\nconsultations = 1\n");
    let limits = env.baton(&["plugin", "limits", "greedy-router", "--json"]).json();
    assert_eq!(limits[0]["limits"]["consultations"], "1");
    assert_eq!(limits[0]["limits"]["consultations-per-run"], "10000");
    assert_eq!(limits[0]["limits"]["children"], serde_json::Value::Null, "it can ask for none");
}
