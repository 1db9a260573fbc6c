//! Stores to test with: a history in which every table has rows, and the same history as each schema that is supported
//! has it. `BATON_UPDATE=1 cargo test -p baton-store fixture` writes that of the present schema; those of earlier ones
//! were written by the versions that made them, and stay.

use std::fmt::Write as _;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Reading;
use crate::reader::Reader;
use crate::{Store, schema};
use baton_core::clock::{Clock, Time};

/// Operations, one a line, each applied one second after the one before.
const HISTORY: &str = include_str!("fixture/history.jsonl");

/// The history as the earlier schemas have it, as SQL.
pub(crate) const EARLIER: [(i64, &str); 1] = [(2, include_str!("fixture/schema-2.sql"))];

/// A store in memory with the whole history.
pub(crate) fn history() -> Store {
    let clock = Clock::manual(Time(1_700_000_000_000));
    let mut store = Store::in_memory(clock.clone()).expect("memory is there");
    for (place, line) in HISTORY.lines().enumerate() {
        let op = serde_json::from_str(line).unwrap_or_else(|why| panic!("line {}: {why}", place + 1));
        for answer in store.apply(vec![op]) {
            answer.unwrap_or_else(|why| panic!("line {}: {why}: {line}", place + 1));
        }
        clock.advance_to(clock.now() + Duration::from_secs(1));
    }
    store
}

/// A database as SQL that makes it again.
pub(crate) fn dump(reader: &Reader) -> Reading<String> {
    let version = schema::version(&reader.conn)?;
    let mut text = format!("PRAGMA user_version = {version};\n");
    let objects = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY rowid";
    let objects: Vec<(String, String, String)> =
        reader.all(objects, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (_, _, sql) in &objects {
        let _ = writeln!(text, "{sql};");
    }
    for (_, table, _) in objects.iter().filter(|(kind, ..)| kind == "table") {
        let columns =
            reader.all("SELECT name FROM pragma_table_info(?1)", [table], |row| row.get::<_, String>(0))?;
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let rows = format!("SELECT {} FROM {table} ORDER BY 1", quoted.join(" || ', ' || "));
        for row in reader.all(&rows, [], |row| row.get::<_, String>(0))? {
            let _ = writeln!(text, "INSERT INTO {table} VALUES ({row});");
        }
    }
    Ok(text)
}

/// A database that SQL makes.
pub(crate) fn loaded(conn: Connection, sql: &str) -> Reader {
    conn.execute_batch(&format!("BEGIN; {sql} COMMIT;")).expect("it was dumped");
    Reader { conn }
}

#[test]
fn the_history_as_this_schema_has_it_is_what_is_kept_of_it() {
    let dumped = dump(history().reader()).expect("readable");
    let path = format!("{}/src/fixture/schema-{}.sql", env!("CARGO_MANIFEST_DIR"), schema::VERSION);
    if std::env::var_os("BATON_UPDATE").is_some() {
        std::fs::write(&path, &dumped).expect("the repository can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("it is kept: BATON_UPDATE=1 writes it");
    assert!(dumped == kept, "{path} is another than this version makes");
}
