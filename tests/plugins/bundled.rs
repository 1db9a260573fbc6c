//! The bundled plugins keep the rules that everyone else is held to.

use std::collections::BTreeMap;

use baton_app::bundled;
use baton_plugin::compile::Compiler;
use baton_plugin::conformance;
use baton_plugin::library::{Library, Sources};

use crate::support::{BATON, Env, cache};

pub fn library() -> Library {
    Library::open(Sources {
        bundled: baton_app::bundled::plugins(),
        folder: cache(),
        cache: cache(),
        compiler: Compiler::Child(BATON.into()),
        installed: Vec::new(),
        settings: BTreeMap::new(),
    })
    .expect("it opens")
}

#[test]
fn every_bundled_plugin_passes_the_kit_of_its_kind() {
    let library = library();
    for plugin in bundled::plugins().all() {
        let findings = conformance::test(&library, plugin.name, plugin.kind, None).expect("it loads");
        for finding in findings {
            assert!(finding.passed, "{} {}: {} ({})", plugin.kind, plugin.name, finding.rule, finding.detail);
        }
    }
}

#[test]
fn what_is_bundled_and_what_each_may_use() {
    let env = Env::new();
    let names: Vec<String> = env
        .baton(&["plugin", "list", "--json"])
        .json()
        .as_array()
        .into_iter()
        .flatten()
        .map(|plugin| {
            format!("{} {}", plugin["kind"].as_str().unwrap_or(""), plugin["name"].as_str().unwrap_or(""))
        })
        .collect();
    insta::assert_snapshot!(names.join("\n"), @"
    router adaptive
    router capability
    router least-loaded
    router llm
    router predictive
    router random
    router round-robin
    executor auto
    executor collaborative
    executor hedge
    executor hierarchical
    executor parallel
    executor plan
    executor sequential
    validator command
    validator diff-scope
    validator human
    validator rubric
    validator schema
    agent a2a
    agent acp
    agent aider
    agent claude
    agent codex
    agent command
    agent mcp
    agent mock
    agent openai
    agent person
    ");
    let limits = env.baton(&["plugin", "limits", "capability"]).ok();
    insta::assert_snapshot!(limits, @"
    plugin      kind    memory  table           fuel         cpu  copied  handles  log-lines  stack   consultations  consultations-per-run
    capability  router  128MiB  20000 elements  10000000000  2s   64MiB   256      256        512KiB  3              10000
    ");
}
