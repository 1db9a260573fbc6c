//! Claude Code.

use serde_json::json;

use super::{
    actor, endings, fact, heard, needs_python, one_task, report, repository, stage, starts, transcript,
};
use crate::support::Env;

#[test]
fn what_it_says_that_it_cost_is_what_it_cost() {
    let told = format!("> Mend it\n{}", transcript("claude", "good.jsonl"));
    let env = stage("claude", "", &[&told]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(heard(&env), [json!("Mend it")]);
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Mended a.rs.");
    assert_eq!(fact(&env, "charged", "bill.basis"), "reported");
    insta::assert_snapshot!(env.baton(&["cost"]).ok(), @r"
    run    attempts  input  output  unpriced  cost
    r1     1         1133   13      0         0.012346
    total  1         1133   13      0         0.012346
    ");
}

#[test]
fn a_budget_that_is_used_up_is_not_tried_again() {
    let env = stage("claude", "", &[&transcript("claude", "over-budget.jsonl")]);
    env.write("plan.json", &one_task(3, json!({})));
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "budget");
    assert_eq!(starts(&env).len(), 1);
    assert_eq!(fact(&env, "charged", "bill.cost"), "0.51");
}

#[test]
fn an_exit_code_makes_up_for_no_result() {
    let env = stage("claude", "", &[&transcript("claude", "no-result.jsonl")]);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "crashed");
    assert_eq!(env.stored().events_of_kinds(&["claimed", "accepted"]).len(), 0);
}

/// Two profiles that play these transcripts: the second takes up a session.
fn with_sessions(transcripts: &[&str]) -> Env {
    needs_python();
    let env = Env::new();
    let profiles = [
        actor(&env, "first", transcripts, &["new"]),
        actor(&env, "again", transcripts, &["--resume", "{session}"]),
    ];
    env.write(
        "baton.toml",
        &format!(
            "[agents.worker]\nadapter = \"claude\"\nskills = [\"work\"]\n\
             config = {{ profile = \"first\", resume-profile = \"again\" }}\n{}[workspace]\nrepository = \"repo\"\n",
            profiles.concat()
        ),
    );
    repository(&env);
    env.write("plan.json", &one_task(3, json!({})));
    env
}

const BEGUN: &str = "< {\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s-1\",\"model\":\"m\"}\n";

fn arguments(env: &Env) -> Vec<serde_json::Value> {
    starts(env).into_iter().map(|start| start["arguments"].clone()).collect()
}

#[test]
fn a_retry_takes_up_the_session_that_is_remembered() {
    let env = with_sessions(&[&format!("{BEGUN}!exit 1\n"), &transcript("claude", "good.jsonl")]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(arguments(&env), [json!(["new"]), json!(["--resume", "s-1"])]);
    let kept =
        env.stored().memory().into_iter().find(|kept| kept.key.starts_with("session/")).expect("a session");
    let remembered = format!("{} {}", kept.agent, kept.value);
    assert_eq!(remembered, "worker s-1");
}

#[test]
fn a_session_is_taken_up_after_the_host_was_killed() {
    let env = with_sessions(&[&format!("{BEGUN}!hang\n"), &transcript("claude", "good.jsonl")]);
    let mut host = env.start(&["run", "plan.json"]);
    env.until("a session", |stored| !stored.memory().is_empty());
    host.kill();
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(arguments(&env), [json!(["new"]), json!(["--resume", "s-1"])]);
    assert_eq!(report(&env)["outcome"]["summary"], "Mended a.rs.");
}

#[test]
fn a_session_that_the_program_does_not_know_is_forgotten() {
    let gone = transcript("claude", "session-gone.jsonl");
    let env = with_sessions(&[&format!("{BEGUN}!exit 1\n"), &gone, &transcript("claude", "good.jsonl")]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(arguments(&env), [json!(["new"]), json!(["--resume", "s-1"]), json!(["new"])]);
}
