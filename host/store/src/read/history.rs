//! The record: events, attempts, decisions, dead letters.

use const_format::formatcp;
use rusqlite::{OptionalExtension as _, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::json;
use crate::batch::{self, EVENT_COLUMNS};
use crate::codec::{self, IS_DEAD, IS_LIVE, RUNNING};
use crate::error::Reading;
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::event::{Event, Fact};
use baton_core::fault::Fault;
use baton_core::id::{DecisionId, Epoch, RunId, TaskId};
use baton_core::outcome::Report;

/// Events after `after`, oldest first, at most `limit`; of all runs and the host where no run is named.
///
/// # Errors
/// The store can't be read.
pub fn events(reader: &Reader, run: Option<RunId>, after: i64, limit: usize) -> Reading<Vec<Event>> {
    let columns = format!("SELECT {EVENT_COLUMNS} FROM event");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match run {
        Some(run) => reader.all(
            &format!("{columns} WHERE run_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"),
            params![run.0, after, limit],
            batch::event,
        ),
        None => reader.all(
            &format!("{columns} WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
            params![after, limit],
            batch::event,
        ),
    }
}

/// Events of one task, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn events_of(reader: &Reader, run: RunId, task: TaskId) -> Reading<Vec<Event>> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE run_id = ?1 AND task_id = ?2 ORDER BY seq");
    reader.all(&sql, params![run.0, task.0], batch::event)
}

/// Events of the host of one kind, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn of_kind(reader: &Reader, kind: &str) -> Reading<Vec<Event>> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE run_id = 0 AND kind = ?1 ORDER BY seq");
    reader.all(&sql, [kind], batch::event)
}

/// The newest event's number; 0 before the first.
///
/// # Errors
/// The store can't be read.
pub fn last_seq(reader: &Reader) -> Reading<i64> {
    reader.one("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))
}

/// When the newest event was recorded.
///
/// # Errors
/// The store can't be read.
pub fn newest(reader: &Reader) -> Reading<Option<Time>> {
    reader.first("SELECT at FROM event ORDER BY seq DESC LIMIT 1", [], |row| Ok(Time(row.get(0)?)))
}

/// The number of the last event before this moment; 0 if there is none.
///
/// # Errors
/// The store can't be read.
pub fn seq_before(reader: &Reader, at: Time) -> Reading<i64> {
    let (mut low, mut high) = (0, last_seq(reader)?);
    let mut select = reader.conn.prepare_cached("SELECT at FROM event WHERE seq = ?1")?;
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let then: Option<i64> = select.query_row([middle], |row| row.get(0)).optional()?;
        if then.is_none_or(|then| then < at.0) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

/// One try of a task.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// Which try it was.
    pub epoch: Epoch,
    /// None for a composite task's, which nobody but its children works on.
    pub agent: Option<String>,
    /// When it started.
    pub started: Time,
    /// When it was over.
    pub ended: Option<Time>,
    /// None while its agent works.
    pub ending: Option<Ending>,
    /// The decision that it followed from; none for one that no router chose.
    pub decision: Option<DecisionId>,
    /// What it claimed and what checks say of it.
    pub report: Report,
}

/// The attempts of a task, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn attempts(reader: &Reader, task: TaskId) -> Reading<Vec<Attempt>> {
    let sql = "SELECT a.epoch, g.name, a.started_at, a.ended_at, a.ending, a.decision_id, a.report \
               FROM attempt a LEFT JOIN agent g ON g.id = a.agent_id WHERE a.task_id = ?1 ORDER BY a.epoch";
    reader.all(sql, [task.0], |row| {
        Ok(Attempt {
            epoch: Epoch(row.get(0)?),
            agent: row.get(1)?,
            started: Time(row.get(2)?),
            ended: row.get::<_, Option<i64>>(3)?.map(Time),
            ending: codec::ending_at(row, 4)?,
            decision: row.get::<_, Option<i64>>(5)?.map(DecisionId),
            report: json(row, 6)?.unwrap_or_default(),
        })
    })
}

