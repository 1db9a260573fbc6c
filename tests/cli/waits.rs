//! Nothing waits in silence: what a run waits for is said when it begins, and again on demand.

use baton_core::task::StateName;
use serde_json::json;

use crate::support::{Env, MOCKS, Output, plan};

/// The lines of standard output that begin so.
fn lines(output: &Output, begin: &str) -> Vec<String> {
    output.stdout.lines().filter(|line| line.starts_with(begin)).map(str::to_owned).collect()
}

#[test]
fn a_run_without_any_agent_is_refused_at_once() {
    let env = Env::new();
    env.write("plan.json", &plan(json!([{ "id": "a" }])));
    let said = env.baton(&["run", "plan.json"]).fails(2);
    assert!(said.contains("there is no baton.toml in or above "), "{said}");
    assert!(said.contains("`baton init` writes one with two agents"), "{said}");
    env.write("baton.toml", "[router]\nuse = \"capability\"\n");
    let said = env.baton(&["run", "plan.json"]).fails(2);
    assert!(said.contains("baton.toml has no [agents]: nobody would do the work"), "{said}");
    assert!(!env.path(".baton/baton.db").exists(), "nothing was written");
}

#[test]
fn what_nobody_can_do_is_said_and_ends_the_run_when_nothing_else_is_left() {
    let env = Env::with_mocks();
    let tasks = json!([
        { "id": "a", "skills": ["work"] }, { "id": "y", "skills": ["ghost"] }, { "id": "y2", "skills": ["ghost"] },
        { "id": "z", "skills": ["work"], "depends_on": ["y"] },
    ]);
    env.write("plan.json", &plan(tasks));
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(4), "{}", output.stderr);
    assert!(output.stdout.contains("r1 test: 1 of 4 accepted, 3 not done"), "{}", output.stdout);
    let why = r#"has no capable agent: ann does not declare ghost; bob does not declare ghost; add "ghost" to the skills of an agent in baton.toml, or change the plan"#;
    assert_eq!(lines(&output, "y "), [format!("y (and 1 more like it) {why}")]);
    let begun = "no agent can do y (and 1 more: `baton plan check` names them), and the run will wait for one: ann does not declare ghost";
    assert!(output.stderr.starts_with(begun), "{}", output.stderr);
    assert!(output.stderr.contains("see to it, and run the plan again"), "{}", output.stderr);
    assert_eq!(env.baton(&["why", "y"]).ok(), format!("y {why}\n"));
    let status = env.baton(&["status"]).ok();
    assert!(status.contains(&format!("waits: y (and 1 more like it) {why}")), "{status}");
    env.write("baton.toml", &MOCKS.replace("\"other\"", "\"other\", \"ghost\""));
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.contains("r1 test: 4 of 4 accepted"), "{said}");
}

#[test]
fn a_plan_that_nobody_can_do_is_no_sound_plan() {
    let env = Env::with_mocks();
    let tasks = json!([
        { "id": "a", "skills": ["ghost"] }, { "id": "b", "executor": "paralel" },
        { "id": "c", "validators": [{ "use": "shema" }], "contract": { "type": "objekt" } },
        { "id": "d", "depends_on": ["e"] }, { "id": "e", "depends_on": ["d"] },
    ]);
    env.write("plan.json", &plan(tasks));
    let said = env.baton(&["plan", "check", "plan.json"]).fails(2);
    insta::assert_snapshot!(said, @r#"
    baton: plan.json#/workstreams/3/depends_on: a cycle: d → e → d
        plan.json#/workstreams/2/contract: is not a JSON Schema: "objekt" is not valid under any of the schemas listed in the 'anyOf' keyword
        plan.json#/workstreams/1/executor: no executor "paralel" is installed or bundled (did you mean "parallel"?)
        plan.json#/workstreams/2/validators/0/use: no validator "shema" is installed or bundled (did you mean "schema"?)
        plan.json#/workstreams/0/skills: no agent can do it: ann does not declare ghost; bob does not declare ghost (add what is missing to an agent in baton.toml, or change the workstream)
        the plan has 5 errors
    "#);
}

/// The first run's tasks: one that holds what the second needs, and three after it, so that its host stays.
fn first(holder: serde_json::Value) -> serde_json::Value {
    let after = |id: &str, before: &str| json!({ "id": id, "depends_on": [before], "skills": ["work"] });
    json!([holder, after("a", "holder"), after("b", "a"), after("c", "b")])
}

/// A second run that needs what the first one has.
fn beside(env: &Env, first: serde_json::Value, second: serde_json::Value) -> Output {
    env.write("first.json", &plan(first));
    env.write("second.json", &plan(second));
    let host = env.start(&["run", "first.json"]);
    env.until("the first task", |stored| stored.tasks_in(StateName::Running) > 0);
    let output = env.baton(&["run", "second.json"]);
    drop(host);
    output
}

const SLOW: &str =
    "[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\ncapacity = 4\nconfig = { latency-ms = 1500 }\n";

#[test]
fn a_lock_of_another_run_is_said() {
    let env = Env::new();
    env.write("baton.toml", SLOW);
    let first = first(json!({ "id": "holder", "skills": ["work"], "paths": ["src/**"] }));
    let output = beside(&env, first, json!([{ "id": "late", "skills": ["work"], "paths": ["src/main.rs"] }]));
    assert_eq!(output.code, Some(0), "it waits, and is done: {output:?}");
    assert_eq!(
        lines(&output, "late waits"),
        ["late waits for the lock on path src/main.rs (held as src/**), which holder holds"]
    );
}

#[test]
fn a_limit_of_places_is_said() {
    let env = Env::new();
    env.write("baton.toml", &format!("[limits]\nrunning = 1\n{SLOW}"));
    let first = first(json!({ "id": "holder", "skills": ["work"] }));
    let output = beside(&env, first, json!([{ "id": "late", "skills": ["work"] }]));
    assert_eq!(lines(&output, "late waits"), ["late waits for a place: [limits] running allows 1 at once"]);
}

#[test]
fn an_open_breaker_is_said() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[breaker]\nfailures = 1\npause = \"2s\"\n\
         [agents.shaky]\nadapter = \"mock\"\nconfig = { fail-first = 1, fault = \"transient\" }\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 3, "base": "1ms" } }])));
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let said = lines(&output, "a waits");
    assert!(said[0].starts_with("a waits for shaky, whose breaker is open until "), "{said:?}");
}

