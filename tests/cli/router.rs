//! Swapping the routing strategy while a run is going.

use baton_core::id::RunId;
use baton_core::task::StateName;
use baton_store::testing::StoredAttempt;
use baton_store::testing::tamper::{Alteration, To, filled, rows};
use serde_json::json;

use crate::support::{Env, chain, plan};

#[test]
fn another_router_takes_over_between_two_decisions_of_a_run() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 300 }\n",
    );
    let chain = chain(8, "work");
    env.write("plan.json", &plan(chain));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first success", |stored| stored.tasks_in(StateName::Succeeded) > 0);
    let said = env.baton(&["router", "use", "round-robin"]).ok();
    assert_eq!(said, "r1 is routed by round-robin from its next decision on\n");
    let output = host.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("router round-robin takes over from capability"), "{}", output.stdout);
    let routers = env.stored().deciding_components();
    assert_eq!(routers, 2, "both decided");
    assert_eq!(env.stored().attempts().len(), 8, "nothing was run twice");
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

#[test]
fn an_agent_is_asked_who_does_a_task_and_the_router_decides_where_its_answer_names_nobody() {
    let done = |answer: &str| {
        let env = Env::new();
        let agent = |name: &str, skill: &str, output: &str| {
            format!(
                "[agents.{name}]\nadapter = \"mock\"\nskills = [\"{skill}\"]\nconfig = {{ output = '{output}' }}\n"
            )
        };
        let config = [
            agent("ann", "work", "{}"),
            agent("bob", "work", "{}"),
            agent("chooser", "choose", answer),
            "[plugins.llm]\nconfig = { skills = \"choose\" }\n".to_owned(),
        ];
        env.write("baton.toml", &config.concat());
        env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
        env.baton(&["run", "plan.json", "--router", "llm"]).ok();
        let by = |attempt: StoredAttempt| Some(format!("{} by {}", attempt.name, attempt.agent?));
        let mut who: Vec<String> = env.stored().attempts().into_iter().filter_map(by).collect();
        who.sort();
        let who = who.join(", ");
        let explained = env.baton(&["router", "explain", "a", "--json"]).json();
        env.baton(&["router", "verify"]).ok();
        (who, explained["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (who, why) = done(r#"{"agent": "bob", "reason": "it is good at work"}"#);
    assert_eq!(who, "a by bob, a/route-1 by chooser");
    insta::assert_snapshot!(why, @"bob: an agent with choose chose it: it is good at work");
    let (who, why) = done(r#"{"agent": "zoe"}"#);
    assert_eq!(who, "a by ann, a/route-1 by chooser, a/route-1 by chooser", "it is asked once more");
    insta::assert_snapshot!(why, @r#"an agent with choose named "zoe", which is no candidate; ann declares 1 of 1 wanted skill(s) and is 0 % busy"#);
}

/// Two runs, the first routed by one router and then another.
fn decided() -> Env {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "depends_on": ["a"] }])),
    );
    env.baton(&["run", "plan.json", "--router", "round-robin"]).ok();
    env.write("other.json", &plan(json!([{ "id": "c", "skills": ["work"] }])));
    env.baton(&["run", "other.json"]).ok();
    env
}

#[test]
fn decisions_made_again_come_out_byte_for_byte_the_same() {
    let env = decided();
    let all = "3 decisions and 0 lessons: 3 came out byte for byte the same\n";
    assert_eq!(env.baton(&["router", "verify"]).ok(), all);
    let one = "1 decisions and 0 lessons: 1 came out byte for byte the same\n";
    assert_eq!(env.baton(&["router", "verify", "--run", "r2"]).ok(), one);
}

#[test]
fn a_bundle_is_verified_where_there_is_neither_a_store_nor_a_configuration() {
    let env = decided();
    let bundle = env.path("decisions.bundle");
    let said = env.baton(&["router", "export", "decisions.bundle", "--quiet"]).ok();
    assert_eq!(said, "");
    let elsewhere = Env::new();
    let verified = elsewhere.baton(&["router", "verify", "--bundle", &bundle.to_string_lossy()]).ok();
    assert_eq!(verified, "3 decisions and 0 lessons: 3 came out byte for byte the same\n");
    let refused = elsewhere.baton(&["router", "verify", "--bundle", "nowhere"]).fails(3);
    assert!(refused.contains("nowhere can't be used: there is no such file"), "{refused}");
}

#[test]
fn a_decision_that_was_altered_is_the_first_difference() {
    let env = decided();
    let rows = rows("decision", &[("id", 2)]);
    env.alter(&[Alteration::Replace {
        rows,
        column: "answer",
        from: "it is the turn",
        to: "it was the turn",
    }]);
    let output = env.baton(&["router", "verify"]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert!(
        output.stdout.starts_with("decision d2 of r1: the answers differ from byte "),
        "{}",
        output.stdout
    );
}

#[test]
fn a_state_that_was_altered_is_noticed() {
    let env = decided();
    let rows = filled("state", "bytes");
    env.alter(&[Alteration::Set { rows, column: "bytes", to: To::Bytes(b"\x01bob") }]);
    let output = env.baton(&["router", "verify"]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert!(output.stdout.contains("decision d2 of r1: the answers differ"), "{}", output.stdout);
}

/// Two idle agents of which one is worth waiting for, and more tasks than it can do at once.
#[test]
fn tasks_that_are_put_off_together_do_not_wait_for_each_other() {
    let agent = |name: &str, quality: &str| {
        format!(
            "[agents.{name}]\nadapter = \"mock\"\nskills = [\"x\"]\n\
             config = {{ \"skill.x\" = \"{quality}\", output = '{{\"good\": true}}', latency-ms = \"100\" }}\n"
        )
    };
    let task = |at: usize| {
        let good = json!({ "properties": { "good": { "const": true } }, "required": ["good"] });
        json!({ "id": format!("t{at}"), "skills": ["x"], "effects": "pure", "contract": good,
                "validators": [{ "use": "schema" }], "retry": { "attempts": 1 } })
    };
    for router in ["adaptive", "predictive"] {
        let env = Env::new();
        let agents = [agent("ann", "1.0"), agent("bob", "0.2")].concat();
        env.write(
            "baton.toml",
            &format!("{agents}[router]\nuse = \"{router}\"\n[breaker]\nfailures = 1000\n"),
        );
        env.write("learn.json", &plan((0..60).map(task).collect()));
        env.write("eight.json", &plan((0..8).map(task).collect()));
        for file in ["learn.json", "eight.json"] {
            let ended = env.baton(&["run", "-q", file]);
            assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
        }
        let mut starts: Vec<i64> = env
            .stored()
            .attempts()
            .iter()
            .filter(|one| one.run == RunId(2))
            .map(|one| one.started.0)
            .collect();
        starts.sort_unstable();
        let gap = starts.windows(2).map(|pair| pair[1] - pair[0]).max().expect("there are several");
        assert!(gap < 1_500, "{router}: nothing was begun for {gap} ms, and an attempt takes 100");
    }
}