/// A recorded decision: its input and answer are JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    /// Its number, `d1`.
    pub id: DecisionId,
    /// When it was recorded.
    pub at: Time,
    /// The router's name.
    pub router: String,
    /// The router's content.
    pub digest: String,
    /// What the router's call used up, in wasmtime's units.
    pub fuel: u64,
    /// What the router was asked, without its state.
    pub input: String,
    /// What it answered, without the state that it left.
    pub answer: String,
}

/// A decision as it was asked and answered, without its states.
///
/// # Errors
/// The store can't be read.
pub fn decision(reader: &Reader, id: DecisionId) -> Reading<Option<Decided>> {
    let sql = "SELECT at, router, digest, fuel, input, answer FROM decision WHERE id = ?1";
    reader.first(sql, [id.0], |row| {
        let (input, answer): (Vec<u8>, Vec<u8>) = (row.get(4)?, row.get(5)?);
        Ok(Decided {
            id,
            at: Time(row.get(0)?),
            router: row.get(1)?,
            digest: row.get(2)?,
            fuel: row.get::<_, i64>(3)?.cast_unsigned(),
            input: String::from_utf8_lossy(&input).into_owned(),
            answer: String::from_utf8_lossy(&answer).into_owned(),
        })
    })
}

/// A task that was given up and neither redriven nor dropped.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Its number.
    #[serde(skip)]
    pub id: TaskId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its full name.
    pub task: String,
    /// When it was given up.
    pub at: Time,
    /// How many were charged.
    pub attempts: u32,
    /// How often its host or agent crashed.
    pub crashes: u32,
    /// Why it was given up, by the record.
    pub fault: Option<Fault>,
}

/// Dead letters of one run, or of all, by run and name. What strategies asked for is not among them.
///
/// # Errors
/// The store can't be read.
pub fn dead(reader: &Reader, run: Option<RunId>) -> Reading<Vec<DeadLetter>> {
    let sql = formatcp!(
        "SELECT t.id, t.run_id, s.name, t.at, t.attempts, t.crashes, \
                (SELECT e.fact FROM event e WHERE e.run_id = t.run_id AND e.task_id = t.id AND e.kind = 'failed' \
                 ORDER BY e.seq DESC LIMIT 1) \
         FROM task t JOIN task_spec s ON s.task_id = t.id \
         WHERE {IS_DEAD} AND t.dropped = 0 AND t.parent_id IS NULL AND (?1 IS NULL OR t.run_id = ?1) \
         ORDER BY t.run_id, s.name"
    );
    reader.all(sql, [run.map(|run| run.0)], |row| {
        Ok(DeadLetter {
            id: TaskId(row.get(0)?),
            run: RunId(row.get(1)?),
            task: row.get(2)?,
            at: Time(row.get(3)?),
            attempts: row.get(4)?,
            crashes: row.get(5)?,
            fault: match json(row, 6)? {
                Some(Fact::Failed { fault }) => Some(fault),
                Some(_) | None => None,
            },
        })
    })
}

/// What a task depends on, by name: the tasks, their full names, and whether they were accepted.
///
/// # Errors
/// The store can't be read.
pub fn dependencies(reader: &Reader, task: TaskId) -> Reading<Vec<(TaskId, String, bool)>> {
    let sql = "SELECT d.parent_id, s.name, d.met FROM dep d JOIN task_spec s ON s.task_id = d.parent_id \
               WHERE d.child_id = ?1 ORDER BY s.name";
    reader.all(sql, [task.0], |row| Ok((TaskId(row.get(0)?), row.get(1)?, row.get(2)?)))
}

/// How long each task was ready before its first attempt started, in milliseconds.
///
/// # Errors
/// The store can't be read.
pub fn waits(reader: &Reader) -> Reading<Vec<f64>> {
    let sql = "SELECT CAST(min(a.started_at) - t.created_at AS REAL) FROM attempt a JOIN task t ON t.id = a.task_id GROUP BY t.id";
    reader.all(sql, [], |row| row.get(0))
}

/// How many attempts are under way.
///
/// # Errors
/// The store can't be read.
pub fn attempts_open(reader: &Reader) -> Reading<u64> {
    let sql = formatcp!("SELECT count(*) FROM task WHERE {IS_LIVE} AND state = {RUNNING}");
    reader.one(sql, [], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
}
