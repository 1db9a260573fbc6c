//! The table holds what its entries promise.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn names_are_unique_words_and_every_row_has_its_help() {
    let mut names = BTreeSet::new();
    for Entry { about, .. } in ALL {
        let About { name, help, verbs, .. } = about;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        assert!(names.insert(*name), "{name} is there twice");
        assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        assert!(!verbs.is_empty(), "{name} has no verb");
    }
}

/// Every member of every input says what it is: surfaces show it to those who can't read the source.
#[test]
fn every_member_of_an_input_is_documented() {
    for entry in ALL {
        let input = entry.input();
        let Some(members) = input.get("properties").and_then(Value::as_object) else { continue };
        for (name, member) in members {
            assert!(member.get("description").is_some(), "{}: {name} has no description", entry.about.name);
        }
    }
}

#[test]
fn only_reads_are_for_viewers() {
    for Entry { about, .. } in ALL {
        let reads = about.kind != Kind::Write;
        assert_eq!(reads, about.role == Role::Viewer, "{}", about.name);
    }
}

#[test]
fn the_page_lists_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let page = page();
    if std::env::var_os("BATON_UPDATE").is_some() {
        std::fs::write(&file, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&file).expect("there is a page");
    assert!(written == page, "docs/operations.md is old: BATON_UPDATE=1 cargo test -p baton-app page");
}
