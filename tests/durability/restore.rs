//! Backups and the way back, cut off at every point: there is always a store, the old one or the new one, and one that
//! is gone is never taken for one that never was.

use std::os::unix::fs::PermissionsExt as _;

use baton_app::bundled;
use baton_core::id::TaskId;
use baton_core::kind::Kind;
use baton_store::testing;
use baton_store::testing::tamper::{Alteration, To, rows};
use serde_json::json;

use crate::support::stored::alter;
use crate::support::{Env, output, plan, root};

/// A store with one run, a copy of it, and then with a second run.
fn twice() -> Env {
    let env = Env::with_mocks();
    for name in ["first", "second"] {
        env.write(
            &format!("{name}.json"),
            &plan(json!([{ "id": name, "skills": ["work"], "effects": "external" }])),
        );
    }
    env.baton(&["run", "first.json", "-q"]).ok();
    env.baton(&["db", "backup", "copy.db"]).ok();
    env.baton(&["run", "second.json", "-q"]).ok();
    env
}

fn killed(env: &Env, args: &[&str], point: &str) {
    let mut command = env.command(args);
    command.env("BATON_FAILPOINT", point);
    let ended = output(command);
    assert_eq!(ended.code, None, "{point} was never reached: {ended:?}");
}

fn runs(env: &Env) -> usize {
    env.stored().runs().len()
}

#[test]
fn killed_anywhere_in_a_restore_there_is_the_old_store_or_the_new_one() {
    for point in baton_store::failpoint::RESTORE {
        let env = twice();
        killed(&env, &["db", "restore", "copy.db"], point);
        assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n", "{point}");
        let expected = if point == "restore-renamed" { 1 } else { 2 };
        assert_eq!(runs(&env), expected, "{point}");
        // What was done is not done again.
        env.baton(&["run", "first.json", "-q"]).ok();
        assert_eq!(
            env.stored().attempts().iter().filter(|attempt| attempt.task == TaskId(1)).count(),
            1,
            "{point}"
        );
        env.baton(&["db", "restore", "copy.db"]).ok();
        assert_eq!((runs(&env), env.baton(&["db", "check"]).ok().as_str()), (1, "sound\n"), "{point}");
        let kept: Vec<String> = std::fs::read_dir(env.path(".baton"))
            .expect("readable")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.contains("before-restore"))
            .collect();
        assert!(kept.iter().any(|name| name == "baton.db.before-restore-1"), "{point}: {kept:?}");
    }
}

#[test]
fn the_store_that_went_comes_back_from_beside_the_new_one() {
    let env = twice();
    env.baton(&["db", "restore", "copy.db"]).ok();
    env.baton(&["db", "restore", ".baton/baton.db.before-restore-1"]).ok();
    assert_eq!(runs(&env), 2);
    assert!(env.path(".baton/baton.db.before-restore-2").exists());
}

/// Such as an earlier version left where it was killed between its renames.
#[test]
fn where_a_store_was_none_is_made_anew_before_somebody_says_so() {
    for left in ["baton.db.before-restore-1", "baton.db.restoring"] {
        let env = twice();
        let store = |name: &str| env.path(".baton").join(name);
        for part in ["", "-wal"] {
            let (from, to) = (store(&format!("baton.db{part}")), store(&format!("{left}{part}")));
            if from.exists() {
                std::fs::rename(from, to).expect("it is there");
            }
        }
        for args in
            [&["status"][..], &["run", "first.json", "-q"], &["agents", "drain", "ann"], &["db", "check"]]
        {
            let said = env.baton(args).fails(2);
            assert!(
                said.contains(&format!(".baton/{left} is there: a restore was cut off")),
                "{args:?}: {said}"
            );
            assert!(said.contains("`baton db restore` takes it or a backup"), "{args:?}: {said}");
            assert!(!store("baton.db").exists(), "{args:?} made a store");
        }
        env.baton(&["db", "restore", &store(left).to_string_lossy()]).ok();
        assert_eq!(runs(&env), 2);
        env.baton(&["run", "first.json", "-q"]).ok();
        assert_eq!(env.stored().attempts().len(), 2, "nothing was done again");
    }
}

#[test]
fn a_backup_that_was_cut_off_is_none_and_blocks_no_other() {
    let env = twice();
    for point in baton_store::failpoint::BACKUP {
        killed(&env, &["db", "backup", "later.db"], point);
        assert!(!env.path("later.db").exists(), "{point}");
    }
    env.baton(&["db", "backup", "later.db"]).ok();
    assert!(!env.path("later.db.partial").exists());
    let twice = env.baton(&["db", "backup", "later.db"]).fails(3);
    assert!(twice.contains("later.db can't be used: it exists already"), "{twice}");
    for file in ["later.db", ".baton/baton.db"] {
        let mode = std::fs::metadata(env.path(file)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file} is for its owner only");
    }
}

