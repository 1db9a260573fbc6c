//! The same router in Rust, JavaScript and Python makes the same decisions. The JavaScript and Python ones are built
//! with their public tools; where a tool can't be had, the test fails and says which.

use baton::plugin::conformance::snapshot;
use baton::plugin::library::Library;
use baton::plugin::router::{Answer, Snapshot};

use super::bundled::library;
use super::guests::component;
use crate::support::{Env, root};

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

/// One installation of a language's tools serves the projects of all kinds. Routers have their test above.
#[test]
fn the_other_templates_build_and_pass_the_kit_of_their_kind() {
    let env = Env::new();
    for (language, tools) in [("js", "node_modules"), ("python", ".venv")] {
        for kind in ["executor", "validator", "agent"] {
            let project = format!("{language}-{kind}");
            env.baton(&["plugin", "new", kind, &project, "--lang", language]).ok();
            if kind != "executor" {
                let shared = env.path(&format!("{language}-executor/{tools}"));
                std::os::unix::fs::symlink(shared, env.path(&format!("{project}/{tools}")))
                    .expect("writable");
            }
            let output = env.baton(&["plugin", "build", &project]);
            assert_eq!(
                output.code,
                Some(0),
                "{project} could not be built; it needs Node.js 20 with npm, or Python 3 with venv, and their registry: {}",
                output.stderr
            );
            let findings = env.baton(&["plugin", "test", output.stdout.trim()]).ok();
            assert!(findings.lines().count() > 2, "{findings}");
        }
    }
}
