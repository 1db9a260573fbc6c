//! What tests look up in a store, as plain values: whole tables, read without an index and without a bound. And what
//! somebody may do to the file behind Baton's back. Production calls nothing of it. It is not behind a feature, because
//! one that only tests turn on would have every crate above this one compiled twice.

pub mod tamper;

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use crate::batch::{self, EVENT_COLUMNS};
use crate::codec::{self, COLUMNS};
use crate::error::Reading;
use crate::read::{json, present, text_json};
use crate::reader::Reader;
use crate::schema;
use baton_core::budget::Bill;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::event::Event;
use baton_core::id::{DecisionId, Epoch, RunId, TaskId};
use baton_core::outcome::Report;
use baton_core::plan::Workstream;
use baton_core::task::Task;

/// A task with its full name and what it was told.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTask {
    /// Its row.
    pub task: Task,
    /// Its full name, such as `ws-22/part`.
    pub name: String,
    /// What it was told.
    pub spec: Workstream,
}

/// All tasks, by id.
///
/// # Errors
/// The store can't be read.
pub fn tasks(reader: &Reader) -> Reading<Vec<StoredTask>> {
    let columns =
        COLUMNS.split(", ").map(|column| format!("t.{}", column.trim())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {columns}, s.name, s.spec FROM task t JOIN task_spec s ON s.task_id = t.id ORDER BY t.id"
    );
    let after = columns.split(", ").count();
    reader.all(&sql, [], |row| {
        Ok(StoredTask {
            task: codec::task(row)?,
            name: row.get(after)?,
            spec: present(json(row, after + 1)?, after + 1)?,
        })
    })
}

/// An attempt with the names of its task and agent.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAttempt {
    /// The run that the task belongs to.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// The task's full name.
    pub name: String,
    /// Which try it was.
    pub epoch: Epoch,
    /// None for a composite task's.
    pub agent: Option<String>,
    /// What it followed from.
    pub decision: Option<DecisionId>,
    /// When it started.
    pub started: Time,
    /// When its agent was done, where validators had to say something.
    pub claimed: Option<Time>,
    /// When it was over.
    pub ended: Option<Time>,
    /// How it ended; none while its agent works.
    pub ending: Option<Ending>,
    /// None before anything was claimed or failed.
    pub report: Option<Report>,
    /// What it used and cost.
    pub bill: Option<Bill>,
}

/// All attempts, by task and epoch.
///
/// # Errors
/// The store can't be read.
pub fn attempts(reader: &Reader) -> Reading<Vec<StoredAttempt>> {
    let sql = "SELECT s.run_id, a.task_id, s.name, a.epoch, g.name, a.decision_id, a.started_at, a.claimed_at, a.ended_at, \
                      a.ending, a.report, a.bill \
               FROM attempt a JOIN task_spec s ON s.task_id = a.task_id LEFT JOIN agent g ON g.id = a.agent_id \
               ORDER BY a.task_id, a.epoch";
    reader.all(sql, [], |row| {
        let time = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Time));
        Ok(StoredAttempt {
            run: RunId(row.get(0)?),
            task: TaskId(row.get(1)?),
            name: row.get(2)?,
            epoch: Epoch(row.get(3)?),
            agent: row.get(4)?,
            decision: row.get::<_, Option<i64>>(5)?.map(DecisionId),
            started: Time(row.get(6)?),
            claimed: time(7)?,
            ended: time(8)?,
            ending: codec::ending_at(row, 9)?,
            report: json(row, 10)?,
            bill: text_json(row, 11)?,
        })
    })
}

/// All events, in the order of their commits.
///
/// # Errors
/// The store can't be read.
pub fn events(reader: &Reader) -> Reading<Vec<Event>> {
    reader.all(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"), [], batch::event)
}

/// A decision, also one of the host's own or of a router in the shadow of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// Its number.
    pub id: DecisionId,
    /// The run that it was made for.
    pub run: RunId,
    /// The router's name.
    pub router: String,
    /// The router's content; `host` for the host's own.
    pub digest: String,
    /// The trial that was going on.
    pub trial: Option<i64>,
    /// The decision beside which it was asked.
    pub shadow_of: Option<DecisionId>,
    /// JSON.
    pub input: String,
    /// JSON.
    pub answer: String,
}