#[test]
fn a_spent_budget_is_said() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[budget]\nrun = { money = 1.0 }\n[agents.ann]\nadapter = \"mock\"\ncost = 1.0\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a" }, { "id": "b", "depends_on": ["a"] }])));
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(5), "{}", output.stderr);
    assert!(output.stdout.contains("the budget of run r1 is used up: 1.00\n"), "{}", output.stdout);
    assert_eq!(
        lines(&output, "b waits"),
        [
            "b waits for money: the 1.00 of run r1 is used up or set aside; raise it under [budget] in baton.toml"
        ]
    );
}

#[test]
fn a_question_is_said_when_it_is_asked() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.boss]\nadapter = \"person\"\n[agents.ann]\nadapter = \"mock\"\nskills = [\"work\"]\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "q", "agent": "boss", "title": "Ship it?" }])));
    let output = env.baton(&["run", "plan.json"]);
    assert_eq!(output.code, Some(4), "{}", output.stderr);
    let said = lines(&output, "q waits for a person: ");
    assert!(said[0].contains("Ship it?") && said[0].contains("(`baton answer q1`)"), "{said:?}");
}

#[test]
fn why_knows_limits_and_keys_and_money_of_the_host() {
    let env = Env::new();
    env.write("baton.toml", &format!("[keys]\ngpu = 1\n{SLOW}"));
    let tasks = json!([
        { "id": "a", "skills": ["work"], "keys": ["gpu"] }, { "id": "b", "skills": ["work"], "keys": ["gpu"] },
    ]);
    env.write("plan.json", &plan(tasks));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first task", |stored| stored.tasks_in(StateName::Running) > 0);
    assert_eq!(env.baton(&["why", "b"]).ok(), "b waits for a place: [keys] gpu allows 1 at once\n");
    drop(host);
    assert_eq!(
        env.baton(&["why", "b"]).ok(),
        "b is ready, and no host is running: `baton run PLAN` or `baton host`\n"
    );
}

#[test]
fn without_a_host_the_answer_is_what_the_next_one_will_find() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    let no_host = "a is ready, and no host is running: `baton run PLAN` or `baton host`\n";
    assert_eq!(env.baton(&["why", "a"]).ok(), no_host);
    env.baton(&["agents", "drain", "ann"]).ok();
    assert_eq!(env.baton(&["why", "a"]).ok(), no_host, "somebody else can do it");
    env.baton(&["agents", "drain", "bob"]).ok();
    assert_eq!(env.baton(&["why", "a"]).ok(), "a waits for an agent: ann is draining; bob is draining\n");
    env.baton(&["agents", "resume", "ann"]).ok();
    assert_eq!(env.baton(&["why", "a"]).ok(), no_host);
}

#[test]
fn a_spent_budget_is_known_without_a_host() {
    let env = Env::new();
    let config = "[budget]\nrun = { money = 1.0 }\n[agents.ann]\nadapter = \"mock\"\ncost = 1.0\n";
    env.write("baton.toml", config);
    env.write("plan.json", &plan(json!([{ "id": "a" }, { "id": "b", "depends_on": ["a"] }])));
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(5));
    let spent =
        "waits for money: the 1.00 of run r1 is used up or set aside; raise it under [budget] in baton.toml";
    assert_eq!(env.baton(&["why", "b"]).ok(), format!("b {spent}\n"));
    assert!(env.baton(&["status"]).ok().contains(&format!("waits: b {spent}")));
    env.write("baton.toml", &config.replace("money = 1.0", "money = 2.0"));
    assert!(env.baton(&["why", "b"]).ok().starts_with("b is ready, and no host is running"));
}
