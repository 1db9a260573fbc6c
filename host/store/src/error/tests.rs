//! Errors are told apart by what their caller does next.

use std::error::Error as _;
use std::time::Duration;

use rusqlite::Connection;

use super::*;
use crate::fixture::history;
use crate::read::{self, history as record, live, routing, summary};
use crate::{Home, Reader, Store};
use baton_core::id::{Epoch, RunId, TaskId};

/// The result of a query after the store was altered.
fn altered<T>(sql: &str, query: impl FnOnce(&Reader) -> Reading<T>) -> ReadError {
    let store = history();
    store.reader().conn.execute_batch(sql).expect("it can be altered");
    match query(store.reader()) {
        Ok(_) => panic!("{sql}: it was read"),
        Err(why) => why,
    }
}

#[test]
fn what_no_version_wrote_is_corrupt_and_named() {
    let state = "UPDATE task SET state = 77 WHERE id = 1";
    let stage = "UPDATE task SET state = 3, stage = 9 WHERE id = 1";
    let role = "UPDATE task SET role = 8 WHERE id = 8";
    let ending = "UPDATE attempt SET ending = 'vanished' WHERE task_id = 1";
    let found = [
        (altered(state, |reader| read::task(reader, TaskId(1)).map(drop)), "77"),
        (
            altered(state, |reader| summary::counts(reader, RunId(1)).map(drop)),
            "77 is the number of no state",
        ),
        (altered(state, |reader| summary::lines(reader, RunId(1)).map(drop)), "77 is the number of no state"),
        (altered(stage, |reader| read::task(reader, TaskId(1)).map(drop)), "3 and what stands beside it"),
        (altered(role, |reader| read::task(reader, TaskId(8)).map(drop)), "8 is the number of no role"),
        (
            altered(ending, |reader| record::attempts(reader, TaskId(1)).map(drop)),
            "\"vanished\" is no ending",
        ),
        (
            altered(ending, |reader| live::last_ending(reader, TaskId(1)).map(drop)),
            "\"vanished\" is no ending",
        ),
        (
            altered("UPDATE trial SET ending = 'won'", |reader| routing::trials(reader).map(drop)),
            "\"won\" is no ending of a trial",
        ),
        (
            altered("UPDATE plugin SET kind = 'oracle'", |reader| read::plugins(reader).map(drop)),
            "\"oracle\" is no kind",
        ),
        (
            altered("UPDATE task_spec SET spec = x'7b' WHERE task_id = 1", |reader| {
                read::spec(reader, TaskId(1)).map(drop)
            }),
            "EOF",
        ),
        (
            altered("UPDATE meta SET value = 'soon' WHERE key = 'consolidated'", |reader| {
                read::insight::consolidated(reader).map(drop)
            }),
            "\"soon\" is no number",
        ),
    ];
    for (why, named) in found {
        assert!(matches!(why, ReadError::Corrupt(_)), "{why:?}");
        assert!(why.to_string().contains(named), "{why} does not say {named}");
        assert!(why.source().is_some(), "{why:?} has lost its cause");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let store = history();
    let reader = store.reader();
    let found = [
        (read::spec(reader, TaskId(99)).map(drop), "there is no task t99"),
        (read::name(reader, TaskId(99)).map(drop), "there is no task t99"),
        (live::report(reader, TaskId(1), Epoch(9)).map(drop), "there is no attempt 9 of t1"),
        (routing::lesson(reader, 9).map(drop), "there is no lesson 9 whose state is there"),
    ];
    for (answer, expected) in found {
        match answer {
            Err(why @ ReadError::NotFound(_)) => assert_eq!(why.to_string(), expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_database_that_another_process_keeps_is_busy_and_one_that_is_none_is_corrupt() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let home = Home::at(folder.path());
    drop(Store::open(&home, crate::Lock::take(&home).expect("nobody has it")).expect("it opens"));
    let keeper = Connection::open(home.database()).expect("it is there");
    keeper.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").expect("nobody has it");
    let conn = Connection::open(home.database()).expect("it is there");
    conn.busy_timeout(Duration::ZERO).expect("it takes one");
    let busy = read::runs(&Reader { conn }).map(drop);
    assert!(matches!(busy, Err(ReadError::Busy(_))), "{busy:?}");
    drop(keeper);
    std::fs::write(
        home.database(),
        "nonsense, and longer than a header of a database would be, by far, in all of its parts",
    )
    .expect("writable");
    let garbage = crate::reader(&home).map(drop);
    assert!(matches!(garbage, Err(OpenError::Database(ReadError::Corrupt(_)))), "{garbage:?}");
}

#[test]
fn what_a_caller_elsewhere_is_told_says_what_to_do_next() {
    let cases = [
        (ReadError::corrupt("x"), StoreError::Corrupt("what is stored can't be read: x".into())),
        (ReadError::NotFound("task t1".into()), StoreError::Corrupt("there is no task t1".into())),
        (
            ReadError::Busy("locked".into()),
            StoreError::Busy("another process keeps the database locked: locked".into()),
        ),
        (ReadError::Failed("disk full".into()), StoreError::Failed("disk full".into())),
    ];
    for (why, expected) in cases {
        assert_eq!(Rejection::from(why), Rejection::Store(expected));
    }
}
