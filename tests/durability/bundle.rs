//! Bundles of decisions: one byte that is another than was written, a row that is gone or a component that was changed is
//! noticed and named, and so is what is missing in a store.

use std::path::PathBuf;

use baton_app::bundled;
use baton_core::kind::Kind;
use baton_store::bundle;
use baton_store::testing::tamper::{Alteration, To, filled, named, rows};
use serde_json::json;

use crate::support::stored::alter;
use crate::support::{Env, plan, seed};

/// Decisions of an installed router and a bundled one, and their bundle.
fn exported() -> (Env, PathBuf) {
    let env = Env::with_mocks();
    let router = bundled::plugins().find("round-robin", Kind::Router).expect("it comes with baton");
    let mut wasm = router.wasm().expect("undamaged");
    wasm.extend_from_slice(&[0, 3, 1, b'x', b'1']);
    std::fs::write(env.path("mine.wasm"), &wasm).expect("writable");
    env.baton(&["plugin", "add", "mine.wasm", "--name", "mine"]).ok();
    let tasks = json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "depends_on": ["a"] }, { "id": "c", "depends_on": ["b"] }]);
    env.write("plan.json", &plan(tasks));
    env.baton(&["run", "plan.json", "-q", "--router", "mine"]).ok();
    env.baton(&["run", "plan.json", "-q", "--again"]).ok();
    let said = env.baton(&["router", "export", "decisions.bundle"]).ok();
    assert!(said.starts_with("decisions.bundle holds the decisions and 2 routers; its digest is "), "{said}");
    let file = env.path("decisions.bundle");
    (env, file)
}

#[test]
fn a_byte_that_was_changed_anywhere_is_noticed() {
    let seed = seed::drawn("changed bytes");
    let (env, file) = exported();
    assert_eq!(bundle::open(&file).expect("it is one").altered, Vec::<String>::new());
    let bytes = std::fs::read(&file).expect("readable");
    let changed = env.path("changed.bundle");
    for round in 0..i64::from(seed::rounds(120)) {
        let draw = seed.of(round);
        let mut other = bytes.clone();
        let place = usize::try_from(draw.of(1).0 % bytes.len() as u64).expect("it is below a usize");
        other[place] ^= 1 << (draw.of(2).0 % 8);
        std::fs::write(&changed, other).expect("writable");
        // What SQLite can't read any more is refused, with the file's name.
        if let Ok(opened) = bundle::open(&changed) {
            assert!(!opened.altered.is_empty(), "BATON_SEED={}: byte {place} of {}", seed.0, bytes.len());
        }
    }
    std::fs::write(&changed, &bytes[..bytes.len() - 4096]).expect("writable");
    assert!(bundle::open(&changed).map_or(true, |opened| !opened.altered.is_empty()), "it was cut off");
}

#[test]
fn a_row_that_was_altered_doubled_or_taken_out_is_named() {
    let (env, file) = exported();
    let decision = |id: &'static [(&'static str, i64)]| rows("decision", id);
    let own = named("component", "name", "mine");
    let listed = Alteration::Delete { rows: named("manifest", "place", "decision 1") };
    let bytes = To::Bytes(b"another component");
    let alterations: [(&[Alteration<'_>], &str); 9] = [
        (
            &[Alteration::Add { rows: decision(&[("id", 2)]), column: "at", by: 1 }],
            "decision 2: it is not what the manifest says",
        ),
        (
            &[Alteration::Set { rows: decision(&[("id", 1)]), column: "run_id", to: To::Number(7) }],
            "decision 1: it is not what the manifest says",
        ),
        (&[Alteration::Delete { rows: decision(&[("id", 3)]) }], "decision 3: the row is gone"),
        (
            &[Alteration::Copy { rows: decision(&[("id", 1)]), column: "id", to: 99 }],
            "decision 99: the manifest does not have it",
        ),
        (
            &[Alteration::Set { rows: own, column: "wasm", to: bytes }],
            "(mine): its bytes have another digest",
        ),
        (&[Alteration::Delete { rows: own }], ": the row is gone"),
        (
            &[Alteration::Set { rows: filled("state", "bytes"), column: "bytes", to: To::Bytes(&[0]) }],
            "state ",
        ),
        (&[listed], "decision 1: the manifest does not have it"),
        (
            &[listed, Alteration::Delete { rows: decision(&[("id", 1)]) }],
            "the manifest or bytes that belong to no row: the file has another digest",
        ),
    ];
    for (altered, expected) in alterations {
        let changed = env.path("changed.bundle");
        std::fs::copy(&file, &changed).expect("writable");
        alter(&changed, altered);
        let output = env.baton(&["router", "verify", "--bundle", "changed.bundle"]);
        assert_eq!(output.code, Some(1), "{altered:?}: {output:?}");
        assert!(output.stdout.contains(expected), "{altered:?}: {}", output.stdout);
    }
}

#[test]
fn a_decision_that_is_gone_from_the_store_is_missed_and_not_exported() {
    let (env, _) = exported();
    env.alter(&[
        Alteration::Delete { rows: rows("decision", &[("id", 2)]) },
        Alteration::Delete { rows: rows("decision", &[("id", 4)]) },
    ]);
    let output = env.baton(&["router", "verify"]);
    assert_eq!(output.code, Some(1));
    let gone = |id: u32, run: u32| format!("decision id {id} (r{run}): the row is gone that event ");
    assert!(output.stdout.contains(&gone(2, 1)) && output.stdout.contains(&gone(4, 2)), "{}", output.stdout);
    let of_one = env.baton(&["router", "verify", "--run", "r2"]).stdout;
    assert!(!of_one.contains(&gone(2, 1)) && of_one.contains(&gone(4, 2)), "{of_one}");
    let said = env.baton(&["router", "export", "other.bundle"]).fails(1);
    assert!(said.contains("the store is not what was recorded: nothing was exported"), "{said}");
    assert!(!env.path("other.bundle").exists());
}

#[test]
fn a_component_that_was_altered_is_named_and_not_taken_for_one_that_is_gone() {
    let (env, _) = exported();
    let stored =
        std::fs::read_dir(env.path(".baton/plugins")).expect("readable").next().expect("one").expect("one");
    let mut wasm = std::fs::read(stored.path()).expect("readable");
    wasm.extend_from_slice(&[0, 3, 1, b'x', b'2']);
    std::fs::write(stored.path(), wasm).expect("writable");
    let output = env.baton(&["router", "verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("3 could not be made again: "), "{}", output.stdout);
    assert!(output.stdout.contains("was altered: its content is not blake3:"), "{}", output.stdout);
}
