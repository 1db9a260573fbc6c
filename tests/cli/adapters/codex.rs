//! Codex.

use serde_json::json;

use super::{endings, fact, git, heard, report, stage, transcript};

#[test]
fn a_turn_that_was_completed_with_a_change_lands() {
    let good = transcript("codex", "good.jsonl").replace("!exit 0", "!edit a.txt mended\n!exit 0");
    let env = stage("codex", "", &[&format!("> Mend it\n{good}")]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(heard(&env), [json!("Mend it")]);
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "Mended.");
    assert_eq!(outcome["attrs"]["changed-files"], "[\"/w/a.rs\",\"/w/b.rs\"]");
    assert_eq!(outcome["attrs"]["workspace.changed"], "[{\"path\":\"a.txt\",\"status\":\"M\"}]");
    assert_eq!(outcome["usage"]["input_tokens"], 24763);
    assert_eq!(outcome["usage"]["output_tokens"], 122);
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:a.txt"]), "a\nmended");
    assert_eq!(fact(&env, "landed", "target"), "baton/accepted");
}

#[test]
fn silence_is_a_timeout() {
    let env = stage("codex", ", silence-s = 1, tool-timeout-s = 2", &[&transcript("codex", "hang.jsonl")]);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "timeout");
    let shown = env.baton(&["show", "a"]).ok();
    assert!(shown.contains("silent for 2 s"), "{shown}");
}
