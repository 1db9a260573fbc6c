//! aider.

use super::{endings, git, report, stage, transcript};

/// It tells what it did, and ends with 0 whatever that was.
#[test]
fn an_edit_in_the_tree_lands() {
    let good = transcript("aider", "good.txt").replace("!exit 0", "!edit a.txt mended\n!exit 0");
    let env = stage("aider", "", &[&good]);
    env.baton(&["run", "plan.json"]).ok();
    assert_eq!(git(&env.path("repo"), &["show", "baton/accepted:a.txt"]), "a\nmended");
    let outcome = report(&env)["outcome"].clone();
    assert_eq!(outcome["summary"], "I'll mend the sum.");
    assert_eq!(outcome["usage"]["cost_micros"], 20_000);
}

#[test]
fn words_without_an_edit_are_refused() {
    let env = stage("aider", "", &[&transcript("aider", "without-effect.txt")]);
    env.baton(&["run", "plan.json"]).fails(1);
    assert_eq!(endings(&env), "invalid-output");
    assert_eq!(env.stored().events("landed").len(), 0);
}
