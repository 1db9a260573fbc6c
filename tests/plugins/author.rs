//! A plugin author's day, away from this repository: a project of one's own, built, tested, watched, upgraded.

use std::fs;

use baton_core::task::StateName;
use serde_json::json;

use super::guests::{component, guest};
use crate::support::{Env, Output, chain, output, plan, root};

/// Projects of one test run share what they compile.
fn plugin(env: &Env, args: &[&str]) -> Output {
    let mut command = env.command(&[&["plugin"], args].concat());
    command.env("CARGO_TARGET_DIR", root().join("target/authors")).env_remove("BATON_SDK");
    output(command)
}

#[test]
fn every_rust_template_builds_anywhere_and_passes_the_kit_of_its_kind() {
    let env = Env::new();
    for kind in ["router", "executor", "validator", "agent"] {
        let name = format!("my-{kind}");
        plugin(&env, &["new", kind, &name]).ok();
        assert!(env.path(&format!("{name}/sdk/src/lib.rs")).exists(), "it brings the SDK along");
        assert_eq!(plugin(&env, &["build", &name]).ok(), format!("{name}/{name}.wasm\n"));
        let findings = plugin(&env, &["test", &name]).ok();
        assert!(
            findings.lines().count() > 2 && findings.lines().all(|line| line.starts_with("ok ")),
            "{findings}"
        );
    }
}

