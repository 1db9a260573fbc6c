//! Stores of earlier schemas are brought forward, and can go back.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::check::check;
use crate::fixture::{self, EARLIER};
use crate::{OpenError, Store, backup, read, reader};

/// A folder with a store of an earlier schema.
fn earlier(sql: &str) -> (TempDir, Home) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let home = Home::at(folder.path());
    drop(fixture::loaded(Connection::open(home.database()).expect("it can be made"), sql));
    (folder, home)
}

fn version_at(path: &Path) -> i64 {
    schema::version(&Connection::open(path).expect("it is a database")).expect("it has one")
}

fn kept(home: &Home, version: i64) -> PathBuf {
    home.folder().join(format!("baton.db.schema-{version}-1"))
}

#[test]
fn every_earlier_schema_is_brought_forward_and_comes_to_the_same_store() {
    let expected = fixture::dump(fixture::history().reader()).expect("readable").replace('"', "");
    for (version, sql) in EARLIER {
        let (_folder, home) = earlier(sql);
        let store = Store::open(&home, Lock::take(&home).expect("nobody has it")).expect("it opens");
        assert_eq!(check(store.reader()).expect("readable"), Vec::<String>::new(), "schema {version}");
        let migrated = fixture::dump(store.reader()).expect("readable").replace('"', "");
        let (mut one, mut other): (Vec<&str>, Vec<&str>) =
            (migrated.lines().collect(), expected.lines().collect());
        one.sort_unstable();
        other.sort_unstable();
        assert_eq!(one, other, "schema {version}");
        assert_eq!(version_at(&kept(&home, version)), version, "as it was it lies beside it");
    }
}

/// Whoever reads first migrates, and once.
#[test]
fn a_reader_migrates_as_well() {
    let (version, sql) = EARLIER[0];
    let (_folder, home) = earlier(sql);
    for _ in 0..2 {
        let found = reader(&home).expect("it opens");
        assert_eq!(read::runs(&found).expect("readable").len(), 3);
        assert_eq!(read::name(&found, baton_core::id::TaskId(1)).expect("readable"), "plain");
    }
    assert!(kept(&home, version).exists());
    assert!(!home.folder().join(format!("baton.db.schema-{version}-2")).exists());
}

#[test]
fn the_copy_that_was_kept_is_a_way_back_and_forward_again() {
    let (version, sql) = EARLIER[0];
    let (_folder, home) = earlier(sql);
    drop(Store::open(&home, Lock::take(&home).expect("nobody has it")).expect("it opens"));
    let copy = Connection::open(kept(&home, version)).expect("it is there");
    let before = fixture::loaded(Connection::open_in_memory().expect("memory"), sql);
    assert_eq!(
        fixture::dump(&crate::Reader { conn: copy }).expect("readable"),
        fixture::dump(&before).expect("readable"),
        "byte for byte what an earlier baton had"
    );
    let lock = Lock::take(&home).expect("nobody has it");
    backup::restore(&home, &kept(&home, version), &lock).expect("it is a store");
    drop(lock);
    let found = reader(&home).expect("it opens");
    assert_eq!(check(&found).expect("readable"), Vec::<String>::new());
    assert_eq!(version_at(&home.database()), schema::VERSION);
}

/// A step that the database refuses changes nothing.
#[test]
fn a_store_that_is_not_what_its_schema_says_stays_as_it_is() {
    let (version, sql) = EARLIER[0];
    let (_folder, home) = earlier(&format!("{sql} DROP VIEW workstream_status;"));
    for _ in 0..3 {
        let refused = Store::open(&home, Lock::take(&home).expect("nobody has it"));
        assert!(matches!(refused, Err(OpenError::Database(_))), "there is no such view");
        assert_eq!(version_at(&home.database()), version);
    }
    let second = home.folder().join(format!("baton.db.schema-{version}-2"));
    assert!(kept(&home, version).exists() && !second.exists(), "each try keeps the same copy");
    let altered = Connection::open(home.database()).expect("it is there");
    altered.execute_batch("UPDATE run SET name = 'another'").expect("it is a store");
    drop(altered);
    assert!(Store::open(&home, Lock::take(&home).expect("nobody has it")).is_err());
    assert!(second.exists(), "another content is another copy");
}

#[test]
fn what_cannot_be_brought_forward_is_refused_in_words() {
    for (version, too_new) in [(1, false), (schema::VERSION + 1, true)] {
        let (_folder, home) = earlier(&format!("{} PRAGMA user_version = {version};", EARLIER[0].1));
        let refused = reader(&home);
        match refused {
            Err(OpenError::TooOld { found, .. }) => assert_eq!((found, too_new), (version, false)),
            Err(OpenError::TooNew { found }) => assert_eq!((found, too_new), (version, true)),
            Err(other) => panic!("{version}: {other}"),
            Ok(_) => panic!("schema {version} was taken"),
        }
    }
}
