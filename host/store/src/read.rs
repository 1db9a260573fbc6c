//! Queries, by who asks: [`live`] for the scheduler, [`people`] for questions and agents' memory, [`cost`] for budgets,
//! [`routing`] and [`insight`] for routers and the analyses, [`history`] and [`summary`] for views. What everybody asks
//! is here.

pub mod cost;
pub mod history;
pub mod insight;
pub mod live;
pub mod people;
pub mod routing;
pub mod summary;

pub use crate::error::Reading;

use const_format::formatcp;
use rusqlite::types::Type;
use rusqlite::{Row, params};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, COLUMNS};
use crate::error::ReadError;
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_core::op::{PluginRow, RouterChoice};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::Task;

/// A run as a row, without its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run {
    /// Its number, `r1`.
    pub id: RunId,
    /// Of its plan.
    pub name: String,
    /// Of its plan.
    pub digest: String,
    /// What draws in it derive from.
    pub seed: Seed,
    /// Who decides for it.
    pub router: RouterChoice,
    /// What a rollback leads to.
    #[serde(skip)]
    pub router_before: Option<RouterChoice>,
    /// Whether it starts nothing more for now.
    pub held: bool,
    /// When it was submitted.
    pub created: Time,
    /// When nothing of it could go on any more.
    pub settled: Option<Time>,
}

const RUN: &str = "SELECT r.id, r.name, p.digest, r.seed, r.router, r.router_digest, r.router_before, r.held, \
                   r.created_at, r.settled_at FROM run r JOIN run_plan p ON p.run_id = r.id";

fn run_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: RunId(row.get(0)?),
        name: row.get(1)?,
        digest: row.get(2)?,
        seed: Seed(row.get::<_, i64>(3)?.cast_unsigned()),
        router: RouterChoice { name: row.get(4)?, digest: row.get(5)? },
        router_before: text_json(row, 6)?,
        held: row.get(7)?,
        created: Time(row.get(8)?),
        settled: row.get::<_, Option<i64>>(9)?.map(Time),
    })
}

/// A run; none where there is none of this number.
///
/// # Errors
/// The store can't be read.
pub fn run(reader: &Reader, id: RunId) -> Reading<Option<Run>> {
    reader.first(formatcp!("{RUN} WHERE r.id = ?1"), [id.0], run_row)
}

/// All runs, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn runs(reader: &Reader) -> Reading<Vec<Run>> {
    reader.all(formatcp!("{RUN} ORDER BY r.id"), [], run_row)
}

/// The plan of a run as it was last amended; none where there is no such run.
///
/// # Errors
/// The store can't be read.
pub fn plan(reader: &Reader, id: RunId) -> Reading<Option<Plan>> {
    let found = reader.first("SELECT plan FROM run_plan WHERE run_id = ?1", [id.0], |row| json(row, 0))?;
    Ok(found.flatten())
}

/// What was stored as JSON and is none, or is that of something else.
pub(crate) fn broken(why: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(why))
}

/// Reads a column of bytes that holds JSON; none where it is NULL.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let Some(bytes) = row.get_ref(column)?.as_blob_or_null()? else { return Ok(None) };
    serde_json::from_slice(bytes).map(Some).map_err(broken)
}

/// Reads a column of text that holds JSON; none where it is NULL.
pub(crate) fn text_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(broken)
}

/// For a column that is never NULL.
pub(crate) fn present<T>(value: Option<T>, column: usize) -> rusqlite::Result<T> {
    let null =
        || rusqlite::Error::FromSqlConversionFailure(column, Type::Null, "there is nothing in it".into());
    value.ok_or_else(null)
}

/// A task as it is now.
///
/// # Errors
/// The store can't be read.
pub fn task(reader: &Reader, id: TaskId) -> Reading<Option<Task>> {
    reader.first(&format!("SELECT {COLUMNS} FROM task WHERE id = ?1"), [id.0], codec::task)
}

/// The task of a run with this full name, such as `ws-22` or `ws-22/part`.
///
/// # Errors
/// The store can't be read.
pub fn task_named(reader: &Reader, run: RunId, name: &str) -> Reading<Option<TaskId>> {
    let sql = "SELECT task_id FROM task_spec WHERE run_id = ?1 AND name = ?2";
    reader.first(sql, params![run.0, name], |row| Ok(TaskId(row.get(0)?)))
}

/// The workstream of a task, as the plan or the task that spawned it has it. Its `id` is the task's full name.
///
/// # Errors
/// [`ReadError::NotFound`] where there is no such task; the store can't be read.
pub fn spec(reader: &Reader, id: TaskId) -> Reading<Workstream> {
    let found = reader.first("SELECT spec FROM task_spec WHERE task_id = ?1", [id.0], |row| json(row, 0))?;
    found.flatten().ok_or_else(|| ReadError::NotFound(format!("task {id}")))
}

/// The full name of a task.
///
/// # Errors
/// [`ReadError::NotFound`] where there is no such task; the store can't be read.
pub fn name(reader: &Reader, id: TaskId) -> Reading<String> {
    let found = reader.first("SELECT name FROM task_spec WHERE task_id = ?1", [id.0], |row| row.get(0))?;
    found.ok_or_else(|| ReadError::NotFound(format!("task {id}")))
}

/// A task as people name it, `r1/ws-22`; none where it has no name any more.
///
/// # Errors
/// The store can't be read.
pub fn place(reader: &Reader, id: TaskId) -> Reading<Option<String>> {
    reader.first("SELECT run_id, name FROM task_spec WHERE task_id = ?1", [id.0], |row| {
        Ok(format!("{}/{}", RunId(row.get(0)?), row.get::<_, String>(1)?))
    })
}

/// Installed plugins, by name.
///
/// # Errors
/// The store can't be read.
pub fn plugins(reader: &Reader) -> Reading<Vec<PluginRow>> {
    reader.all("SELECT name, kind, digest, grants FROM plugin ORDER BY name", [], |row| {
        Ok(PluginRow {
            name: row.get(0)?,
            kind: present(codec::word_at(row, 1, "kind of plugins")?, 1)?,
            digest: row.get(2)?,
            grants: present(text_json(row, 3)?, 3)?,
        })
    })
}

/// How often the plan of this path was run: the largest number that keys of it, `PATH#NUMBER`, have.
///
/// # Errors
/// The store can't be read.
pub fn times_run(reader: &Reader, path: &str) -> Reading<usize> {
    // '$' follows '#': the keys of the path lie together in the index.
    let sql = "SELECT key FROM run WHERE key > ?1 || '#' AND key < ?1 || '$'";
    let keys = reader.all(sql, [path], |row| row.get::<_, String>(0))?;
    let times =
        keys.iter().filter_map(|key| key.rsplit_once('#').filter(|(of, _)| *of == path)?.1.parse().ok());
    Ok(times.max().unwrap_or(0))
}
