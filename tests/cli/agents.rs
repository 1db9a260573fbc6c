//! Agents: registry, breaker, probes, eligibility.

use baton_core::event::Fact;
use serde_json::json;

use crate::support::{Env, plan};

#[test]
fn why_names_what_every_agent_lacks() {
    let env = Env::with_mocks();
    env.write("plan.json", &plan(json!([{ "id": "a", "skills": ["poetry"] }])));
    let host = env.start(&["run", "plan.json"]);
    env.until("the run", |stored| !stored.tasks().is_empty());
    let why = env.baton(&["why", "a"]).ok();
    insta::assert_snapshot!(why, @r#"a has no capable agent: ann does not declare poetry; bob does not declare poetry; add "poetry" to the skills of an agent in baton.toml, or change the plan"#);
    assert_eq!(host.wait().code, Some(4), "nobody can do it");
}

#[test]
fn an_agent_that_keeps_failing_is_left_alone_for_a_while() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[breaker]\nfailures = 2\npause = \"100ms\"\n\
         [agents.shaky]\nadapter = \"mock\"\nconfig = { fail-first = 3, fault = \"transient\" }\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 9, "base": "1ms" } }])));
    env.baton(&["run", "plan.json"]).ok();
    let facts = env.stored().facts("breaker-moved");
    let moves: Vec<&str> = facts.iter().filter_map(|fact| fact["breaker"]["is"].as_str()).collect();
    assert_eq!(moves, ["open", "half-open", "open", "half-open", "closed"]);
}

#[test]
fn agents_are_added_drained_and_removed() {
    let env = Env::with_mocks();
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["paint"] }])),
    );
    env.baton(&["run", "plan.json", "--detach"]).ok();
    env.baton(&["agents", "add", "eve", "--adapter", "mock", "--skill", "paint,work"]).ok();
    env.baton(&["agents", "drain", "ann"]).ok();
    env.baton(&["agents", "remove", "bob"]).ok();
    let listed = env.baton(&["agents", "list"]).ok();
    insta::assert_snapshot!(listed, @"
    agent  adapter  load  standing  breaker  skills      tracks
    ann    mock     0/2   draining  closed   work        all
    eve    mock     0/1   active    closed   paint,work  all
    ");
    assert!(env.baton(&["agents", "show", "eva"]).fails(2).contains("did you mean \"eve\"?"));
}

#[test]
fn a_probe_says_what_is_missing() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.sh]\nadapter = \"command\"\nconfig = { profile = \"tool\" }\n[profiles.tool]\nargv = [\"no-such-program\"]\nenv = [\"PATH\"]\n\
         [agents.ok]\nadapter = \"mock\"\n",
    );
    assert_eq!(env.baton(&["agents", "test", "ok"]).ok(), "ok is ready\n");
    let output = env.baton(&["agents", "test", "sh"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("sh is unreachable"), "{}", output.stdout);
    assert!(output.stdout.contains("there is no program \"no-such-program\" to start"), "{}", output.stdout);
}

#[test]
fn an_agent_never_runs_more_than_its_capacity() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[agents.one]\nadapter = \"mock\"\nconfig = { latency-ms = 2 }\n[agents.two]\nadapter = \"mock\"\ncapacity = 3\n",
    );
    let tasks: Vec<_> = (0..60).map(|index| json!({ "id": format!("t{index}") })).collect();
    env.write("plan.json", &plan(json!(tasks)));
    env.baton(&["run", "plan.json"]).ok();
    let (mut has, mut running, mut peak) = (std::collections::HashMap::new(), [0; 3], [0; 3]);
    for event in env.stored().record() {
        match event.fact {
            Fact::Assigned { agent, .. } => {
                let agent = usize::try_from(agent.0).expect("there are two");
                has.insert(event.task, agent);
                running[agent] += 1;
                peak[agent] = peak[agent].max(running[agent]);
            }
            Fact::Accepted { .. } => running[has[&event.task]] -= 1,
            _ => {}
        }
    }
    assert_eq!(peak, [0, 1, 3]);
}

#[test]
fn a_broken_agent_is_asked_before_it_is_given_work_again() {
    let env = Env::new();
    env.write(
        "baton.toml",
        "[breaker]\nfailures = 1\npause = \"10ms\"\n\
         [agents.sh]\nadapter = \"command\"\nconfig = { profile = \"tool\" }\n[profiles.tool]\nargv = [\"./tool\"]\n",
    );
    env.write("plan.json", &plan(json!([{ "id": "a", "retry": { "attempts": 2, "base": "1ms" } }])));
    let tool = |script: &str| {
        let tool = env.write("tool", script);
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("it is ours");
    };
    tool("#!/bin/sh\nrm tool\nexit 75\n");
    let host = env.start(&["run", "plan.json"]);
    let nobody = "unreachable: profile tool: there is no program";
    let is_probe = |fact: &serde_json::Value| fact.to_string().contains(nobody);
    env.until("a probe that found nobody", |stored| {
        stored.facts("breaker-moved").iter().filter(|fact| is_probe(fact)).count() > 1
    });
    assert_eq!(env.stored().task().task.attempts, 1, "probes cost no attempt");
    tool("#!/bin/sh\necho done\n");
    let output = host.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("sh is left alone until "), "{}", output.stderr);
}
