use baton_sdk::fixture;
use baton_sdk::validator::{Attr, Outcome};

use super::*;

fn checks(changed: Option<&str>, paths: &str, config: &[(&str, &str)]) -> Vec<Check> {
    match ask(changed, paths, config) {
        Ok(Verdict::Checks(checks)) => checks,
        answer => panic!("{answer:?}"),
    }
}

fn ask(changed: Option<&str>, paths: &str, config: &[(&str, &str)]) -> Result<Verdict, ValidationError> {
    let mut outcome = Outcome::text("I edited src/a.rs and ran all tests.");
    if let Some(changed) = changed {
        outcome.attrs = vec![Attr::new("workspace.changed", changed), Attr::new("workspace.paths", paths)];
    }
    let config = config.iter().map(|(key, value)| Attr::new(*key, *value)).collect();
    let request = Request {
        task: fixture::task("null"),
        outcome,
        contract: None,
        evidence: Vec::new(),
        now: 0,
        config,
    };
    let answer = validate(&request);
    assert_eq!(answer, validate(&request));
    answer
}

const SRC: &str = r#"["src/**"]"#;

#[test]
fn changes_inside_the_scope_pass() {
    let changed =
        r#"[{"path": "src/a.rs", "status": "M"}, {"path": "src/x/b.rs", "status": "A", "more": 1}]"#;
    assert_eq!(
        checks(Some(changed), SRC, &[]),
        [
            Check::passed("changed", "2 file(s) changed"),
            Check::passed("scope", "every change is where it was declared"),
        ]
    );
}

#[test]
fn an_attempt_that_changed_nothing_is_refused() {
    let found = checks(Some("[]"), SRC, &[]);
    assert_eq!((found[0].passed, found[0].label.as_str(), found[1].passed), (false, "nothing changed", true));
    assert!(checks(Some("[]"), SRC, &[("require-change", "false")]).iter().all(|check| check.passed));
}

#[test]
fn every_path_outside_is_named() {
    let changed = r#"[{"path": "src/a.rs", "status": "M"}, {"path": "Cargo.toml", "status": "M"},
        {"path": "src/b.rs", "from": "lib/b.rs", "status": "R"}, {"path": "x", "status": "D"}]"#;
    let found = &checks(Some(changed), SRC, &[])[1];
    assert_eq!((found.passed, found.score, found.label.as_str()), (false, 0.25, "3 of 4 outside"));
    assert_eq!(
        found.explanation,
        "M Cargo.toml: is not declared\nR lib/b.rs: is not declared\nD x: is not declared\ndeclared: src/**"
    );
    let config = [("paths", r#"["lib/**", "Cargo.toml"]"#), ("deny", "x, **/secret.*")];
    assert_eq!(
        checks(Some(changed), SRC, &config)[1].explanation,
        "D x: x is denied\ndeclared: src/**, lib/**, Cargo.toml"
    );
}

#[test]
fn what_is_denied_is_denied_even_where_nothing_is_declared() {
    let changed = r#"[{"path": "ci/deploy.yml", "status": "M"}]"#;
    assert!(checks(Some(changed), "[]", &[])[1].passed);
    assert!(!checks(Some(changed), "[]", &[("deny", "ci/**")])[1].passed);
    assert!(!checks(Some(changed), r#"["**"]"#, &[("deny", "ci/**")])[1].passed);
}

#[test]
fn without_a_worktree_nothing_is_believed() {
    let found = checks(None, "", &[]);
    assert_eq!((found.len(), found[0].passed), (1, false));
    assert!(found[0].explanation.starts_with("what was changed is not known"));
    for (changed, paths) in [("{}", "[]"), (r#"[{"file": 1}]"#, "[]"), ("[]", "7")] {
        assert!(!checks(Some(changed), paths, &[])[0].passed, "{changed} {paths}");
    }
}

#[test]
fn many_paths_are_counted() {
    let changed: Vec<String> =
        (0..150).map(|index| format!(r#"{{"path": "x{index}", "status": "M"}}"#)).collect();
    let found = &checks(Some(&format!("[{}]", changed.join(","))), SRC, &[])[1];
    assert!(found.explanation.ends_with("M x99: is not declared\nand 50 more\ndeclared: src/**"));
}

#[test]
fn what_the_configuration_gets_wrong_is_named() {
    for (key, value, why) in [
        ("deny", "/etc/*", "holds `/etc/*`: it must be relative, with `/` between folders"),
        ("paths", "[1]", "is `[1]`, expected a JSON list of globs"),
        ("require-change", "maybe", "is `maybe`, expected true or false"),
        ("path", "a", "is unknown; the nearest is `paths`"),
    ] {
        let bad = Err(ValidationError::BadConfig(Attr::new(key, why)));
        assert_eq!(ask(Some("[]"), "[]", &[(key, value)]), bad);
    }
}
