//! Tasks that change files: each in a tree of its own, landed one after the other on a branch that is never red.

use std::process::Command;

use crate::support::{Env, git};

/// A repository with two files, a check that the word `broken` is nowhere, and an agent that runs the task's script.
fn env() -> Env {
    let env = Env::new();
    env.write(
        "baton.toml",
        r#"
[agents.hands]
adapter = "command"
skills = ["edit"]
capacity = 8
config = { profile = "script" }

[profiles.script]
argv = ["sh", "-c", "{input.run}"]
env = ["PATH"]

[profiles.whole]
argv = ["sh", "-c", "! grep -rl broken --include=*.txt ."]
env = ["PATH"]

[workspace]
repository = "repo"
checks = ["whole"]
"#,
    );
    env.write("repo/a.txt", "a\n");
    env.write("repo/b.txt", "b\n");
    let repo = env.path("repo");
    git(&repo, &["init", "--quiet"]);
    git(&repo, &["add", "--all"]);
    git(&repo, &["commit", "--quiet", "--message", "First"]);
    env
}

fn task(id: &str, run: &str) -> serde_json::Value {
    serde_json::json!({
        "id": id, "title": format!("Do {id}"), "skills": ["edit"], "input": { "run": run },
        "retry": { "attempts": 1 },
    })
}

fn plan(env: &Env, tasks: &[serde_json::Value]) {
    env.write("plan.json", &serde_json::Value::from(tasks.to_vec()).to_string());
}

const TARGET: &str = "baton/accepted";

#[test]
fn an_accepted_change_lands_and_the_checked_out_files_stay_until_it_is_merged() {
    let env = env();
    plan(&env, &[task("a", "echo more >> a.txt; pwd")]);
    env.baton(&["run", "plan.json"]).ok();
    let repo = env.path("repo");
    assert_eq!(std::fs::read_to_string(repo.join("a.txt")).unwrap(), "a\n");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:a.txt")]), "a\nmore");
    assert_eq!(git(&repo, &["log", "-1", "--format=%s", TARGET]), "Do a");
    env.baton(&["merge"]).ok();
    assert_eq!(std::fs::read_to_string(repo.join("a.txt")).unwrap(), "a\nmore\n");
    assert_eq!(env.baton(&["worktrees"]).ok().trim(), "there are none");
    let landed: String =
        env.sql("SELECT json_extract(CAST(fact AS TEXT), '$.target') FROM event WHERE kind = 'landed'");
    assert_eq!(landed, TARGET);
}

#[test]
fn twenty_edits_at_once_land_or_say_why_and_the_branch_is_never_red() {
    let env = env();
    let tasks: Vec<serde_json::Value> = (0..20)
        .map(|index| match index {
            7 | 13 => task(&format!("t{index}"), &format!("echo broken > new{index}.txt")),
            18 | 19 => task(&format!("t{index}"), &format!("echo {index} > a.txt")),
            _ => task(&format!("t{index}"), &format!("echo {index} > new{index}.txt")),
        })
        .collect();
    plan(&env, &tasks);
    env.baton(&["run", "plan.json"]).fails(1);
    let repo = env.path("repo");
    let commits = git(&repo, &["rev-list", "--reverse", TARGET]);
    for commit in commits.lines() {
        let red = Command::new("git")
            .args(["grep", "-q", "broken", commit, "--", "*.txt"])
            .current_dir(&repo)
            .status();
        assert!(!red.unwrap().success(), "{commit} is red");
    }
    let succeeded = env.sql::<i64>("SELECT count(*) FROM task WHERE state = 5");
    assert_eq!(succeeded, 17, "all but two that break the check and one of two that conflict");
    let faults = env.sql::<String>(
        "SELECT group_concat(json_extract(CAST(report AS TEXT), '$.fault.message'), '\n') FROM attempt WHERE ending = 'unaccepted'",
    );
    assert_eq!(faults.matches("the target would break: whole ended with").count(), 2, "{faults}");
    assert_eq!(faults.matches("it conflicts with what landed meanwhile, in a.txt").count(), 1, "{faults}");
}

#[test]
fn a_dependent_task_starts_from_what_it_depends_on() {
    let env = env();
    let mut second = task("second", "cat first.txt > second.txt");
    second["depends_on"] = serde_json::json!(["first"]);
    plan(&env, &[task("first", "echo one > first.txt"), second]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&env.path("repo"), &["show", &format!("{TARGET}:second.txt")]), "one");
}

#[test]
fn liars_are_refused_by_the_scope_of_what_they_changed() {
    let env = env();
    let judged = |id: &str, run: &str, paths: &[&str]| {
        let mut task = task(id, run);
        task["paths"] = serde_json::json!(paths);
        task["validators"] = serde_json::json!([{ "use": "diff-scope" }]);
        task
    };
    plan(
        &env,
        &[
            judged("idle", "echo done", &["a.txt"]),
            judged("astray", "echo x > b.txt", &["c/**"]),
            judged("honest", "mkdir -p d && echo x > d/new.txt", &["d/**"]),
        ],
    );
    env.baton(&["run", "plan.json"]).fails(1);
    let state = |name: &str| {
        env.sql::<i64>(&format!("SELECT state FROM task JOIN body ON task_id = id WHERE name = '{name}'"))
    };
    assert_eq!([state("idle"), state("astray"), state("honest")], [6, 6, 5]);
    let shown = env.baton(&["show", "astray"]).ok();
    assert!(shown.contains("b.txt"), "{shown}");
}