#[test]
fn a_backup_runs_elsewhere_with_the_plugins_that_were_installed() {
    let env = Env::with_mocks();
    let router = bundled::plugins().find("least-loaded", Kind::Router).expect("it comes with baton");
    // With a digest of its own, so that no bundled one stands in for it: a custom section that says nothing.
    let mut wasm = router.wasm().expect("undamaged");
    wasm.extend_from_slice(&[0, 3, 1, b'x', b'1']);
    std::fs::write(env.path("mine.wasm"), &wasm).expect("writable");
    env.baton(&["plugin", "add", "mine.wasm", "--name", "mine"]).ok();
    env.write(
        "plan.json",
        &plan(json!([{ "id": "a", "skills": ["work"] }, { "id": "b", "skills": ["late"] }])),
    );
    assert_eq!(env.baton(&["run", "plan.json", "-q", "--router", "mine"]).code, Some(4), "nobody does b yet");
    env.baton(&["db", "backup", "copy.db"]).ok();
    let elsewhere = Env::with_mocks();
    elsewhere.write("plan.json", &std::fs::read_to_string(env.path("plan.json")).expect("it is there"));
    elsewhere.baton(&["db", "restore", &env.path("copy.db").to_string_lossy()]).ok();
    assert_eq!(elsewhere.baton(&["db", "check"]).ok(), "sound\n");
    elsewhere.baton(&["router", "verify"]).ok();
    let config = std::fs::read_to_string(elsewhere.path("baton.toml")).expect("it is there");
    elsewhere.write("baton.toml", &config.replace("\"other\"", "\"late\""));
    elsewhere.write("more.json", &plan(json!([{ "id": "c", "skills": ["late"] }])));
    elsewhere.baton(&["run", "more.json", "-q", "--router", "mine"]).ok();
    assert_eq!(elsewhere.stored().deciding_components(), 1, "by the same component");
    // An altered plugin is not taken along.
    let stored =
        std::fs::read_dir(env.path(".baton/plugins")).expect("readable").next().expect("one").expect("one");
    std::fs::write(stored.path(), b"another").expect("writable");
    let said = env.baton(&["db", "backup", "other.db"]).fails(3);
    assert!(said.contains("it was altered since it was installed: add the plugin again"), "{said}");
}

#[test]
fn an_altered_copy_replaces_nothing() {
    let env = twice();
    alter(
        &env.path("copy.db"),
        &[Alteration::Set {
            rows: rows("task_spec", &[("task_id", 1)]),
            column: "name",
            to: To::Text("other"),
        }],
    );
    let said = env.baton(&["db", "restore", "copy.db"]).fails(3);
    assert!(said.contains("copy.db can't be used: task_spec task_id 1"), "{said}");
    assert_eq!(runs(&env), 2);
    assert!(!env.path(".baton/baton.db.restoring").exists());
}

/// The store that a baton of an earlier schema left.
fn of_schema(version: i64) -> Env {
    let env = Env::with_mocks();
    let text = root().join(format!("host/store/src/fixture/schema-{version}.sql"));
    let text = std::fs::read_to_string(text).expect("it is kept");
    std::fs::create_dir(env.path(".baton")).expect("folders can be made");
    testing::load(&env.path(".baton/baton.db"), &text).expect("it was dumped");
    env
}

#[test]
fn killed_anywhere_in_a_migration_there_is_the_store_before_it_or_after_it() {
    for point in baton_store::failpoint::MIGRATE {
        let env = of_schema(2);
        killed(&env, &["status"], point);
        let expected = if point == "migrate-committed" { 3 } else { 2 };
        let database = env.path(".baton/baton.db");
        assert_eq!(testing::schema(&database).expect("readable"), expected, "{point}");
        assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n", "{point}");
        assert_eq!(testing::schema(&database).expect("readable"), 3, "{point}");
        assert_eq!(runs(&env), 3, "{point}");
        let kept = env.path(".baton/baton.db.schema-2-1");
        assert_eq!(testing::schema(&kept).expect("readable"), 2, "{point}: as it was it lies beside it");
        assert_eq!(kept_copies(&env), ["baton.db.schema-2-1"], "{point}: one copy of one content");
    }
}

fn kept_copies(env: &Env) -> Vec<String> {
    let entries = std::fs::read_dir(env.path(".baton")).expect("there is a store");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("baton.db.schema-")).collect()
}

#[test]
fn all_who_open_a_store_that_one_of_them_migrates_find_it_migrated() {
    for verb in ["status", "pause"] {
        let env = of_schema(2);
        let args = if verb == "pause" { vec!["pause", "r1"] } else { vec!["status"] };
        let started: Vec<_> = (0..8).map(|_| env.start(&args)).collect();
        for one in started {
            one.wait().ok();
        }
        assert_eq!(kept_copies(&env), ["baton.db.schema-2-1"]);
    }
}

#[test]
fn a_copy_of_an_earlier_schema_comes_back_as_one_of_this() {
    let env = of_schema(2);
    std::fs::copy(env.path(".baton/baton.db"), env.path("old.db")).expect("writable");
    env.baton(&["db", "restore", "old.db"]).ok();
    assert_eq!(env.baton(&["db", "check"]).ok(), "sound\n");
    assert_eq!(testing::schema(&env.path("old.db")).expect("readable"), 2, "the copy stays what it is");
}
