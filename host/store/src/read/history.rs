//! The record: events, attempts, decisions, dead letters.

use baton_core::clock::Time;
use baton_core::event::Event;
use baton_core::id::{DecisionId, Epoch, RunId, TaskId};
use baton_core::outcome::Report;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::super::batch::{self, EVENT_COLUMNS};
use super::broken;

/// Events after `after`, oldest first, at most `limit`.
///
/// # Errors
/// The store can't be read.
pub fn events(
    conn: &Connection,
    run: Option<RunId>,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Event>> {
    let columns = format!("SELECT {EVENT_COLUMNS} FROM event");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match run {
        Some(run) => conn
            .prepare_cached(&format!("{columns} WHERE run_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"))?
            .query_map(params![run.0, after, limit], batch::event)?
            .collect(),
        None => conn
            .prepare_cached(&format!("{columns} WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?
            .query_map(params![after, limit], batch::event)?
            .collect(),
    }
}

/// Events of one task, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn events_of(conn: &Connection, run: RunId, task: TaskId) -> rusqlite::Result<Vec<Event>> {
    conn.prepare_cached(&format!(
        "SELECT {EVENT_COLUMNS} FROM event WHERE run_id = ?1 AND task_id = ?2 ORDER BY seq"
    ))?
    .query_map(params![run.0, task.0], batch::event)?
    .collect()
}

/// Events of the host of one kind, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn of_kind(conn: &Connection, kind: &str) -> rusqlite::Result<Vec<Event>> {
    conn.prepare_cached(&format!(
        "SELECT {EVENT_COLUMNS} FROM event WHERE run_id = 0 AND kind = ?1 ORDER BY seq"
    ))?
    .query_map([kind], batch::event)?
    .collect()
}

/// The newest event's number; 0 before the first.
///
/// # Errors
/// The store can't be read.
pub fn last_seq(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))
}

/// When the newest event was recorded.
///
/// # Errors
/// The store can't be read.
pub fn newest(conn: &Connection) -> rusqlite::Result<Option<Time>> {
    let newest = "SELECT at FROM event ORDER BY seq DESC LIMIT 1";
    conn.query_row(newest, [], |row| Ok(Time(row.get(0)?))).optional()
}

/// The number of the last event before this moment; 0 if there is none.
///
/// # Errors
/// The store can't be read.
pub fn seq_before(conn: &Connection, at: Time) -> rusqlite::Result<i64> {
    let (mut low, mut high) = (0, last_seq(conn)?);
    let mut select = conn.prepare_cached("SELECT at FROM event WHERE seq = ?1")?;
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    pub epoch: Epoch,
    pub agent: Option<String>,
    pub started: Time,
    pub ended: Option<Time>,
    pub ending: Option<String>,
    pub decision: Option<DecisionId>,
    pub report: Report,
}

/// # Errors
/// The store can't be read.
pub fn attempts(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<Attempt>> {
    let mut select = conn.prepare_cached(
        "SELECT a.epoch, g.name, a.started_at, a.ended_at, a.ending, a.decision_id, a.report \
         FROM attempt a LEFT JOIN agent g ON g.id = a.agent_id WHERE a.task_id = ?1 ORDER BY a.epoch",
    )?;
    let mut rows = select.query([task.0])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let report: Option<Vec<u8>> = row.get(6)?;
        attempts.push(Attempt {
            epoch: Epoch(row.get(0)?),
            agent: row.get(1)?,
            started: Time(row.get(2)?),
            ended: row.get::<_, Option<i64>>(3)?.map(Time),
            ending: row.get(4)?,
            decision: row.get::<_, Option<i64>>(5)?.map(DecisionId),
            report: report
                .map(|json| serde_json::from_slice(&json))
                .transpose()
                .map_err(broken)?
                .unwrap_or_default(),
        });
    }
    Ok(attempts)
}

/// A recorded decision: its input and answer are JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decided {
    pub id: DecisionId,
    pub at: Time,
    pub router: String,
    pub digest: String,
    pub fuel: u64,
    pub input: String,
    pub answer: String,
}

/// # Errors
/// The store can't be read.
pub fn decision(conn: &Connection, id: DecisionId) -> rusqlite::Result<Option<Decided>> {
    conn.prepare_cached("SELECT at, router, digest, fuel, input, answer FROM decision WHERE id = ?1")?
        .query_row([id.0], |row| {
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
        .optional()
}

/// A task that was given up and neither redriven nor dropped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadLetter {
    #[serde(skip)]
    pub id: TaskId,
    pub run: RunId,
    pub task: String,
    pub at: Time,
    pub attempts: u32,
    pub crashes: u32,
    pub fault: Option<baton_core::fault::Fault>,
}

/// # Errors
/// The store can't be read.
pub fn dead(conn: &Connection, run: Option<RunId>) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut select = conn.prepare_cached(
        "SELECT t.id, t.run_id, b.name, t.at, t.attempts, t.crashes, \
                (SELECT e.fact FROM event e WHERE e.run_id = t.run_id AND e.task_id = t.id AND e.kind = 'failed' ORDER BY e.seq DESC LIMIT 1) \
         FROM task t JOIN body b ON b.task_id = t.id \
         WHERE t.state = 6 AND t.dropped = 0 AND t.parent_id IS NULL AND (?1 IS NULL OR t.run_id = ?1) ORDER BY t.run_id, b.name",
    )?;
    let mut rows = select.query([run.map(|run| run.0)])?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        let fact: Option<Vec<u8>> = row.get(6)?;
        let fact: Option<baton_core::event::Fact> =
            fact.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?;
        letters.push(DeadLetter {
            id: TaskId(row.get(0)?),
            run: RunId(row.get(1)?),
            task: row.get(2)?,
            at: Time(row.get(3)?),
            attempts: row.get(4)?,
            crashes: row.get(5)?,
            fault: match fact {
                Some(baton_core::event::Fact::Failed { fault }) => Some(fault),
                Some(_) | None => None,
            },
        });
    }
    Ok(letters)
}

/// What a task depends on and where each stands.
///
/// # Errors
/// The store can't be read.
pub fn dependencies(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<(TaskId, String, bool)>> {
    let mut select = conn.prepare_cached(
        "SELECT d.parent_id, b.name, d.met FROM dep d JOIN body b ON b.task_id = d.parent_id WHERE d.child_id = ?1 ORDER BY b.name",
    )?;
    select.query_map([task.0], |row| Ok((TaskId(row.get(0)?), row.get(1)?, row.get(2)?)))?.collect()
}

/// How long each task was ready before its first attempt started, in milliseconds.
///
/// # Errors
/// The store can't be read.
pub fn waits(conn: &Connection) -> rusqlite::Result<Vec<f64>> {
    let sql = "SELECT CAST(min(a.started_at) - t.created_at AS REAL) FROM attempt a JOIN task t ON t.id = a.task_id GROUP BY t.id";
    conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Attempts that are under way.
///
/// # Errors
/// The store can't be read.
pub fn attempts_open(conn: &Connection) -> rusqlite::Result<u64> {
    conn.query_row("SELECT count(*) FROM task WHERE state = 2", [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
