//! What was spent: every attempt that has a bill.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::{present, text_json};
use crate::error::Reading;
use crate::reader::Reader;
use baton_core::budget::{Amount, Bill};
use baton_core::clock::Time;
use baton_core::id::{AgentId, Epoch, RunId, TaskId};

/// One attempt's bill, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The run that the task belongs to.
    pub run: RunId,
    /// The task that was worked on.
    pub task: TaskId,
    /// Its full name.
    pub task_name: String,
    /// Which try of the task it was.
    pub epoch: Epoch,
    /// The agent; 0 = none.
    pub agent: AgentId,
    /// Empty where the agent is not known any more.
    pub agent_name: String,
    /// When the attempt started.
    pub started: Time,
    /// What it used and cost.
    pub bill: Bill,
}

/// Every bill, in the order in which attempts started.
///
/// # Errors
/// The store can't be read.
pub fn items(reader: &Reader) -> Reading<Vec<Item>> {
    reader.all(
        "SELECT t.run_id, a.task_id, s.name, a.epoch, a.agent_id, coalesce(g.name, ''), a.started_at, a.bill \
         FROM attempt a JOIN task t ON t.id = a.task_id JOIN task_spec s ON s.task_id = t.id \
         LEFT JOIN agent g ON g.id = a.agent_id \
         WHERE a.bill IS NOT NULL ORDER BY a.started_at, a.task_id, a.epoch",
        [],
        item,
    )
}

/// What was spent by attempts that started at this moment or later: by whom, when, and how much.
///
/// # Errors
/// The store can't be read.
pub fn since(reader: &Reader, at: Time) -> Reading<Vec<(AgentId, Time, Amount)>> {
    let sql = "SELECT agent_id, started_at, bill FROM attempt \
               WHERE bill IS NOT NULL AND started_at >= ?1 ORDER BY started_at";
    reader.all(sql, [at.0], |row| {
        let agent = AgentId(row.get::<_, Option<i64>>(0)?.unwrap_or_default());
        Ok((agent, Time(row.get(1)?), amount(row, 2)?))
    })
}

/// What the attempts of a run have spent.
///
/// # Errors
/// The store can't be read.
pub fn of_run(reader: &Reader, run: RunId) -> Reading<Amount> {
    let sql = "SELECT a.bill FROM task_spec s JOIN attempt a ON a.task_id = s.task_id \
               WHERE s.run_id = ?1 AND a.bill IS NOT NULL";
    Ok(sum(reader.all(sql, [run.0], |row| amount(row, 0))?))
}

/// What the attempts of a task and of all below it have spent.
///
/// # Errors
/// The store can't be read.
pub fn of_family(reader: &Reader, task: TaskId) -> Reading<Amount> {
    let sql = "WITH RECURSIVE down (id) AS ( \
                 SELECT ?1 UNION SELECT t.id FROM task t JOIN down ON t.parent_id = down.id) \
               SELECT a.bill FROM down JOIN attempt a ON a.task_id = down.id WHERE a.bill IS NOT NULL";
    Ok(sum(reader.all(sql, [task.0], |row| amount(row, 0))?))
}

fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<Amount> {
    let bill: Bill = present(text_json(row, column)?, column)?;
    Ok(bill.amount())
}

fn sum(amounts: Vec<Amount>) -> Amount {
    amounts.into_iter().fold(Amount::default(), Amount::plus)
}

fn parent_of(reader: &Reader, task: TaskId) -> Reading<Option<TaskId>> {
    let sql = "SELECT parent_id FROM task WHERE id = ?1";
    Ok(reader.first(sql, [task.0], |row| row.get::<_, Option<i64>>(0))?.flatten().map(TaskId))
}

/// A task and all above it.
///
/// # Errors
/// The store can't be read.
pub fn lineage(reader: &Reader, task: TaskId) -> Reading<Vec<TaskId>> {
    let mut found = vec![task];
    let mut at = task;
    while let Some(parent) = parent_of(reader, at)? {
        found.push(parent);
        at = parent;
    }
    Ok(found)
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        run: RunId(row.get(0)?),
        task: TaskId(row.get(1)?),
        task_name: row.get(2)?,
        epoch: Epoch(row.get(3)?),
        agent: AgentId(row.get::<_, Option<i64>>(4)?.unwrap_or_default()),
        agent_name: row.get(5)?,
        started: Time(row.get(6)?),
        bill: present(text_json(row, 7)?, 7)?,
    })
}
