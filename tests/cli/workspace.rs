//! Tasks that change files: each in a tree of its own, landed one after the other on a branch that is never red.

#[path = "workspace/acts.rs"]
mod acts;

use std::process::Command;

use baton_core::ending::Ending;
use baton_core::fault::ErrorClass;
use baton_core::task::StateName;

use crate::support::stored::Stored;
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
    assert_eq!(env.stored().facts("landed")[0]["target"], TARGET);
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
    let succeeded = env.stored().tasks_in(StateName::Succeeded);
    assert_eq!(succeeded, 18, "all but two that break the check");
    let refused = env.stored().attempts_that(Ending::Failed(ErrorClass::Unaccepted));
    let faults: String =
        refused.iter().map(|attempt| Stored::report(attempt)["fault"]["message"].to_string()).collect();
    assert_eq!(faults.matches("the target would break: whole ended with").count(), 2, "{faults}");
}

#[test]
fn a_conflict_is_free_and_the_task_comes_again_alone_on_top_of_what_landed() {
    let env = env();
    let tasks: Vec<serde_json::Value> =
        (0..8).map(|index| task(&format!("t{index}"), &format!("echo {index} > a.txt"))).collect();
    plan(&env, &tasks);
    let said = env.baton(&["run", "plan.json"]).ok();
    let repo = env.path("repo");
    assert_eq!(git(&repo, &["rev-list", "--count", &format!("main..{TARGET}")]), "8", "{said}");
    let made = env.stored().attempts().len();
    assert!(made <= 15, "each conflicts once at most: {made} attempts\n{said}");
    assert_eq!(env.stored().most_attempts(), 1, "none was charged");
    let again = env.stored().attempts_that(Ending::Conflicted);
    assert_eq!(again.len(), made - 8);
    if !again.is_empty() {
        assert!(
            said.contains("is tried again alone, uncharged: what landed meanwhile changed a.txt too"),
            "{said}"
        );
    }
    let first = again.first().map(Stored::report).expect("one conflicted");
    assert_eq!(first["checks"][0]["explanation"], "it conflicts with what landed meanwhile, in a.txt");
}

