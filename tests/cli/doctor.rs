//! `baton doctor`: each check, with that failure planted.

use std::os::unix::fs::PermissionsExt as _;

use baton_store::testing::tamper::{Alteration, rows};
use serde_json::json;

use crate::support::{Env, git, output, plan};

/// The finding about something, with its remedy.
fn finding(env: &Env, about: &str, more: &[&str]) -> serde_json::Value {
    let mut command = env.command(&[&["doctor", "--json"], more].concat());
    command.env_remove("DOCTOR_KEY");
    let said = output(command);
    let checks: serde_json::Value =
        serde_json::from_str(&said.stdout).unwrap_or_else(|why| panic!("{why}: {said:?}"));
    let list = checks.as_array().expect("a list of checks");
    let of = |check: &&serde_json::Value| {
        format!(
            "{} {}",
            check["about"].as_str().unwrap_or_default(),
            check["subject"].as_str().unwrap_or_default()
        )
        .starts_with(about)
    };
    list.iter().find(of).cloned().unwrap_or_else(|| panic!("nothing about {about}: {checks}"))
}

#[track_caller]
fn is(found: &serde_json::Value, kind: &str, what: &str, remedy: &str) {
    assert_eq!(found["finding"], kind, "{found}");
    assert!(found["what"].as_str().unwrap_or_default().contains(what), "{found}");
    assert!(found["remedy"].as_str().unwrap_or_default().contains(remedy), "{found}");
}

#[test]
fn a_sound_house_has_no_faults() {
    let env = Env::with_mocks();
    let output = env.baton(&["doctor"]);
    assert_eq!(output.code, Some(0), "{}", output.stdout);
    assert!(
        output
            .stdout
            .lines()
            .all(|line| line.starts_with("ok ") || line.starts_with("warn ") || line.starts_with("  ")),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("ok    agent ann: mock is ready"), "{}", output.stdout);
    assert_eq!(env.baton(&["doctor", "-q"]).ok().lines().filter(|line| line.starts_with("ok")).count(), 0);
}

#[test]
fn a_missing_or_broken_configuration() {
    let env = Env::new();
    is(&finding(&env, "configuration", &[]), "fault", "there is no baton.toml in or above", "baton init");
    env.write("baton.toml", "[router]\nuse = \"capability\"\n");
    is(&finding(&env, "configuration", &[]), "warning", "no agent is configured", "[agents.NAME]");
    env.write("baton.toml", "[agents.a]\nadaptor = \"mock\"\n");
    is(
        &finding(&env, "configuration", &[]),
        "fault",
        "baton.toml:2:1: unknown field `adaptor`",
        "fix the file",
    );
}

#[test]
fn a_missing_router_adapter_or_program() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[router]\nuse = \"nope\"\n[agents.a]\nadapter = \"nobody\"\n[agents.b]\nadapter = \"command\"\nconfig = { profile = \"tool\" }\n\
         [profiles.tool]\nargv = [\"no-such-program\"]\nenv = [\"PATH\"]\n",
    );
    is(&finding(&env, "router nope", &[]), "fault", "no router of this name", "[router] use");
    is(&finding(&env, "agent a", &[]), "fault", "no agent of this name", "adapter of [agents.a]");
    is(
        &finding(&env, "profile tool", &[]),
        "fault",
        "there is no program \"no-such-program\"",
        "argv, cwd or the PATH",
    );
    is(&finding(&env, "agent b", &[]), "fault", "there is no program", "docs/adapters/command.md");
}

#[test]
fn a_service_without_its_secret_or_without_anybody() {
    let env = Env::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free.local_addr().expect("it has an address").port();
    let service = |headers: &str| {
        format!(
            "[services.llm]\nurl = \"http://127.0.0.1:{port}/v1\"\nprivate = true\n{headers}[secrets]\nkey = {{ env = \"DOCTOR_KEY\" }}\n"
        )
    };
    env.write("baton.toml", &service("headers = { authorization = \"Bearer {key}\" }\n"));
    is(&finding(&env, "service llm", &[]), "fault", "DOCTOR_KEY", "[secrets]");
    env.write("baton.toml", &service(""));
    assert_eq!(finding(&env, "service llm", &[])["finding"], "good");
    drop(free);
    is(&finding(&env, "service llm", &[]), "fault", "nobody listens at 127.0.0.1", "url of [services.llm]");
}

