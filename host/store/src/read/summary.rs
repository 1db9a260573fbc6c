//! Sums and lists for people: everything here is an aggregate that SQL computes from rows.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::task::StateName;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::state_word;

/// How many top-level tasks of a run are in which state.
///
/// # Errors
/// The store can't be read.
pub fn counts(conn: &Connection, run: RunId) -> rusqlite::Result<BTreeMap<StateName, u64>> {
    let mut select =
        conn.prepare_cached("SELECT state, count(*) FROM task WHERE run_id = ?1 AND parent_id IS NULL AND removed = 0 GROUP BY state")?;
    select
        .query_map([run.0], |row| Ok((state_word(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs())))?
        .collect()
}

/// A line of `baton status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    #[serde(skip)]
    pub id: TaskId,
    pub task: String,
    pub state: StateName,
    pub held: bool,
    pub attempts: u32,
    pub epoch: Epoch,
    /// Since when, until when, or when it ended, as the state has it.
    pub at: Time,
    /// The agent of the latest attempt.
    pub agent: Option<String>,
    pub started: Option<Time>,
    /// How the latest attempt ended.
    pub ending: Option<String>,
}

/// The tasks of a run in order of their creation, children after their parents' siblings.
///
/// # Errors
/// The store can't be read.
pub fn lines(conn: &Connection, run: RunId) -> rusqlite::Result<Vec<Line>> {
    let mut select = conn.prepare_cached(
        "SELECT t.id, b.name, t.state, t.held, t.attempts, t.epoch, t.at, g.name, a.started_at, a.ending \
         FROM task t JOIN body b ON b.task_id = t.id \
         LEFT JOIN attempt a ON a.task_id = t.id AND a.epoch = (SELECT max(epoch) FROM attempt WHERE task_id = t.id) \
         LEFT JOIN agent g ON g.id = a.agent_id \
         WHERE t.run_id = ?1 AND t.removed = 0 ORDER BY b.name",
    )?;
    let rows = select.query_map([run.0], |row| {
        Ok(Line {
            id: TaskId(row.get(0)?),
            task: row.get(1)?,
            state: state_word(row.get(2)?),
            held: row.get(3)?,
            attempts: row.get(4)?,
            epoch: Epoch(row.get(5)?),
            at: Time(row.get(6)?),
            agent: row.get(7)?,
            started: row.get::<_, Option<i64>>(8)?.map(Time),
            ending: row.get(9)?,
        })
    })?;
    rows.collect()
}

/// The numbers of a run's report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    pub tasks: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub skipped: u64,
    pub unfinished: u64,
    pub attempts: u64,
    pub retries: u64,
    /// From the run's start to its end, or to its latest event.
    pub elapsed_ms: u64,
    /// How long agents worked, all attempts together: what one agent would have needed.
    pub busy_ms: u64,
    /// Of the plan's accepted tasks that worked in a tree, how many left every file as it was.
    pub unchanged: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of the attempts whose cost is known.
    pub cost_micros: u64,
    pub events: u64,
    pub decisions: u64,
    /// Tasks that were handed only a part of the outputs before them.
    pub cut_handoffs: u64,
}

/// # Errors
/// The store can't be read.
pub fn totals(conn: &Connection, run: RunId) -> rusqlite::Result<Totals> {
    let number = |sql: &str| -> rusqlite::Result<u64> {
        conn.prepare_cached(sql)?
            .query_row([run.0], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or(0).unsigned_abs()))
    };
    let top = |states: &str| {
        number(&format!(
            "SELECT count(*) FROM task WHERE run_id = ?1 AND parent_id IS NULL AND removed = 0 AND state {states}"
        ))
    };
    let attempts = |what: &str, filter: &str| {
        number(&format!(
            "SELECT {what} FROM attempt a JOIN task t ON t.id = a.task_id WHERE t.run_id = ?1 {filter}"
        ))
    };
    let usage = |key: &str| attempts(&format!("sum(json_extract(a.bill, '$.usage.{key}'))"), "");
    Ok(Totals {
        tasks: top(">= 0")?,
        succeeded: top("= 5")?,
        failed: top("= 6")?,
        cancelled: top("= 7")?,
        skipped: top("= 8")?,
        unfinished: top("< 5")?,
        attempts: attempts("count(*)", "AND a.agent_id IS NOT NULL")?,
        retries: number("SELECT count(*) FROM event WHERE run_id = ?1 AND kind = 'retrying'")?,
        elapsed_ms: number(
            "SELECT coalesce(settled_at, (SELECT max(at) FROM event WHERE run_id = ?1)) - created_at FROM run WHERE id = ?1",
        )?,
        busy_ms: attempts(&format!("sum({WORKED})"), "AND a.agent_id IS NOT NULL")?,
        unchanged: attempts(
            "count(*)",
            "AND a.ending = 'accepted' AND t.parent_id IS NULL \
             AND json_extract(CAST(a.report AS TEXT), '$.outcome.attrs.\"workspace.changed\"') = '[]'",
        )?,
        input_tokens: usage("input_tokens")?,
        output_tokens: usage("output_tokens")?,
        cost_micros: attempts(
            "CAST(round(1000000 * sum(json_extract(a.bill, '$.cost'))) AS INTEGER)",
            "AND json_extract(a.bill, '$.basis') IN ('reported', 'priced')",
        )?,
        events: number("SELECT count(*) FROM event WHERE run_id = ?1")?,
        decisions: number("SELECT count(*) FROM decision WHERE run_id = ?1")?,
        // Only parts of composite tasks are handed anything.
        cut_handoffs: number(
            "SELECT count(*) FROM task t JOIN body b ON b.task_id = t.id WHERE t.run_id = ?1 AND t.parent_id IS NOT NULL \
             AND EXISTS (SELECT 1 FROM json_each(CAST(b.spec AS TEXT), '$.metadata') WHERE key LIKE 'handoff.%')",
        )?,
    })
}

/// How long the agent of an attempt worked, without what its validators took: null while it works.
const WORKED: &str = "coalesce(a.claimed_at, a.ended_at) - a.started_at";

/// What one agent did in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    pub agent: String,
    pub attempts: u64,
    pub accepted: u64,
    pub failed: u64,
    pub busy_ms: u64,
}

/// # Errors
/// The store can't be read.
pub fn shares(conn: &Connection, run: RunId) -> rusqlite::Result<Vec<Share>> {
    let mut select = conn.prepare_cached(&format!(
        "SELECT g.name, count(*), sum(a.ending = 'accepted'), \
                sum(a.ended_at IS NOT NULL \
                    AND a.ending NOT IN ('accepted', 'claimed', 'released', 'cancelled', 'asked')), \
                coalesce(sum({WORKED}), 0) \
         FROM attempt a JOIN task t ON t.id = a.task_id JOIN agent g ON g.id = a.agent_id \
         WHERE t.run_id = ?1 GROUP BY g.id ORDER BY g.name",
    ))?;
    let unsigned = |row: &rusqlite::Row<'_>, column| -> rusqlite::Result<u64> {
        Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(0).unsigned_abs())
    };
    let rows = select.query_map(params![run.0], |row| {
        Ok(Share {
            agent: row.get(0)?,
            attempts: unsigned(row, 1)?,
            accepted: unsigned(row, 2)?,
            failed: unsigned(row, 3)?,
            busy_ms: unsigned(row, 4)?,
        })
    })?;
    rows.collect()
}
