//! What can be read from a store: plain values for the scheduler and for people.

pub mod cost;
pub mod history;
pub mod insight;
pub mod live;
pub mod people;
pub mod routing;
pub mod summary;

use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_core::op::{PluginRow, RouterChoice};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::{StateName, Task};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::codec::{self, COLUMNS};

/// What a read comes to; the error is the database's.
pub type Reading<T> = rusqlite::Result<T>;

/// A run as a row, without its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    pub id: RunId,
    pub name: String,
    pub digest: String,
    pub seed: Seed,
    pub router: RouterChoice,
    #[serde(skip)]
    pub router_before: Option<RouterChoice>,
    pub held: bool,
    pub created: Time,
    pub settled: Option<Time>,
}

const RUN_COLUMNS: &str =
    "id, name, digest, seed, router, router_digest, router_before, held, created_at, settled_at";

fn run_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Run> {
    let before: Option<String> = row.get(6)?;
    Ok(Run {
        id: RunId(row.get(0)?),
        name: row.get(1)?,
        digest: row.get(2)?,
        seed: Seed(row.get::<_, i64>(3)?.cast_unsigned()),
        router: RouterChoice { name: row.get(4)?, digest: row.get(5)? },
        router_before: before.and_then(|json| serde_json::from_str(&json).ok()),
        held: row.get(7)?,
        created: Time(row.get(8)?),
        settled: row.get::<_, Option<i64>>(9)?.map(Time),
    })
}

/// # Errors
/// The store can't be read.
pub fn run(conn: &Connection, id: RunId) -> rusqlite::Result<Option<Run>> {
    conn.query_row(&format!("SELECT {RUN_COLUMNS} FROM run WHERE id = ?1"), [id.0], run_row).optional()
}

/// # Errors
/// The store can't be read.
pub fn runs(conn: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut select = conn.prepare(&format!("SELECT {RUN_COLUMNS} FROM run ORDER BY id"))?;
    select.query_map([], run_row)?.collect()
}

/// # Errors
/// The store can't be read.
pub fn plan(conn: &Connection, id: RunId) -> rusqlite::Result<Option<Plan>> {
    let json: Option<Vec<u8>> =
        conn.query_row("SELECT plan FROM run WHERE id = ?1", [id.0], |row| row.get(0)).optional()?;
    json.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)
}

pub(super) fn broken(why: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(why))
}

/// # Errors
/// The store can't be read.
pub fn task(conn: &Connection, id: TaskId) -> rusqlite::Result<Option<Task>> {
    conn.query_row(&format!("SELECT {COLUMNS} FROM task WHERE id = ?1"), [id.0], codec::task).optional()
}

/// # Errors
/// The store can't be read.
pub fn task_named(conn: &Connection, run: RunId, name: &str) -> rusqlite::Result<Option<TaskId>> {
    conn.prepare_cached("SELECT task_id FROM body WHERE run_id = ?1 AND name = ?2")?
        .query_row(params![run.0, name], |row| Ok(TaskId(row.get(0)?)))
        .optional()
}

/// What the plan, or whoever spawned it, says of a task. Its `id` is the task's full name.
///
/// # Errors
/// The store can't be read.
pub fn spec(conn: &Connection, id: TaskId) -> rusqlite::Result<Workstream> {
    let json: Vec<u8> = conn
        .prepare_cached("SELECT spec FROM body WHERE task_id = ?1")?
        .query_row([id.0], |row| row.get(0))?;
    serde_json::from_slice(&json).map_err(broken)
}

/// # Errors
/// The store can't be read.
pub fn name(conn: &Connection, id: TaskId) -> rusqlite::Result<String> {
    conn.prepare_cached("SELECT name FROM body WHERE task_id = ?1")?.query_row([id.0], |row| row.get(0))
}

/// A task as people name it, `r1/ws-22`; none where it has no name any more.
///
/// # Errors
/// The store can't be read.
pub fn place(conn: &Connection, id: TaskId) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT run_id, name FROM body WHERE task_id = ?1")?
        .query_row([id.0], |row| Ok(format!("{}/{}", RunId(row.get(0)?), row.get::<_, String>(1)?)))
        .optional()
}

fn state_word(number: i64) -> StateName {
    codec::state_name(number).unwrap_or(StateName::Blocked)
}

/// Installed plugins, by name.
///
/// # Errors
/// The store can't be read.
pub fn plugins(conn: &Connection) -> rusqlite::Result<Vec<PluginRow>> {
    let mut select = conn.prepare("SELECT name, kind, digest, grants FROM plugin ORDER BY name")?;
    let mut rows = select.query([])?;
    let mut plugins = Vec::new();
    while let Some(row) = rows.next()? {
        let grants: String = row.get(3)?;
        plugins.push(PluginRow {
            name: row.get(0)?,
            kind: row.get(1)?,
            digest: row.get(2)?,
            grants: serde_json::from_str(&grants).map_err(broken)?,
        });
    }
    Ok(plugins)
}

/// How often the plan of this path was run.
///
/// # Errors
/// The store can't be read.
pub fn times_run(conn: &Connection, path: &str) -> rusqlite::Result<usize> {
    let mut select = conn.prepare("SELECT key FROM run WHERE key IS NOT NULL")?;
    let keys = select.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let times =
        keys.iter().filter_map(|key| key.rsplit_once('#').filter(|(of, _)| *of == path)?.1.parse().ok());
    Ok(times.max().unwrap_or(0))
}
