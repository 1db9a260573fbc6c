//! Swapping the routing strategy while a run is going.

use serde_json::json;

use crate::support::{Env, plan};

#[test]
fn another_router_takes_over_between_two_decisions_of_a_run() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 300 }\n",
    );
    let chain: Vec<_> = (0..8)
        .map(|index| json!({ "id": format!("t{index}"), "skills": ["work"], "depends_on": if index == 0 { vec![] } else { vec![format!("t{}", index - 1)] } }))
        .collect();
    env.write("plan.json", &plan(json!(chain)));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first success", "SELECT count(*) > 0 FROM task WHERE state = 5");
    let said = env.baton(&["router", "use", "round-robin"]).ok();
    assert_eq!(said, "r1 is routed by round-robin from its next decision on\n");
    let output = host.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("router round-robin takes over from capability"), "{}", output.stdout);
    let routers: i64 = env.sql("SELECT count(DISTINCT router) FROM decision");
    assert_eq!(routers, 2, "both decided");
    assert_eq!(env.sql::<i64>("SELECT count(*) FROM attempt"), 8, "nothing was run twice");
}

#[test]
fn explain_prints_candidates_and_why_the_others_were_none() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["other"] }])));
    env.baton(&["run", "plan.json"]).ok();
    let explained = env.baton(&["router", "explain", "a", "--json"]).json();
    assert_eq!(explained["chosen"], "bob");
    assert_eq!(explained["candidates"].as_array().map(Vec::len), Some(1));
    assert_eq!(explained["ineligible"], json!([["ann", "does not declare other"]]));
}
