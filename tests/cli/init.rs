//! `baton init`: what it writes runs as it is, and leaves nothing for git to pick up.

use crate::support::{Env, git};

#[test]
fn the_first_plan_runs_to_its_end_and_git_sees_two_files() {
    let env = Env::new();
    git(&env.path("."), &["init", "-q"]);
    let said = env.baton(&["init"]).ok();
    insta::assert_snapshot!(said, @"
    wrote ./baton.toml
    wrote ./plan.json
    next: baton run plan.json
    ");
    assert_eq!(
        env.baton(&["plan", "check", "plan.json"]).ok(),
        "hello: 4 workstreams, 4 dependencies, 3 waves, no errors\n"
    );
    let said = env.baton(&["run", "plan.json"]).ok();
    assert!(said.contains("r1 hello: 4 of 4 accepted"), "{said}");
    assert_eq!(git(&env.path("."), &["status", "--short"]), "?? baton.toml\n?? plan.json");
    // The folder itself is a plan: the configuration in it is none.
    assert!(env.baton(&["plan", "check", "."]).ok().contains("4 workstreams"));
}

#[test]
fn each_program_gets_a_configuration_and_doctor_says_what_is_missing_for_it() {
    for agent in ["claude", "codex", "gemini", "opencode", "copilot", "aider", "openai"] {
        let env = Env::new();
        let said = env.baton(&["init", "--agent", agent]).ok();
        assert!(said.contains("next: baton doctor"), "{agent}: {said}");
        assert!(env.baton(&["plan", "check", "plan.json"]).ok().contains("no errors"), "{agent}");
        let mut command = env.command(&["doctor"]);
        command.env("PATH", env.path("empty")).env_remove("OPENAI_API_KEY");
        let output = crate::support::output(command);
        assert_eq!(output.code, Some(1), "{agent}: {}", output.stdout);
        let expected = if agent == "openai" { "OPENAI_API_KEY" } else { "there is no program" };
        assert!(output.stdout.contains(expected), "{agent}: {}", output.stdout);
    }
}

/// Whoever copies from a page gets what `init` writes.
#[test]
fn the_pages_show_what_init_writes() {
    let pages = [
        ("claude", "claude"),
        ("codex", "codex"),
        ("gemini", "acp"),
        ("opencode", "acp"),
        ("copilot", "acp"),
        ("aider", "aider"),
        ("openai", "openai"),
    ];
    for (agent, page) in pages {
        let env = Env::new();
        env.baton(&["init", "--agent", agent]).ok();
        let written = std::fs::read_to_string(env.path("baton.toml")).expect("init wrote it");
        let page = crate::support::root().join(format!("docs/adapters/{page}.md"));
        let text = std::fs::read_to_string(page).expect("there is a page");
        assert!(text.contains(&format!("```toml\n{}\n```", written.trim_end())), "{agent}");
    }
}

#[test]
fn an_unknown_program_names_those_that_are_known() {
    let said = Env::new().baton(&["init", "--agent", "cursor"]).fails(2);
    assert!(
        said.contains("[possible values: claude, codex, gemini, opencode, copilot, aider, openai]"),
        "{said}"
    );
}
