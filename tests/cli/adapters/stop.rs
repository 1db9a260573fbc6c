//! What a person cancels ends, here and on the far side.

use std::path::PathBuf;

use baton_core::task::StateName;
use serde_json::json;

use super::a2a::{card, method, result};
use super::{endings, methods, service, stage, starts, transcript, within};
use crate::support::Env;
use crate::support::model::{Model, Reply};

/// Runs until `under_way`, then cancels from a second process.
fn cancelled(env: &Env, mut under_way: impl FnMut() -> bool) {
    let host = env.start(&["host"]);
    env.until("a host", |stored| stored.hosts() > 0);
    env.baton(&["run", "--detach", "plan.json"]).ok();
    within(30, "the work", &mut under_way);
    env.baton(&["cancel", "a"]).ok();
    within(5, "the cancellation", || env.stored().task().task.state.name() == StateName::Cancelled);
    drop(host);
}

#[test]
fn a_cancelled_attempt_ends_its_program() {
    let env = stage("codex", "", &[&transcript("codex", "hang.jsonl")]);
    let mut process = PathBuf::new();
    let host = env.start(&["host"]);
    env.until("a host", |stored| stored.hosts() > 0);
    env.baton(&["run", "--detach", "plan.json"]).ok();
    within(30, "a program", || match starts(&env).first() {
        Some(start) => {
            process = PathBuf::from(format!("/proc/{}", start["started"]));
            true
        }
        None => false,
    });
    assert!(process.exists(), "{} is not there", process.display());
    env.baton(&["cancel", "a"]).ok();
    within(5, "the program's end", || !process.exists());
    within(5, "the cancellation", || env.stored().task().task.state.name() == StateName::Cancelled);
    assert_eq!(endings(&env), "cancelled");
    drop(host);
}

#[test]
fn an_acp_session_is_told_that_it_was_cancelled() {
    let env = stage("acp", "", &[&transcript("acp", "hang.jsonl")]);
    cancelled(&env, || methods(&env).iter().any(|method| method == "session/prompt"));
    within(5, "the session's cancellation", || methods(&env).iter().any(|method| method == "session/cancel"));
}

#[test]
fn an_a2a_task_is_cancelled_on_the_far_side() {
    let model = Model::start(|_, asked| {
        match method(asked).as_str() {
        "card" => Reply::json(&card(true)),
        "SendStreamingMessage" => Reply::events(&[result(
            asked,
            json!({ "task": { "id": "t-1", "contextId": "c-1", "status": { "state": "TASK_STATE_WORKING" } } }),
        )])
        .left_open(),
        _ => Reply::json(&result(
            asked,
            json!({ "id": "t-1", "contextId": "c-1", "status": { "state": "TASK_STATE_CANCELED" } }),
        )),
    }
    });
    let env = Env::new();
    service(&env, "a2a", "", model.port, "", "");
    let said = || model.asked().iter().map(method).collect::<Vec<_>>();
    cancelled(&env, || said().len() > 1);
    within(5, "the task's cancellation", || said().contains(&String::from("CancelTask")));
    assert_eq!(model.asked()[2].json()["params"]["id"], "t-1");
}
