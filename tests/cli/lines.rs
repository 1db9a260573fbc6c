//! Lines of programs that are talked to: one that is longer than the profile allows ends the program, in words.

use serde_json::json;

use crate::support::{Env, plan};

/// Each adapter that reads lines, with what it needs to be told.
const ADAPTERS: [(&str, &str); 4] = [("acp", ""), ("claude", ""), ("codex", ""), ("mcp", ", tool = \"t\"")];

fn says(adapter: &str, more: &str, bytes: usize, line: &str) -> String {
    let env = Env::new();
    let argv = json!(["sh", "-c", format!("head -c {bytes} /dev/zero | tr '\\0' x; echo; sleep 600")]);
    env.write(
        "baton.toml",
        &format!(
            "[agents.a]\nadapter = \"{adapter}\"\nconfig = {{ profile = \"p\", silence-s = 20{more} }}\n\
             [profiles.p]\nargv = {argv}\nenv = [\"PATH\"]\n{line}\n"
        ),
    );
    let task = json!({ "id": "a", "effects": "pure", "retry": { "attempts": 1 } });
    env.write("plan.json", &plan(json!([task])));
    env.baton(&["run", "plan.json", "-q"]).fails(1);
    env.baton(&["dead", "list"]).ok()
}

#[test]
fn a_line_that_is_too_long_ends_the_attempt_and_names_the_setting() {
    for (adapter, more) in ADAPTERS {
        for bytes in [1025, 70_000, 3_000_000] {
            let said = says(adapter, more, bytes, "max-line = \"1KiB\"");
            let expected = "profile p: a line of its output is longer than 1024 bytes, and it was killed: \
                            set max-line in [profiles.p]";
            assert!(said.contains(expected), "{adapter}, {bytes}: {said}");
        }
    }
}

/// It is noise, which is the adapter's to judge, and no error of the line's length.
#[test]
fn a_line_of_the_allowed_length_is_handed_over() {
    let said = says("claude", "", 1024, "max-line = \"1KiB\"\ntimeout = \"1s\"");
    assert!(!said.contains("max-line"), "{said}");
}