/// All decisions, by number.
///
/// # Errors
/// The store can't be read.
pub fn decisions(reader: &Reader) -> Reading<Vec<StoredDecision>> {
    let sql =
        "SELECT id, run_id, router, digest, trial_id, shadow_of, input, answer FROM decision ORDER BY id";
    reader.all(sql, [], |row| {
        Ok(StoredDecision {
            id: DecisionId(row.get(0)?),
            run: RunId(row.get(1)?),
            router: row.get(2)?,
            digest: row.get(3)?,
            trial: row.get(4)?,
            shadow_of: row.get::<_, Option<i64>>(5)?.map(DecisionId),
            input: text_of(row, 6)?,
            answer: text_of(row, 7)?,
        })
    })
}

fn text_of(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
}

/// What routers were taught, as JSON, in its order.
///
/// # Errors
/// The store can't be read.
pub fn lessons(reader: &Reader) -> Reading<Vec<String>> {
    reader.all("SELECT input FROM lesson ORDER BY id", [], |row| text_of(row, 0))
}

/// Hosts by the number of their boot, with the moment that each started.
///
/// # Errors
/// The store can't be read.
pub fn hosts(reader: &Reader) -> Reading<Vec<(u32, Time)>> {
    reader.all("SELECT boot, started_at FROM host ORDER BY boot", [], |row| {
        Ok((row.get(0)?, Time(row.get(1)?)))
    })
}

/// What an agent keeps between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Whose it is.
    pub agent: String,
    /// The agent's name for it.
    pub key: String,
    /// What is kept.
    pub value: String,
}

/// All that agents keep, by agent and key.
///
/// # Errors
/// The store can't be read.
pub fn memory(reader: &Reader) -> Reading<Vec<Remembered>> {
    reader.all("SELECT agent, key, value FROM memory ORDER BY agent, key", [], |row| {
        Ok(Remembered { agent: row.get(0)?, key: row.get(1)?, value: row.get(2)? })
    })
}

/// A line of the view `workstream_status`, which people query by the database's own tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The task's name in its plan.
    pub workstream: String,
    /// Where it stands, in the words of the view.
    pub status: String,
    /// Who made the latest attempt.
    pub agent: Option<String>,
}

/// The view `workstream_status`, by workstream.
///
/// # Errors
/// The store can't be read.
pub fn workstream_status(reader: &Reader) -> Reading<Vec<StatusLine>> {
    let sql = "SELECT workstream_id, status, agent_id FROM workstream_status ORDER BY workstream_id";
    reader.all(sql, [], |row| {
        Ok(StatusLine { workstream: row.get(0)?, status: row.get(1)?, agent: row.get(2)? })
    })
}

/// A query of the first guide, as its readers type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guide {
    /// The ten that started last.
    Newest,
    /// All, in the order in which they started.
    ByStart,
    /// How many there are of each status.
    ByStatus,
}

/// The rows that a query of the guide finds, each column as text; empty where there is nothing in it.
///
/// # Errors
/// The query is not understood.
pub fn guide(reader: &Reader, query: Guide) -> Reading<Vec<Vec<String>>> {
    let sql = match query {
        Guide::Newest => "SELECT * FROM workstream_status ORDER BY started_at DESC LIMIT 10",
        Guide::ByStart => {
            "SELECT workstream_id, status, agent_id\n FROM workstream_status\n ORDER BY started_at"
        }
        Guide::ByStatus => "SELECT status, COUNT(*)\n FROM workstream_status\n GROUP BY status",
    };
    let columns = reader.conn.prepare(sql)?.column_count();
    reader.all(sql, [], |row| {
        let text = |column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
            })
        };
        (0..columns).map(text).collect()
    })
}

/// Makes a database from the SQL that it was dumped as.
///
/// # Errors
/// There is one already, or it is no SQL.
pub fn load(path: &Path, sql: &str) -> Reading<()> {
    Ok(Connection::open(path)?.execute_batch(&format!("BEGIN; {sql} COMMIT;"))?)
}

/// The schema that a database says it has.
///
/// # Errors
/// It is no database.
pub fn schema(path: &Path) -> Reading<i64> {
    Ok(schema::version(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)?)
}
