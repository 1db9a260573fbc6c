//! Executors and validators, end to end.

use serde_json::json;

use crate::support::{Env, plan};

fn env(agents: &str, workstreams: serde_json::Value) -> Env {
    let env = Env::new();
    env.write("baton.toml", agents);
    env.write("plan.json", &plan(workstreams));
    env
}

const ECHO: &str = "[agents.echo]\nadapter = \"mock\"\nconfig = { echo = true }\n";

fn output(env: &Env, task: &str) -> serde_json::Value {
    let shown = env.baton(&["show", task, "--json"]).json();
    let attempts = shown["attempts"].as_array().cloned().unwrap_or_default();
    attempts.last().map(|attempt| attempt["report"]["outcome"]["output"].clone()).unwrap_or_default()
}

#[test]
fn sequential_steps_hand_over_what_came_before() {
    let steps = json!({ "steps": [
        { "name": "draft", "title": "Draft", "input": { "text": "hello" } },
        { "name": "review", "title": "Review", "input": { "strict": true } },
    ] });
    let env = env(ECHO, json!([{ "id": "essay", "executor": "sequential", "input": steps }]));
    env.baton(&["run", "plan.json"]).ok();
    let handed = output(&env, "essay/review");
    assert_eq!(handed["strict"], true);
    assert_eq!(handed["handoff_from_draft"]["key_outputs"]["text"], "hello");
    assert_eq!(output(&env, "essay")["strict"], true, "the last step's output is the whole's");
}

#[test]
fn parallel_branches_are_joined_and_a_failed_one_fails_the_whole() {
    let branches = json!({ "branches": [
        { "name": "left", "title": "Left", "input": 1 }, { "name": "right", "title": "Right", "input": 2 },
    ] });
    let good = env(ECHO, json!([{ "id": "both", "executor": "parallel", "input": branches }]));
    good.baton(&["run", "plan.json"]).ok();
    assert_eq!(output(&good, "both"), json!({ "left": 1, "right": 2 }));
    let bad = env(
        "[agents.bad]\nadapter = \"mock\"\nconfig = { fail-first = 9, fault = \"invalid-input\" }\n",
        json!([{ "id": "both", "executor": "parallel", "input": branches, "retry": { "attempts": 1 } }]),
    );
    assert_eq!(bad.baton(&["run", "plan.json"]).code, Some(1));
    assert!(bad.baton(&["why", "both"]).ok().contains("both failed at "));
}

#[test]
fn an_outcome_that_breaks_its_contract_is_refused_and_the_reason_reaches_the_next_attempt() {
    let contract = json!({ "type": "object", "required": ["answer"] });
    let env = env(
        "[agents.sh]\nadapter = \"command\"\nconfig = { profile = \"try\" }\n[profiles.try]\nenv = [\"PATH\"]\n\
         argv = [\"sh\", \"-c\", \"cat > seen-$0.json; if grep -q 'answer.*required' seen-$0.json; then echo '{\\\"answer\\\": 42}'; else echo '{}'; fi\", \"{attempt}\"]\n",
        json!([{ "id": "q", "contract": contract, "validators": [{ "use": "schema" }], "retry": { "base": "1ms" } }]),
    );
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.sql::<i64>("SELECT attempts FROM task"), 2);
    assert_eq!(env.sql::<String>("SELECT ending FROM attempt ORDER BY epoch LIMIT 1"), "unaccepted");
    assert_eq!(output(&env, "q"), json!({ "answer": 42 }));
}

#[test]
fn a_command_validator_asks_for_evidence_and_judges_by_it() {
    let config = |test: &str| {
        format!(
            "{ECHO}[agents.tests]\nadapter = \"command\"\nskills = [\"never-by-skill\"]\nconfig = {{ profile = \"test\" }}\n\
             [profiles.test]\nenv = [\"PATH\"]\nargv = [\"sh\", \"-c\", \"{test}\"]\n"
        )
    };
    let workstreams = json!([{
        "id": "w", "skills": [], "agent": "echo", "retry": { "attempts": 1 },
        "validators": [{ "use": "command", "with": { "agent": "tests" } }],
    }]);
    let good = env(&config("echo all good"), workstreams.clone());
    good.baton(&["run", "plan.json"]).ok();
    assert_eq!(
        good.sql::<i64>("SELECT count(*) FROM task WHERE role = 1 AND state = 5"),
        1,
        "the evidence is a task"
    );
    let bad = env(&config("echo broken >&2; exit 65"), workstreams);
    assert_eq!(bad.baton(&["run", "plan.json"]).code, Some(1));
    assert!(bad.baton(&["why", "w"]).ok().contains("unaccepted: command: "));
}

#[test]
fn an_agent_that_claims_what_is_not_json_is_not_believed() {
    let env = env(
        "[agents.liar]\nadapter = \"mock\"\nconfig = { garbage = true }\n",
        json!([{ "id": "w", "retry": { "attempts": 1 } }]),
    );
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(1));
    assert!(env.baton(&["why", "w"]).ok().contains("invalid-output: outcome.output is not JSON"));
}

#[test]
fn a_composite_task_that_is_cancelled_leaves_a_sound_store() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.slow]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 60000 }\n",
    );
    env.write(
        "plan.json",
        r#"[{"id": "all", "executor": "parallel", "input": {"branches": [{"title": "x", "input": 1, "skills": ["work"]}]}}]"#,
    );
    let host = env.start(&["run", "plan.json"]);
    env.until("a running branch", "SELECT count(*) = 1 FROM task WHERE state = 2");
    env.baton(&["cancel", "r1"]).ok();
    assert_eq!(host.wait().code, Some(1));
    env.baton(&["db", "check"]).ok();
}