#[test]
fn evidence_is_gathered_in_the_tree_that_it_judges() {
    let env = env();
    let mut tested = task("tested", "echo fine > a.txt");
    tested["validators"] = serde_json::json!([{
        "use": "command", "with": { "agent": "hands", "input": r#"{"run": "grep -q fine a.txt"}"# },
    }]);
    let mut claims = task("claims", "echo ok");
    claims["validators"] = serde_json::json!([{
        "use": "command", "with": { "agent": "hands", "input": r#"{"run": "grep -q never a.txt"}"# },
    }]);
    plan(&env, &[tested, claims]);
    env.baton(&["run", "plan.json"]).fails(1);
    let succeeded: String = env.sql(
        "SELECT group_concat(name) FROM (SELECT name FROM body JOIN task ON id = task_id WHERE state = 5 AND parent_id IS NULL ORDER BY name)",
    );
    assert_eq!(succeeded, "tested");
}

#[test]
fn another_store_s_landing_is_not_taken_for_this_one() {
    let env = env();
    plan(&env, &[task("a", "echo one > one.txt")]);
    env.baton(&["run", "plan.json"]).ok();
    std::fs::remove_dir_all(env.path(".baton")).unwrap();
    plan(&env, &[task("a", "echo two > two.txt")]);
    env.baton(&["run", "plan.json"]).ok();
    let repo = env.path("repo");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:one.txt")]), "one");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:two.txt")]), "two");
}

#[test]
fn a_repository_is_named_by_its_own_folder() {
    let env = env();
    let config = std::fs::read_to_string(env.path("baton.toml")).unwrap();
    std::fs::create_dir(env.path("repo/inner")).unwrap();
    env.write("baton.toml", &config.replace("repository = \"repo\"", "repository = \"repo/inner\""));
    plan(&env, &[task("a", "true")]);
    let inner = env.baton(&["run", "plan.json"]).fails(2);
    assert!(inner.contains("is a folder inside the repository"), "{inner}");
    env.write("baton.toml", &config.replace("repository = \"repo\"", "repository = \"nowhere\""));
    let nowhere = env.baton(&["run", "plan.json"]).fails(2);
    assert!(nowhere.contains("nowhere can't be read"), "{nowhere}");
}

#[test]
fn what_is_killed_while_it_lands_lands_once() {
    let env = env();
    let config = std::fs::read_to_string(env.path("baton.toml")).unwrap();
    // The check takes long enough to be killed in, the first time.
    let slow =
        r#"argv = ["sh", "-c", "test -e ../../../../checked || { touch ../../../../checked; sleep 60; }"]"#;
    let quick = r#"argv = ["sh", "-c", "! grep -rl broken --include=*.txt ."]"#;
    env.write("baton.toml", &config.replace(quick, slow));
    plan(&env, &[task("a", "echo more >> a.txt")]);
    let mut host = env.start(&["run", "plan.json"]);
    for _ in 0..500 {
        if env.path("checked").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(env.path("checked").exists(), "the check was started");
    host.kill();
    env.baton(&["run", "plan.json"]).ok();
    let repo = env.path("repo");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:a.txt")]), "a\nmore");
    assert_eq!(git(&repo, &["rev-list", "--count", TARGET]), "2");
    assert_eq!(
        env.sql::<i64>("SELECT count(*) FROM attempt WHERE agent_id IS NOT NULL"),
        1,
        "it was not done again"
    );
    env.baton(&["db", "check"]).ok();
}

#[test]
fn a_claim_that_waits_for_a_person_locks_only_what_it_changed() {
    let env = env();
    let config = std::fs::read_to_string(env.path("baton.toml")).unwrap();
    env.write("baton.toml", &format!("{config}\n[agents.me]\nadapter = \"person\"\n"));
    let mut wide = task("wide", "echo more >> a.txt");
    wide["paths"] = serde_json::json!(["**"]);
    wide["priority"] = serde_json::json!(10);
    wide["validators"] = serde_json::json!([{ "use": "human", "with": { "agent": "me" } }]);
    let mut other = task("other", "echo more >> b.txt");
    other["paths"] = serde_json::json!(["b.txt"]);
    let mut same = task("same", "echo again >> a.txt");
    same["paths"] = serde_json::json!(["a.txt"]);
    plan(&env, &[wide, other, same]);
    assert_eq!(env.baton(&["run", "plan.json"]).code, Some(4));
    let state = |name: &str| {
        env.sql::<i64>(&format!("SELECT state FROM task JOIN body ON task_id = id WHERE name = '{name}'"))
    };
    assert_eq!([state("wide"), state("other"), state("same")], [3, 5, 1]);
    env.baton(&["answer", "q1", "accept"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&env.path("repo"), &["show", &format!("{TARGET}:a.txt")]), "a\nmore\nagain");
}