#[test]
fn what_is_in_the_way_of_a_landing_costs_no_second_attempt() {
    let env = env();
    let repo = env.path("repo");
    git(&repo, &["checkout", "--quiet", "-b", TARGET]);
    env.write("repo/a.txt", "mine, not committed\n");
    plan(&env, &[task("a", "echo more >> a.txt"), task("b", "echo more >> b.txt")]);
    let said = env.baton(&["run", "plan.json"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let in_the_way = "a is accepted and can't land yet: the target is checked out in ";
    assert!(said.stdout.contains(in_the_way), "{said:?}");
    assert_eq!(std::fs::read_to_string(repo.join("a.txt")).unwrap(), "mine, not committed\n");
    let shown = env.baton(&["events", "--kind", "landing-stalled"]).ok();
    assert!(shown.contains("its files can't follow"), "{shown}");
    let why = env.baton(&["why", "a"]).ok();
    assert!(why.contains("a is accepted and waits to land, tried again all the while: the target"), "{why}");
    git(&repo, &["checkout", "--quiet", "--", "a.txt"]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(std::fs::read_to_string(repo.join("a.txt")).unwrap(), "a\nmore\n");
    assert_eq!(std::fs::read_to_string(repo.join("b.txt")).unwrap(), "b\nmore\n");
    assert_eq!(git(&repo, &["status", "--porcelain"]), "");
    assert_eq!(env.stored().attempts().len(), 2, "nobody did it again");
}

#[test]
fn a_task_that_changes_no_file_has_done_nothing_unless_its_plan_says_that_it_may() {
    let env = env();
    let mut may = task("may", "echo looked");
    may["allow_no_change"] = serde_json::json!(true);
    let mut whole = task("whole", "echo done");
    whole["executor"] = serde_json::json!("sequential");
    whole["input"] = serde_json::json!({"steps": [
        {"title": "Look", "skills": ["edit"], "input": {"run": "echo looked"}},
        {"title": "Do", "skills": ["edit"], "input": {"run": "echo done"}},
    ]});
    whole["skills"] = serde_json::json!([]);
    plan(&env, &[task("liar", "echo I have changed all that you asked for"), may, whole]);
    let said = env.baton(&["run", "plan.json"]);
    let said = format!("{}{}", said.stdout, said.stderr);
    assert!(said.contains("liar failed: unaccepted: it claims to be done and has changed no file"), "{said}");
    assert!(
        said.contains("whole failed: unaccepted: it says that it is done, and no part of it has"),
        "{said}"
    );
    assert!(said.contains("may accepted"), "{said}");
    assert!(said.contains("1 of 3 accepted, 1 without a change, 2 failed"), "{said}");
    let shown = env.baton(&["show", "may"]).ok();
    assert!(shown.contains("changed    no file"), "{shown}");
}

/// A submodule `lib` of another repository, with one file.
fn with_submodule(env: &Env) -> std::path::PathBuf {
    let lib = env.path("lib");
    env.write("lib/code.txt", "code\n");
    git(&lib, &["init", "--quiet"]);
    git(&lib, &["add", "--all"]);
    git(&lib, &["commit", "--quiet", "--message", "Lib"]);
    let repo = env.path("repo");
    let url = lib.display().to_string();
    git(&repo, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "lib"]);
    git(&repo, &["commit", "--quiet", "--message", "With lib"]);
    repo
}

#[test]
fn a_submodule_may_be_filled_and_what_is_done_in_it_is_refused() {
    let env = env();
    let repo = with_submodule(&env);
    // What a submodule is filled from lies outside the tree.
    let config = std::fs::read_to_string(env.path("baton.toml")).expect("it is there");
    let script = "argv = [\"sh\", \"-c\", \"{input.run}\"]\n";
    assert!(config.contains(script));
    env.write("baton.toml", &config.replace(script, &format!("{script}confine = {{ read = [\"lib\"] }}\n")));
    let fill = "git -c protocol.file.allow=always submodule --quiet update --init";
    let commit = "git -c user.name=a -c user.email=a@a commit -qam edited";
    let edits = ["echo x >> lib/code.txt", "echo x > lib/new.txt", "rm lib/code.txt"];
    let mut tasks = vec![task("fills", &format!("{fill}; cat lib/code.txt > copy.txt"))];
    for (number, edit) in edits.iter().enumerate() {
        tasks.push(task(&format!("edits{number}"), &format!("{fill}; {edit}; echo {number} > {number}.txt")));
        let committed =
            format!("{fill}; {edit}; cd lib; git add -A; {commit}; cd ..; echo {number} > {number}.txt");
        tasks.push(task(&format!("commits{number}"), &committed));
    }
    plan(&env, &tasks);
    let said = env.baton(&["run", "plan.json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("1 of 7 accepted, 6 failed"), "{said:?}");
    assert_eq!(
        said.stdout.matches("failed: unaccepted: it worked in the submodule lib").count(),
        6,
        "{said:?}"
    );
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:copy.txt")]), "code");
}

#[test]
fn filters_that_the_operator_set_up_apply_in_trees_as_in_the_checkout() {
    let env = env();
    let repo = env.path("repo");
    git(&repo, &["config", "filter.caesar.clean", "tr a-m A-M"]);
    git(&repo, &["config", "filter.caesar.smudge", "tr A-M a-m"]);
    env.write("repo/.gitattributes", "*.secret filter=caesar\n");
    env.write("repo/one.secret", "abc\n");
    git(&repo, &["add", "--all"]);
    git(&repo, &["commit", "--quiet", "--message", "Secrets"]);
    assert_eq!(git(&repo, &["show", "HEAD:one.secret"]), "ABC");
    plan(&env, &[task("a", "cat one.secret > plain.txt; echo face > two.secret")]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:plain.txt")]), "abc");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:two.secret")]), "FACE");
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
    let state = |name: &str| env.stored().state_of(name);
    let expected = [StateName::Failed, StateName::Failed, StateName::Succeeded];
    assert_eq!([state("idle"), state("astray"), state("honest")], expected);
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
    let state = |name: &str| env.stored().state_of(name);
    assert_eq!([state("tested"), state("claims")], [StateName::Succeeded, StateName::Failed]);
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
    let slow = r#"argv = ["sh", "-c", "test -e ../../../mark/checked || { touch ../../../mark/checked; sleep 60; }"]
confine = { write = ["mark"] }"#;
    std::fs::create_dir(env.path("mark")).unwrap();
    let quick = r#"argv = ["sh", "-c", "! grep -rl broken --include=*.txt ."]"#;
    env.write("baton.toml", &config.replace(quick, slow));
    plan(&env, &[task("a", "echo more >> a.txt")]);
    let mut host = env.start(&["run", "plan.json"]);
    for _ in 0..500 {
        if env.path("mark/checked").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(env.path("mark/checked").exists(), "the check was started");
    host.kill();
    env.baton(&["run", "plan.json"]).ok();
    let repo = env.path("repo");
    assert_eq!(git(&repo, &["show", &format!("{TARGET}:a.txt")]), "a\nmore");
    assert_eq!(git(&repo, &["rev-list", "--count", TARGET]), "2");
    assert_eq!(env.stored().agents_attempts().len(), 1, "it was not done again");
    env.baton(&["db", "check"]).ok();
}

#[test]
fn killed_at_every_step_of_a_landing_it_lands_once_and_nobody_does_it_again() {
    for point in baton_store::failpoint::LANDING {
        for checked_out in [false, true] {
            let env = env();
            let repo = env.path("repo");
            if checked_out {
                git(&repo, &["checkout", "--quiet", "-b", TARGET]);
            }
            plan(&env, &[task("a", "echo more >> a.txt"), task("b", "echo more >> b.txt")]);
            let mut command = env.command(&["run", "plan.json"]);
            command.env("BATON_FAILPOINT", format!("{point}:1"));
            let killed = crate::support::output(command);
            assert_eq!(killed.code, None, "{point} was not reached: {killed:?}");
            env.baton(&["run", "plan.json"]).ok();
            let what = format!("{point}, checked out: {checked_out}");
            assert_eq!(git(&repo, &["rev-list", "--count", &format!("main..{TARGET}")]), "2", "{what}");
            assert_eq!(git(&repo, &["show", &format!("{TARGET}:a.txt")]), "a\nmore", "{what}");
            assert_eq!(git(&repo, &["status", "--porcelain"]), "", "{what}");
            assert_eq!(env.stored().attempts_that(Ending::Accepted).len(), 2, "{what}");
            let first = env.stored().task();
            assert_eq!(first.name, "a");
            let landed =
                env.stored().events("landed").into_iter().find(|event| event.task == Some(first.task.id));
            let landed = serde_json::to_value(landed.expect("it landed").fact).expect("it is data");
            let commit = landed["commit"].as_str().expect("it names a commit");
            assert_eq!(git(&repo, &["log", "-1", "--format=%s", commit]), "Do a", "{what}");
            assert_eq!(git(&repo, &["for-each-ref", "refs/baton"]), "", "{what}: marks are forgotten");
            env.baton(&["db", "check"]).ok();
        }
    }
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
    let state = |name: &str| env.stored().state_of(name);
    let expected = [StateName::Waiting, StateName::Succeeded, StateName::Ready];
    assert_eq!([state("wide"), state("other"), state("same")], expected);
    env.baton(&["answer", "q1", "accept"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&env.path("repo"), &["show", &format!("{TARGET}:a.txt")]), "a\nmore\nagain");
}
