//! What was spent: every attempt that has a bill.

use std::collections::HashMap;

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::{present, text_json};
use crate::error::Reading;
use crate::reader::Reader;
use baton_core::budget::Bill;
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
    /// Who worked; 0 where nobody did.
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

/// An attempt's bill, with all that caps may count it towards.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// The run that the task belongs to.
    pub run: RunId,
    /// The task, and all above it.
    pub lineage: Vec<TaskId>,
    /// Who worked; 0 where nobody did.
    pub agent: AgentId,
    /// When the attempt started.
    pub started: Time,
    /// What it used and cost.
    pub bill: Bill,
}

/// The bills that a cap can still bind: of attempts that started at this moment or later, and of runs that are not
/// settled. What was spent in runs that are over grows with the store; this does not.
///
/// # Errors
/// The store can't be read.
pub fn binding(reader: &Reader, since: Time) -> Reading<Vec<Spent>> {
    let columns = "t.run_id, a.task_id, a.agent_id, a.started_at, a.bill";
    let sql = format!(
        "SELECT {columns} FROM attempt a JOIN task t ON t.id = a.task_id WHERE a.bill IS NOT NULL AND a.started_at >= ?1 \
         UNION ALL \
         SELECT {columns} FROM run r JOIN task_spec s ON s.run_id = r.id JOIN task t ON t.id = s.task_id \
         JOIN attempt a ON a.task_id = t.id \
         WHERE r.settled_at IS NULL AND a.bill IS NOT NULL AND a.started_at < ?1"
    );
    with_lineage(reader, reader.all(&sql, [since.0], spent)?)
}

/// All bills of a run: what a run that is taken up again had spent before.
///
/// # Errors
/// The store can't be read.
pub fn of_run(reader: &Reader, run: RunId) -> Reading<Vec<Spent>> {
    let sql = "SELECT t.run_id, a.task_id, a.agent_id, a.started_at, a.bill FROM task_spec s \
               JOIN task t ON t.id = s.task_id JOIN attempt a ON a.task_id = t.id \
               WHERE s.run_id = ?1 AND a.bill IS NOT NULL ORDER BY a.started_at, a.task_id, a.epoch";
    with_lineage(reader, reader.all(sql, params![run.0], spent)?)
}

fn spent(row: &Row<'_>) -> rusqlite::Result<Spent> {
    Ok(Spent {
        run: RunId(row.get(0)?),
        lineage: vec![TaskId(row.get(1)?)],
        agent: AgentId(row.get::<_, Option<i64>>(2)?.unwrap_or_default()),
        started: Time(row.get(3)?),
        bill: present(text_json(row, 4)?, 4)?,
    })
}

/// Adds the tasks above each, and asks for the parent of each task once.
fn with_lineage(reader: &Reader, mut bills: Vec<Spent>) -> Reading<Vec<Spent>> {
    let mut parents: HashMap<TaskId, Option<TaskId>> = HashMap::new();
    for bill in &mut bills {
        while let Some(&last) = bill.lineage.last() {
            let parent = match parents.get(&last) {
                Some(parent) => *parent,
                None => {
                    let parent = parent_of(reader, last)?;
                    parents.insert(last, parent);
                    parent
                }
            };
            match parent {
                Some(parent) => bill.lineage.push(parent),
                None => break,
            }
        }
    }
    Ok(bills)
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
