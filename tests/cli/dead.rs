//! Dead letters: failed for good, run again, or given up.

use serde_json::json;

use crate::support::{Env, plan};

fn failing() -> Env {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.bad]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { fail-first = 2, fault = \"invalid-input\" }\n\
         [agents.good]\nadapter = \"mock\"\nskills = [\"other\"]\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["other"], "depends_on": ["a"] }])));
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(1));
    env
}

#[test]
fn a_dead_letter_says_what_was_tried() {
    let env = failing();
    let dead = env.baton(&["dead", "list", "--json"]).json();
    assert_eq!(dead[0]["task"], "a");
    assert_eq!(dead[0]["fault"]["class"], "invalid-input");
    assert!(env.baton(&["dead", "show", "a"]).ok().contains("attempt 1 by bad"));
}

#[test]
fn a_redriven_letter_runs_again_with_all_of_its_attempts() {
    let env = failing();
    env.write("baton.toml", "[agents.bad]\nadapter = \"mock\"\nskills = [\"work\"]\n[agents.good]\nadapter = \"mock\"\nskills = [\"other\"]\n");
    assert_eq!(env.baton(&["dead", "redrive", "a"]).ok(), "a will be run again\n");
    assert!(env.baton(&["run", "plan.json"]).ok().contains("2 of 2 accepted"));
    assert_eq!(env.stored().events_of_kinds(&["redriven", "run-reopened"]).len(), 2);
}

#[test]
fn a_dropped_letter_skips_what_depends_on_it() {
    let env = failing();
    env.baton(&["dead", "drop", "a"]).ok();
    assert_eq!(env.baton(&["dead", "list", "--json"]).json(), json!([]));
    assert!(env.baton(&["why", "b"]).ok().starts_with("b skipped at "));
}

#[test]
fn transient_faults_are_tried_again_and_counted() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nconfig = { fail-first = 2, fault = \"transient\" }\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 3, "base": "1ms" } }])));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.stored().task().task.attempts, 3);
    assert_eq!(env.stored().events("retrying").len(), 2);
}

#[test]
fn a_rate_limit_costs_no_attempt() {
    let env = Env::new();
    env.write("baton.toml", "[agents.a]\nadapter = \"mock\"\nconfig = { fail-rate = 0.5, fault = \"rate-limited\", retry-after-ms = 5 }\n");
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 1 } }, { "id": "b", "retry": { "attempts": 1 } }, { "id": "c", "retry": { "attempts": 1 } }])));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(env.stored().most_attempts(), 1);
    assert!(!env.stored().events("retrying").is_empty(), "no fault came up: choose another seed");
}
