//! The same router in Rust, JavaScript and Python makes the same decisions. The JavaScript and Python ones are built
//! with their public tools; where a tool can't be had, the test fails and says which.

use std::process::Command;

use baton_plugin::conformance::snapshot;
use baton_plugin::library::Library;
use baton_plugin::router::{Answer, Snapshot};

use super::bundled::library;
use super::guests::component;
use crate::support::{Env, output, root};

/// Copies an example and builds it as its author would.
fn built(env: &Env, language: &str) -> String {
    let from = root().join("examples/custom-router").join(language);
    let to = env.path(language);
    std::fs::create_dir_all(&to).expect("writable");
    for entry in std::fs::read_dir(&from).expect("the example is there").filter_map(Result::ok) {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("writable");
        }
    }
    let output = env.baton(&["plugin", "build", language]);
    assert_eq!(
        output.code,
        Some(0),
        "the {language} router could not be built; it needs Node.js 20 with npm, or Python 3 with venv, and their registry: {}",
        output.stderr
    );
    env.path(output.stdout.trim()).to_string_lossy().into_owned()
}

fn questions() -> Vec<Snapshot> {
    let mut questions: Vec<Snapshot> = (0..12)
        .map(|seed| snapshot(1 + seed % 7, 1 + (seed as usize) * 3 % 11, u64::from(seed) << 40 | 7))
        .collect();
    for question in &mut questions {
        question.requests.iter_mut().for_each(|request| request.task.skills.push("rust".into()));
    }
    questions
}

/// The answers to all questions, each going on from the state of the one before.
fn answers(library: &Library, router: &str) -> Vec<Answer> {
    let router = library.router(router).unwrap_or_else(|why| panic!("{why}"));
    let mut state = Vec::new();
    questions()
        .into_iter()
        .map(|question| {
            let answer = router
                .route(&Snapshot { state: state.clone(), ..question })
                .unwrap_or_else(|why| panic!("{why}"))
                .answer;
            state.clone_from(&answer.state);
            answer
        })
        .collect()
}

#[test]
fn three_languages_decide_alike() {
    let env = Env::new();
    std::fs::write(env.path("rust.wasm"), component("example-router-rust")).expect("writable");
    let library = library();
    let expected = answers(&library, &env.path("rust.wasm").to_string_lossy());
    assert!(expected.iter().any(|answer| answer.decisions.len() > 1));
    for language in ["js", "python"] {
        let wasm = built(&env, language);
        assert_eq!(answers(&library, &wasm), expected, "{language}");
        let checked = env.baton(&["plugin", "check", &wasm]).ok();
        assert!(
            checked
                .contains("imports  baton:host/log@0.1.0, baton:router/words@0.1.0, baton:types/core@0.1.0"),
            "{checked}"
        );
    }
}

/// One installation of a language's tools serves the projects of all kinds.
#[test]
fn every_template_builds_and_passes_the_kit_of_its_kind() {
    let env = Env::new();
    for (language, tools) in [("js", "node_modules"), ("python", ".venv")] {
        for kind in ["router", "executor", "validator", "agent"] {
            let project = format!("{language}-{kind}");
            env.baton(&["plugin", "new", kind, &project, "--lang", language]).ok();
            if kind != "router" {
                let shared = env.path(&format!("{language}-router/{tools}"));
                std::os::unix::fs::symlink(shared, env.path(&format!("{project}/{tools}")))
                    .expect("writable");
            }
            let findings = env.baton(&["plugin", "test", &component_of(&env, &project)]).ok();
            assert!(findings.lines().count() > 2, "{findings}");
        }
    }
    for (project, source, before, after) in [
        ("js-validator", "validator.js", "const passed =", "throw new Error(\"no idea\"); const passed ="),
        (
            "python-validator",
            "validator.py",
            "        passed =",
            "        raise ValueError(\"no idea\")\n        passed =",
        ),
    ] {
        let text = std::fs::read_to_string(env.path(&format!("{project}/{source}"))).expect("it was written");
        env.write(&format!("{project}/{source}"), &text.replacen(before, after, 1));
        let said = env.baton(&["plugin", "test", &component_of(&env, project)]);
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        let line = said.stdout.lines().next().unwrap_or_default();
        assert!(
            line.contains("trapped: panicked at ") && line.contains(source) && line.contains("no idea"),
            "{line}"
        );
    }
}

fn component_of(env: &Env, project: &str) -> String {
    let output = env.baton(&["plugin", "build", project]);
    assert_eq!(
        output.code,
        Some(0),
        "{project} could not be built; it needs Node.js 20 with npm, or Python 3 with venv, and their registry: {}",
        output.stderr
    );
    output.stdout.trim().to_owned()
}

/// Nothing of Baton's is needed to make a component: cargo and the encoder that Bytecode Alliance publishes.
#[test]
fn a_plain_cargo_build_and_the_public_encoder_make_a_component() {
    let env = Env::new();
    env.baton(&["plugin", "new", "router", "plain"]).ok();
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown"]).current_dir(env.path("plain"));
    cargo.env("CARGO_TARGET_DIR", root().join("target/authors"));
    output(cargo).ok();
    let mut install = Command::new(root().join("tests/programs/install.sh"));
    install.arg("jco");
    let installed = output(install);
    assert_eq!(installed.code, Some(0), "jco, the public encoder, can't be installed: {}", installed.stderr);
    let mut encoder = Command::new(root().join("target/programs/jco/node_modules/.bin/jco"));
    encoder.arg("new").arg(root().join("target/authors/wasm32-unknown-unknown/release/plain.wasm"));
    encoder.args(["-o", "plain.wasm"]).current_dir(env.path("."));
    output(encoder).ok();
    let findings = env.baton(&["plugin", "test", "plain.wasm"]).ok();
    assert!(findings.lines().all(|line| line.starts_with("ok ")), "{findings}");
}
