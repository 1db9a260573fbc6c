//! A plugin's life from the command line: new, build, check, test, add, use, upgrade, remove; and what a broken router
//! does to a run.

use baton_core::task::StateName;
use serde_json::json;

use super::guests::{component, guest};
use crate::support::{Env, chain, plan, root};

#[test]
fn a_new_router_is_built_checked_tested_added_and_used() {
    let env = Env::with_mocks();
    let sdk = root().join("plugins/sdk");
    env.baton(&["plugin", "new", "router", "mine", "--sdk", &sdk.to_string_lossy()]).ok();
    let mut build = env.command(&["plugin", "build", "mine"]);
    build.env("CARGO_TARGET_DIR", root().join("target/guests"));
    assert_eq!(crate::support::output(build).ok(), "mine/mine.wasm\n");
    let checked = env.baton(&["plugin", "check", "mine"]).ok();
    assert!(checked.contains("mine is a router for contract 0.1.0"), "{checked}");
    let tested = env.baton(&["plugin", "test", "mine"]).ok();
    assert!(tested.lines().all(|line| line.starts_with("ok   ")), "{tested}");
    env.baton(&["plugin", "add", "mine"]).ok();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--router", "mine"]).ok();
    assert_eq!(env.stored().decisions()[0].router, "mine");
    env.baton(&["plugin", "remove", "mine"]).ok();
    assert!(env.baton(&["plugin", "remove", "mine"]).fails(2).contains("there is no plugin mine"));
}

#[test]
fn an_upgrade_that_asks_for_more_is_refused_until_it_is_granted() {
    let env = Env::with_mocks();
    std::fs::write(env.path("one.wasm"), guest("liar")).expect("writable");
    std::fs::write(env.path("two.wasm"), guest("ungranted")).expect("writable");
    env.baton(&["plugin", "add", "one.wasm", "--name", "helper"]).ok();
    let said = env.baton(&["plugin", "add", "two.wasm", "--name", "helper"]).fails(1);
    assert!(said.contains("helper asks to start native programs: --grant process:PROFILE"), "{said}");
    env.baton(&["plugin", "add", "two.wasm", "--name", "helper", "--grant", "process:tool"]).ok();
    let listed = env.baton(&["plugin", "list", "--json"]).json();
    let helper = listed
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == "helper"))
        .cloned()
        .unwrap_or_default();
    assert_eq!(helper["grants"], json!(["process:tool"]));
}

#[test]
fn a_run_completes_with_every_hostile_router() {
    for name in [
        "spin",
        "memory-bomb",
        "recursion",
        "giant-output",
        "trap",
        "wrong-index",
        "nan",
        "outsider",
        "duplicate",
    ] {
        let env = Env::with_mocks();
        let config = format!("{}\n[plugins.bad.limits]\ncpu = \"200ms\"\n", crate::support::MOCKS);
        env.write("baton.toml", &config);
        std::fs::write(env.path("bad.wasm"), guest(name)).expect("writable");
        env.baton(&["plugin", "add", "bad.wasm"]).ok();
        env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["other"] }, { "id": "b", "skills": ["work"], "depends_on": ["a"] }])));
        let said = env.baton(&["run", "plan.json", "--router", "bad"]).ok();
        assert!(said.contains("router bad failed, the host decides: "), "{name}: {said}");
        assert!(!env.stored().events("router-degraded").is_empty(), "{name}");
        assert_eq!(env.stored().attempts().len(), 2, "{name}");
    }
}

#[test]
fn nobody_waits_for_a_router_in_the_shadow() {
    let env = Env::with_mocks();
    let config = format!("{}\n[plugins.slow.limits]\ncpu = \"1s\"\n", crate::support::MOCKS);
    env.write("baton.toml", &config);
    std::fs::write(env.path("slow.wasm"), guest("spin")).expect("writable");
    env.baton(&["plugin", "add", "slow.wasm"]).ok();
    env.write("first.json", &plan(json!([{ "id": "first", "skills": ["work"] }])));
    env.baton(&["run", "first.json"]).ok();
    env.baton(&["router", "shadow", "slow"]).ok();
    let chain = chain(5, "work");
    env.write("plan.json", &plan(chain));
    env.baton(&["run", "plan.json"]).ok();
    let stored = env.stored();
    let accepted = stored.events("accepted").last().map(|event| event.seq);
    let ended = stored.events("trial-ended").first().map(|event| event.seq);
    assert!(
        ended.is_some() && accepted < ended,
        "all five were accepted before the third answer was given up"
    );
}

#[test]
fn a_router_that_keeps_failing_gives_way_to_the_one_before() {
    let env = Env::with_mocks();
    std::fs::write(env.path("bad.wasm"), guest("trap")).expect("writable");
    env.baton(&["plugin", "add", "bad.wasm"]).ok();
    let chain = chain(6, "work");
    env.write("plan.json", &plan(chain));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    env.baton(&["router", "use", "bad"]).ok();
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.contains("router capability is back in place of bad: "), "{said}");
    assert_eq!(env.stored().events("router-degraded").len(), 3);
    assert_eq!(env.stored().events("router-rolled-back").len(), 1);
    assert_eq!(env.stored().attempts().len(), 6, "nothing in flight was lost or run twice");
}

#[test]
fn a_router_may_be_used_straight_from_its_file() {
    let env = Env::with_mocks();
    std::fs::write(env.path("mine.wasm"), component("example-router-rust")).expect("writable");
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["work"] }])));
    env.baton(&["run", "plan.json", "--detach"]).ok();
    env.baton(&["router", "use", "mine.wasm"]).ok();
    env.baton(&["run", "plan.json"]).ok();
    assert!(env.stored().decisions()[0].router.ends_with("mine.wasm"));
}

#[test]
fn a_running_host_takes_over_what_is_added_meanwhile() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.a]\nadapter = \"mock\"\nskills = [\"work\"]\nconfig = { latency-ms = 300 }\n",
    );
    std::fs::write(env.path("mine.wasm"), component("example-router-rust")).expect("writable");
    let chain = chain(8, "work");
    env.write("plan.json", &plan(chain));
    let host = env.start(&["run", "plan.json"]);
    env.until("the first success", |stored| stored.tasks_in(StateName::Succeeded) > 0);
    env.baton(&["plugin", "add", "mine.wasm"]).ok();
    env.baton(&["router", "use", "mine"]).ok();
    let output = host.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("router mine takes over from capability"), "{}", output.stdout);
    assert_eq!(env.stored().events("router-degraded").len(), 0);
    assert!(env.stored().decisions_by("mine") > 0);
}

#[test]
fn check_and_test_obey_the_limits_that_are_configured() {
    let env = Env::new();
    std::fs::write(env.path("spin.wasm"), guest("spin")).expect("writable");
    env.write("baton.toml", "[plugins.spin.limits]\nfuel = 12345\nmemory = \"3MiB\"\n");
    let checked = env.baton(&["plugin", "check", "spin.wasm"]).ok();
    assert!(checked.contains("limits   memory 3MiB, cpu 2s"), "{checked}");
    let tested = env.baton(&["plugin", "test", "spin.wasm"]);
    assert!(
        tested.stdout.contains("went over its fuel limit (12345)"),
        "{} {}",
        tested.stdout,
        tested.stderr
    );
}
