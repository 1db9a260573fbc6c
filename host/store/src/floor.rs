//! The floor that benchmarks stand on: the rows that Baton wrote, written straight into SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params_from_iter, types::Value};

use super::error::OpenError;
use super::home::Home;
use super::schema;
use baton_core::clock::Stopwatch;

const TABLES: [&str; 5] = ["task", "task_spec", "attempt", "event", "decision"];

/// How long it takes to write the rows of a store into an empty database with the same tables, indexes and
/// durability, in transactions of `group` tasks. Reading them is not counted; states that were overwritten since are
/// written once, so this is less work than Baton did.
///
/// # Errors
/// A database can't be read or written.
pub fn measure(home: &Home, to: &Path, group: usize) -> Result<Duration, OpenError> {
    let from = super::reader(home)?.conn;
    let conn = Connection::open(to)?;
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 2000;")?;
    conn.execute_batch(schema::DEFINITIONS)?;
    let mut tables = Vec::new();
    for table in TABLES {
        let (sql, rows) = rows(&from, table)?;
        tables.push((sql, rows));
    }
    let tasks = tables.first().map_or(0, |(_, rows)| rows.len()).max(1);
    let watch = Stopwatch::start();
    let mut done = 0;
    while done < tasks {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        for (sql, rows) in &tables {
            let share = |part: usize| part * rows.len() / tasks;
            let mut insert = conn.prepare_cached(sql)?;
            for row in &rows[share(done)..share((done + group).min(tasks))] {
                insert.execute(params_from_iter(row))?;
            }
        }
        conn.execute_batch("COMMIT")?;
        done += group;
    }
    Ok(watch.elapsed())
}

fn rows(from: &Connection, table: &str) -> Result<(String, Vec<Vec<Value>>), OpenError> {
    let mut select = from.prepare(&format!("SELECT * FROM {table} ORDER BY 1"))?;
    let columns = select.column_count();
    let places: Vec<String> = (1..=columns).map(|place| format!("?{place}")).collect();
    let mut rows = Vec::new();
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        rows.push((0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()?);
    }
    Ok((format!("INSERT INTO {table} VALUES ({})", places.join(", ")), rows))
}
