//! The shape of the contract: inside a version nothing that exists may change. A plugin that was compiled against a
//! release must go on working, and the text of the WIT without its comments is pinned here.

use std::fmt::Write as _;

use crate::support::root;

/// Everything but comments, so that documentation may improve.
fn shape(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.trim().is_empty()).fold(String::new(), |mut shape, line| {
        let _ = writeln!(shape, "{line}");
        shape
    })
}

#[test]
fn the_shape_of_version_0_1_0_does_not_change() {
    for package in ["types", "host", "router", "executor", "validator", "agent"] {
        let text = std::fs::read_to_string(root().join(format!("wit/{package}/{package}.wit")))
            .expect("it is there");
        assert!(
            text.starts_with(&format!("package baton:{package}@0.1.0;")),
            "a new version needs a shape of its own"
        );
        insta::assert_snapshot!(format!("shape-of-{package}"), shape(&text));
    }
}

#[test]
fn every_item_says_since_when_it_exists() {
    for package in ["types", "host", "router", "executor", "validator", "agent"] {
        let text = std::fs::read_to_string(root().join(format!("wit/{package}/{package}.wit")))
            .expect("it is there");
        let mut since = false;
        for line in text.lines().map(str::trim) {
            let item = ["record ", "variant ", "enum ", "type ", "interface ", "world "]
                .iter()
                .any(|word| line.starts_with(word));
            if item || line.contains(": func(") {
                assert!(since, "{package}: no @since before `{line}`");
            }
            since = line.starts_with("@since");
        }
    }
}