#[test]
fn a_program_that_is_not_what_its_adapter_speaks() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"acp\"\nconfig = { profile = \"false\" }\n[profiles.false]\nargv = [\"false\"]\nenv = [\"PATH\"]\n",
    );
    is(
        &finding(&env, "agent a", &[]),
        "fault",
        "it closed its output before it answered `initialize`",
        "docs/adapters/acp.md",
    );
}

#[test]
fn a_repository_that_is_none_or_has_no_commit() {
    let env = Env::new();
    env.write("baton.toml", "[agents.a]\nadapter = \"mock\"\n[workspace]\nrepository = \"repo\"\n");
    is(&finding(&env, "git", &[]), "fault", "there is no such folder", "repository of [workspace]");
    std::fs::create_dir(env.path("repo")).expect("writable");
    is(&finding(&env, "git", &[]), "fault", "not a git repository", "git init");
    git(&env.path("repo"), &["init", "-q"]);
    is(&finding(&env, "git", &[]), "fault", "the repository has no commit yet", "git commit --allow-empty");
    git(&env.path("repo"), &["commit", "-q", "--allow-empty", "-m", "start"]);
    assert_eq!(finding(&env, "git", &[])["finding"], "good");
    std::fs::create_dir(env.path("repo/sub")).expect("writable");
    env.write("baton.toml", "[agents.a]\nadapter = \"mock\"\n[workspace]\nrepository = \"repo/sub\"\n");
    is(
        &finding(&env, "git", &[]),
        "fault",
        "it is a folder inside the repository",
        "name that: repository = ",
    );
}

#[test]
fn a_store_that_others_can_read_or_that_is_broken() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(finding(&env, "store", &[])["finding"], "good");
    let store = env.path(".baton");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    is(&finding(&env, "store", &[]), "warning", "others on this machine can look into it", "chmod 700");
    for file in ["baton.db", "baton.db-wal", "baton.db-shm"] {
        std::fs::write(env.path(&format!(".baton/{file}")), "junk that is no database").expect("writable");
    }
    is(&finding(&env, "database", &[]), "fault", "", "baton db restore");
}

#[test]
fn what_is_configured_and_can_not_be_used() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nconfig = { fail = \"1\" }\n[plugins.adpative]\nconfig = { explore = \"1\" }\n",
    );
    is(
        &finding(&env, "agent a", &[]),
        "fault",
        "configuration key `fail` is unknown",
        "docs/adapters/mock.md",
    );
    is(&finding(&env, "[plugins]", &[]), "warning", "did you mean \"adaptive\"?", "the table has no effect");
    env.write(".baton", "a file");
    is(&finding(&env, "store", &[]), "fault", "it is a file, not a folder", "--store");
}

#[test]
fn a_disk_that_is_nearly_full_and_a_path_that_is_too_long() {
    let env = Env::with_mocks();
    is(
        &finding(&env, "disk", &["--min-free", "1000000GiB"]),
        "warning",
        "are free, and a full disk stops the host",
        "make room for 1000000GiB",
    );
    let long = "d".repeat(120);
    env.write("baton.toml", &format!("store = \"{long}\"\n{}", crate::support::MOCKS));
    is(&finding(&env, "socket", &[]), "warning", "a socket's may have 107", "shorter path");
}

#[test]
fn a_clock_that_is_behind_the_record() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json"]).ok();
    let newest = env.stored().last_seq();
    env.alter(&[Alteration::Add { rows: rows("event", &[("seq", newest)]), column: "at", by: 3_600_000 }]);
    is(&finding(&env, "clock", &[]), "fault", "the record goes to ", "set the clock");
}
