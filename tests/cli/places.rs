//! More work than one host can hold waits, says so, and is charged to nobody.

use std::process::Command;

use baton_core::task::StateName;
use baton_store::testing::StoredAttempt;
use serde_json::json;

use crate::support::{BATON, Env, cache, plan};

const MANY: &str = r#"
[agents.many]
adapter = "mock"
skills = ["work"]
capacity = 200
config = { latency-ms = 300 }
"#;

/// The command under a limit of open files that nothing can raise.
fn with_files(env: &Env, files: u32, args: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("ulimit -n {files}; exec \"$0\" \"$@\"")).arg(BATON).args(args);
    command.current_dir(env.path("")).env("BATON_CACHE", cache());
    command
}

#[test]
fn what_does_not_fit_waits_and_says_so() {
    let env = Env::new();
    env.write("baton.toml", MANY);
    let tasks: Vec<_> = (0..24).map(|at| json!({ "id": format!("t{at}"), "skills": ["work"] })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    // 256 for the host itself, 8 for each attempt.
    let host = env.spawn(with_files(&env, 256 + 3 * 8, &["run", "plan.json"]));
    env.until("the first attempts", |stored| stored.tasks_in(StateName::Running) > 0);
    let mut ready = env.stored().tasks();
    ready.retain(|stored| stored.task.state.name() == StateName::Ready);
    let waiting = ready.pop().expect("one waits").name;
    let why = env.baton(&["why", &waiting]).ok();
    let status = env.baton(&["status"]).ok();
    assert!(host.wait().code == Some(0));
    let said = "waits for a place: this host, by its open files (`ulimit -n`), allows 3 at once";
    assert!(why.contains(said), "{why}");
    assert!(status.contains(said), "{status}");
    assert_eq!(env.stored().attempts().len(), 24, "nobody failed for want of a place");
    let attempts = env.stored().attempts();
    let beside = |one: &StoredAttempt| {
        attempts
            .iter()
            .filter(|other| other.started <= one.started && other.ended > Some(one.started))
            .count()
    };
    assert_eq!(attempts.iter().map(beside).max(), Some(3));
}

/// As many as the pool of plugin instances has places for, and more.
#[test]
fn a_thousand_agents_do_not_fail_for_want_of_instances() {
    let env = Env::new();
    env.write("baton.toml", &MANY.replace("200", "2000").replace("300", "1500"));
    let tasks: Vec<_> = (0..1100).map(|at| json!({ "id": format!("t{at}"), "skills": ["work"] })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    env.baton(&["run", "-q", "plan.json"]).ok();
    assert_eq!(env.stored().attempts().len(), 1100);
}
