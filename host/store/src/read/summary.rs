//! Sums and lists for people: everything here is an aggregate that SQL computes from rows.

use std::collections::BTreeMap;

use const_format::formatcp;
use rusqlite::Row;
use schemars::JsonSchema;
use serde::Serialize;

use crate::codec;
use crate::codec::ending::{ACCEPTED, ASKED, CANCELLED, CLAIMED, RELEASED};
use crate::error::Reading;
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::task::StateName;

/// How many top-level tasks of a run are in which state.
///
/// # Errors
/// The store can't be read.
pub fn counts(reader: &Reader, run: RunId) -> Reading<BTreeMap<StateName, u64>> {
    let sql = "SELECT t.state, count(*) FROM task_spec s JOIN task t ON t.id = s.task_id \
               WHERE s.run_id = ?1 AND t.parent_id IS NULL AND t.removed = 0 GROUP BY t.state";
    let counts = reader
        .all(sql, [run.0], |row| Ok((codec::state_at(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(counts.into_iter().collect())
}

/// A line of `baton status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// Its number.
    #[serde(skip)]
    pub id: TaskId,
    /// Its full name.
    pub task: String,
    /// Where it stands.
    pub state: StateName,
    /// Whether it is not started for now.
    pub held: bool,
    /// How many were charged.
    pub attempts: u32,
    /// Its present try.
    pub epoch: Epoch,
    /// Since when, until when, or when it ended, as the state has it.
    pub at: Time,
    /// The agent of the latest attempt.
    pub agent: Option<String>,
    /// When the latest attempt started.
    pub started: Option<Time>,
    /// How the latest attempt ended.
    pub ending: Option<Ending>,
}

/// The tasks of a run in order of their creation, children after their parents' siblings.
///
/// # Errors
/// The store can't be read.
pub fn lines(reader: &Reader, run: RunId) -> Reading<Vec<Line>> {
    let sql = "SELECT t.id, s.name, t.state, t.held, t.attempts, t.epoch, t.at, g.name, a.started_at, a.ending \
               FROM task_spec s JOIN task t ON t.id = s.task_id \
               LEFT JOIN attempt a ON a.task_id = t.id AND a.epoch = (SELECT max(epoch) FROM attempt WHERE task_id = t.id) \
               LEFT JOIN agent g ON g.id = a.agent_id \
               WHERE s.run_id = ?1 AND t.removed = 0 ORDER BY s.name";
    reader.all(sql, [run.0], |row| {
        Ok(Line {
            id: TaskId(row.get(0)?),
            task: row.get(1)?,
            state: codec::state_at(row, 2)?,
            held: row.get(3)?,
            attempts: row.get(4)?,
            epoch: Epoch(row.get(5)?),
            at: Time(row.get(6)?),
            agent: row.get(7)?,
            started: row.get::<_, Option<i64>>(8)?.map(Time),
            ending: codec::ending_at(row, 9)?,
        })
    })
}

/// The numbers of a run's report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Of the plan, without what strategies asked for.
    pub tasks: u64,
    /// Accepted.
    pub succeeded: u64,
    /// Given up.
    pub failed: u64,
    /// Ended by a person.
    pub cancelled: u64,
    /// Will never be, because of what they need.
    pub skipped: u64,
    /// Those that can go on or are blocked.
    pub unfinished: u64,
    /// Made by agents.
    pub attempts: u64,
    /// Failures that were tried again.
    pub retries: u64,
    /// From the run's start to its end, or to its latest event.
    pub elapsed_ms: u64,
    /// How long agents worked, all attempts together: what one agent would have needed.
    pub busy_ms: u64,
    /// Of the plan's accepted tasks that worked in a tree, how many left every file as it was.
    pub unchanged: u64,
    /// As agents or services reported them.
    pub input_tokens: u64,
    /// As agents or services reported them.
    pub output_tokens: u64,
    /// Of the attempts whose cost is known.
    pub cost_micros: u64,
    /// Of its record.
    pub events: u64,
    /// Of routers and of the host.
    pub decisions: u64,
    /// Tasks that were handed only a part of the outputs before them.
    pub cut_handoffs: u64,
}

/// The numbers of a run's report.
///
/// # Errors
/// The store can't be read.
pub fn totals(reader: &Reader, run: RunId) -> Reading<Totals> {
    let number = |sql: &str| -> Reading<u64> {
        reader.one(sql, [run.0], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or(0).unsigned_abs()))
    };
    let attempts = |what: &str, filter: &str| number(&format!("SELECT {what} FROM {ATTEMPTS} {filter}"));
    let usage = |key: &str| attempts(&format!("sum(json_extract(a.bill, '$.usage.{key}'))"), "");
    let counts = counts(reader, run)?;
    let of = |state: StateName| counts.get(&state).copied().unwrap_or(0);
    Ok(Totals {
        tasks: counts.values().sum(),
        succeeded: of(StateName::Succeeded),
        failed: of(StateName::Failed),
        cancelled: of(StateName::Cancelled),
        skipped: of(StateName::Skipped),
        unfinished: counts.iter().filter(|(state, _)| !state.is_terminal()).map(|(_, count)| count).sum(),
        attempts: attempts("count(*)", "AND a.agent_id IS NOT NULL")?,
        retries: number("SELECT count(*) FROM event WHERE run_id = ?1 AND kind = 'retrying'")?,
        elapsed_ms: number(
            "SELECT coalesce(settled_at, (SELECT max(at) FROM event WHERE run_id = ?1)) - created_at FROM run WHERE id = ?1",
        )?,
        busy_ms: attempts(&format!("sum({WORKED})"), "AND a.agent_id IS NOT NULL")?,
        unchanged: attempts(
            "count(*)",
            formatcp!(
                "AND a.ending = '{ACCEPTED}' AND t.parent_id IS NULL \
                 AND json_extract(CAST(a.report AS TEXT), '$.outcome.attrs.\"workspace.changed\"') = '[]'"
            ),
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
            "SELECT count(*) FROM task_spec s JOIN task t ON t.id = s.task_id WHERE s.run_id = ?1 AND t.parent_id IS NOT NULL \
             AND EXISTS (SELECT 1 FROM json_each(CAST(s.spec AS TEXT), '$.metadata') WHERE key LIKE 'handoff.%')",
        )?,
    })
}

/// The attempts of a run, by the index of its tasks.
const ATTEMPTS: &str =
    "task_spec s JOIN task t ON t.id = s.task_id JOIN attempt a ON a.task_id = t.id WHERE s.run_id = ?1";

/// How long the agent of an attempt worked, without what its validators took: null while it works.
const WORKED: &str = "coalesce(a.claimed_at, a.ended_at) - a.started_at";

/// What one agent did in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Its name.
    pub agent: String,
    /// How many it made.
    pub attempts: u64,
    /// Of them, accepted.
    pub accepted: u64,
    /// Of them, failed or refused.
    pub failed: u64,
    /// How long it worked, all attempts together.
    pub busy_ms: u64,
}

/// What each agent did in a run, by name.
///
/// # Errors
/// The store can't be read.
pub fn shares(reader: &Reader, run: RunId) -> Reading<Vec<Share>> {
    let sql = formatcp!(
        "SELECT g.name, count(*), sum(a.ending = '{ACCEPTED}'), \
                sum(a.ended_at IS NOT NULL \
                    AND a.ending NOT IN ('{ACCEPTED}', '{CLAIMED}', '{RELEASED}', '{CANCELLED}', '{ASKED}')), \
                coalesce(sum({WORKED}), 0) \
         FROM task_spec s JOIN attempt a ON a.task_id = s.task_id JOIN agent g ON g.id = a.agent_id \
         WHERE s.run_id = ?1 GROUP BY g.id ORDER BY g.name"
    );
    let unsigned = |row: &Row<'_>, column| -> rusqlite::Result<u64> {
        Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(0).unsigned_abs())
    };
    reader.all(sql, [run.0], |row| {
        Ok(Share {
            agent: row.get(0)?,
            attempts: unsigned(row, 1)?,
            accepted: unsigned(row, 2)?,
            failed: unsigned(row, 3)?,
            busy_ms: unsigned(row, 4)?,
        })
    })
}
