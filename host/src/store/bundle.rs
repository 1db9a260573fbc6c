//! Recorded decisions in a file of their own, with the states and components that they depend on: what another machine
//! needs to make them again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::{OpenError, Reader};
use crate::id::RunId;

const APPLICATION_ID: i64 = 0x4241_5442;
const VERSION: i64 = 1;

/// A component by the digest that decisions name it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    pub digest: String,
    pub wasm: Vec<u8>,
}

/// Copies decisions and lessons, of all runs or of one.
///
/// # Errors
/// The store can't be read, or the file can't be written or exists.
pub fn write(
    from: &Reader,
    to: &Path,
    run: Option<RunId>,
    components: &[Component],
) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError::Unusable { path: to.to_owned(), why: "it exists already".into() });
    }
    let conn = Connection::open(to)?;
    conn.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; BEGIN;"
    ))?;
    for table in ["decision", "lesson", "state"] {
        let create: String =
            from.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))?;
        conn.execute_batch(&create)?;
    }
    conn.execute_batch(
        "CREATE TABLE component (digest TEXT PRIMARY KEY, name TEXT NOT NULL, wasm BLOB NOT NULL) STRICT;",
    )?;
    let run = run.map(|run| run.0);
    let of_run = "WHERE ?1 IS NULL OR run_id = ?1";
    copy(from, &conn, "decision", of_run, run)?;
    copy(from, &conn, "lesson", of_run, run)?;
    let used = "WHERE digest IN (SELECT state_before FROM decision WHERE ?1 IS NULL OR run_id = ?1 \
                UNION SELECT state_before FROM lesson WHERE ?1 IS NULL OR run_id = ?1)";
    copy(from, &conn, "state", used, run)?;
    for Component { name, digest, wasm } in components {
        conn.execute(
            "INSERT INTO component (digest, name, wasm) VALUES (?1, ?2, ?3)",
            params![digest, name, wasm],
        )?;
    }
    conn.execute_batch("COMMIT;")?;
    Ok(())
}

fn copy(
    from: &Connection,
    to: &Connection,
    table: &str,
    which: &str,
    run: Option<i64>,
) -> rusqlite::Result<()> {
    let mut select = from.prepare(&format!("SELECT * FROM {table} {which} ORDER BY 1"))?;
    let columns = select.column_count();
    let places: Vec<String> = (1..=columns).map(|place| format!("?{place}")).collect();
    let mut insert = to.prepare(&format!("INSERT INTO {table} VALUES ({})", places.join(", ")))?;
    let mut rows = select.query([run])?;
    while let Some(row) = rows.next()? {
        let values: Vec<rusqlite::types::Value> =
            (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}

/// Opens a bundle: its decisions, lessons and states are read as those of a store.
///
/// # Errors
/// It is not there, or no bundle.
pub fn open(path: &Path) -> Result<(Reader, Vec<Component>), OpenError> {
    let unusable = |why: &str| OpenError::Unusable { path: path.to_owned(), why: why.to_owned() };
    if !path.exists() {
        return Err(unusable("there is no such file"));
    }
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |pragma: &str| conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let not_one = |_| unusable("it is no bundle: write one with `baton router export`");
    if number("application_id").map_err(not_one)? != APPLICATION_ID {
        return Err(unusable("it is no bundle: write one with `baton router export`"));
    }
    if number("user_version")? != VERSION {
        return Err(unusable("it was written by another version of baton"));
    }
    let mut select = conn.prepare("SELECT name, digest, wasm FROM component ORDER BY digest")?;
    let rows = select
        .query_map([], |row| Ok(Component { name: row.get(0)?, digest: row.get(1)?, wasm: row.get(2)? }))?;
    let components = rows.collect::<rusqlite::Result<_>>()?;
    drop(select);
    Ok((conn, components))
}