#[test]
fn names_that_some_tool_would_not_take_are_refused() {
    let env = Env::new();
    for name in ["Bad", "1abc", "a b", "bad_name"] {
        let said = plugin(&env, &["new", "router", name]).fails(2);
        assert!(said.contains("expected a name of small letters, digits and dashes"), "{name}: {said}");
        assert!(!env.path(name).exists());
    }
    fs::write(env.path("one.wasm"), guest("liar")).expect("writable");
    let said = plugin(&env, &["add", "one.wasm", "--name", "../../evil"]).fails(2);
    assert!(said.contains(r#""../../evil" is no name for a plugin"#), "{said}");
}

#[test]
fn a_build_that_fails_shows_the_compiler_and_no_other_hint() {
    let env = Env::new();
    plugin(&env, &["new", "validator", "broken"]).ok();
    env.write("broken/src/lib.rs", "fn main() -> u8 { \"no\" }");
    let said = plugin(&env, &["build", "broken"]).fails(2);
    assert!(said.contains("mismatched types"), "{said}");
    assert!(said.ends_with("baton: cargo could not build it: the compiler says above why\n"), "{said}");
}

#[test]
fn the_kit_takes_an_input_that_the_plugin_is_made_for() {
    let env = Env::new();
    plugin(&env, &["new", "executor", "mapper"]).ok();
    let source = fs::read_to_string(env.path("mapper/src/lib.rs")).expect("it was written");
    let needs = "if request.children.is_empty() {\n            \
        let input: baton_sdk::serde_json::Value = baton_sdk::serde_json::from_str(&request.task.input).unwrap_or_default();\n            \
        if !input[\"items\"].is_array() {\n                \
        return Err(ExecutionError::BadInput(String::from(\"/items must be a list\")));\n            }\n";
    let source = source.replace("if request.children.is_empty() {\n", needs);
    env.write("mapper/src/lib.rs", &source);
    plugin(&env, &["build", "mapper"]).ok();
    let refused = plugin(&env, &["test", "mapper"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    let line = refused.stdout.lines().find(|line| line.starts_with("FAIL")).unwrap_or_default().to_owned();
    assert!(line.contains("a list of steps: ") && line.contains("/items must be a list"), "{line}");
    assert!(line.ends_with("`baton plugin test PLUGIN --input JSON`"), "{line}");
    let said = plugin(&env, &["test", "mapper", "--input", r#"{"items": [1, 2]}"#]).ok();
    assert!(said.contains("ok   divides work into children"), "{said}");
    env.write("input.json", r#"{"items": []}"#);
    plugin(&env, &["test", "mapper", "--input", "@input.json"]).ok();
    assert!(plugin(&env, &["test", "mapper", "--input", "{"]).fails(2).contains("--input is not JSON: "));
}

#[test]
fn a_watched_project_is_built_tested_and_installed_on_save() {
    let env = Env::with_mocks();
    plugin(&env, &["new", "router", "mine"]).ok();
    let mut command = env.command(&["plugin", "watch", "mine"]);
    command.env("CARGO_TARGET_DIR", root().join("target/authors"));
    let mut watching = env.spawn(command);
    env.until("the first version", |stored| stored.events("plugin-added").len() == 1);
    let source = fs::read_to_string(env.path("mine/src/lib.rs")).expect("it was written");
    // What does not compile is said, and the next save is waited for.
    env.write("mine/src/lib.rs", "no Rust");
    watching.until_said("cargo could not build it");
    env.write("mine/src/lib.rs", &source.replace("knows the work", "knows it best"));
    env.until("the second version", |stored| stored.events("plugin-added").len() == 2);
    drop(watching);
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--router", "mine"]).ok();
    assert!(env.baton(&["router", "explain", "a"]).ok().contains("knows it best"));
}

#[test]
fn a_component_that_is_older_than_its_source_is_not_installed() {
    let env = Env::new();
    plugin(&env, &["new", "validator", "stale"]).ok();
    env.write("stale/stale.wasm", "old");
    let old = fs::File::options().write(true).open(env.path("stale/stale.wasm")).expect("it is there");
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("it is ours");
    let said = plugin(&env, &["add", "stale"]).fails(2);
    assert!(said.contains("stale/stale.wasm is older than stale/"), "{said}");
    assert!(said.ends_with(": baton plugin build stale\n"), "{said}");
}

#[test]
fn an_upgrade_says_what_changes() {
    let env = Env::with_mocks();
    fs::write(env.path("one.wasm"), guest("liar")).expect("writable");
    fs::write(env.path("two.wasm"), guest("ungranted")).expect("writable");
    env.baton(&["plugin", "add", "one.wasm", "--name", "helper"]).ok();
    let said = env.baton(&["plugin", "add", "two.wasm", "--name", "helper", "--grant", "process:tool"]).ok();
    assert!(said.contains("\n  imports   +baton:host/process@0.1.0"), "{said}");
    assert!(said.contains("\n  grants    +process"), "{said}");
    let said = env.baton(&["plugin", "add", "two.wasm", "--name", "helper"]).ok();
    assert!(said.starts_with("helper is installed already, with this content\n"), "{said}");
}

/// Version 2 of the router of a run that goes on: taken over between two decisions, in a running host or by the next.
#[test]
fn a_new_version_of_the_router_in_use_takes_over() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 300 }\n",
    );
    fs::write(env.path("live.wasm"), component("example-router-rust")).expect("writable");
    env.baton(&["plugin", "add", "live.wasm"]).ok();
    env.write("plan.json", &plan(chain(16, "work")));
    let mut host = env.start(&["run", "plan.json", "--router", "live"]);
    env.until("the first success", |stored| stored.tasks_in(StateName::Succeeded) > 0);
    fs::write(env.path("live.wasm"), component("baton-router-round-robin")).expect("writable");
    env.baton(&["plugin", "add", "live.wasm"]).ok();
    env.until("the second version", |stored| stored.deciding_components() == 2);
    host.kill();
    fs::write(env.path("live.wasm"), component("baton-router-random")).expect("writable");
    env.baton(&["plugin", "add", "live.wasm"]).ok();
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.contains("a new version of router live takes over"), "{said}");
    assert!(!said.contains("failed, the host decides"), "{said}");
    assert_eq!(env.stored().deciding_components(), 3);
    assert_eq!(env.stored().events("router-degraded").len(), 0);
}

#[test]
fn a_new_version_that_fails_gives_way_to_the_one_before() {
    let env = Env::with_mocks();
    fs::write(env.path("live.wasm"), component("example-router-rust")).expect("writable");
    env.baton(&["plugin", "add", "live.wasm"]).ok();
    env.write("plan.json", &plan(chain(8, "work")));
    env.baton(&["run", "plan.json", "--router", "live", "--detach"]).ok();
    fs::write(env.path("live.wasm"), guest("trap")).expect("writable");
    env.baton(&["plugin", "add", "live.wasm"]).ok();
    let said = env.baton(&["run", "plan.json"]).ok();
    assert_eq!(said.matches("router live failed, the host decides").count(), 3, "{said}");
    assert_eq!(said.matches("the version before of router live is back").count(), 1, "{said}");
    assert!(said.contains("r1 test: 8 of 8 accepted"), "{said}");
}

#[test]
fn the_contract_is_printed_and_written_for_the_public_tools() {
    let env = Env::new();
    let printed = env.baton(&["plugin", "wit", "router"]).ok();
    assert!(printed.starts_with("package baton:router@0.1.0;"), "{printed:.60}");
    assert!(printed.contains("package baton:types@0.1.0;") && printed.contains("package baton:host@0.1.0;"));
    env.baton(&["plugin", "wit", "agent", "--write", "wit"]).ok();
    for file in ["agent.wit", "deps/types/types.wit", "deps/host/host.wit"] {
        assert!(env.path(&format!("wit/{file}")).exists(), "{file}");
    }
}
