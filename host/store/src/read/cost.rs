//! What was spent: every attempt that has a bill.

use baton_core::budget::{Amount, Bill};
use baton_core::clock::Time;
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::broken;

/// One attempt's bill, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub run: RunId,
    pub task: TaskId,
    pub task_name: String,
    pub epoch: Epoch,
    pub agent: AgentId,
    pub agent_name: String,
    pub started: Time,
    pub bill: Bill,
}

/// Every bill, in the order in which attempts started.
///
/// # Errors
/// The store can't be read.
pub fn items(conn: &Connection) -> rusqlite::Result<Vec<Item>> {
    let mut select = conn.prepare(
        "SELECT t.run_id, a.task_id, b.name, a.epoch, a.agent_id, coalesce(g.name, ''), a.started_at, a.bill
         FROM attempt a JOIN task t ON t.id = a.task_id JOIN body b ON b.task_id = t.id LEFT JOIN agent g ON g.id = a.agent_id
         WHERE a.bill IS NOT NULL ORDER BY a.started_at, a.task_id, a.epoch",
    )?;
    select.query_map([], item)?.collect()
}

/// What the attempts of a run have spent.
///
/// # Errors
/// The store can't be read.
pub fn of_run(conn: &Connection, run: RunId) -> rusqlite::Result<Amount> {
    let mut select = conn.prepare_cached(
        "SELECT a.bill FROM body b JOIN attempt a ON a.task_id = b.task_id \
         WHERE b.run_id = ?1 AND a.bill IS NOT NULL",
    )?;
    sum(select.query([run.0])?)
}

/// What the attempts of a task and of all below it have spent.
///
/// # Errors
/// The store can't be read.
pub fn of_family(conn: &Connection, task: TaskId) -> rusqlite::Result<Amount> {
    let mut select = conn.prepare_cached(
        "WITH RECURSIVE down (id) AS ( \
           SELECT ?1 UNION SELECT t.id FROM task t JOIN down ON t.parent_id = down.id) \
         SELECT a.bill FROM down JOIN attempt a ON a.task_id = down.id WHERE a.bill IS NOT NULL",
    )?;
    sum(select.query([task.0])?)
}

/// What was spent by attempts that started since then: by whom, and when.
///
/// # Errors
/// The store can't be read.
pub fn since(conn: &Connection, at: Time) -> rusqlite::Result<Vec<(AgentId, Time, Amount)>> {
    let mut select = conn.prepare_cached(
        "SELECT agent_id, started_at, bill FROM attempt \
         WHERE bill IS NOT NULL AND started_at >= ?1 ORDER BY started_at",
    )?;
    let rows = select.query_map([at.0], |row| {
        let agent = AgentId(row.get::<_, Option<i64>>(0)?.unwrap_or_default());
        Ok((agent, Time(row.get(1)?), amount(&row.get::<_, String>(2)?)?))
    })?;
    rows.collect()
}

fn amount(bill: &str) -> rusqlite::Result<Amount> {
    let bill: Bill = serde_json::from_str(bill).map_err(broken)?;
    Ok(bill.amount())
}

fn sum(mut bills: rusqlite::Rows<'_>) -> rusqlite::Result<Amount> {
    let mut all = Amount::default();
    while let Some(row) = bills.next()? {
        all = all.plus(amount(&row.get::<_, String>(0)?)?);
    }
    Ok(all)
}

/// A task and all above it.
///
/// # Errors
/// The store can't be read.
pub fn lineage(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<TaskId>> {
    let mut select = conn.prepare_cached(
        "WITH RECURSIVE up (id) AS (
             SELECT ?1 UNION SELECT t.parent_id FROM task t JOIN up ON t.id = up.id WHERE t.parent_id IS NOT NULL
         ) SELECT id FROM up",
    )?;
    select.query_map([task.0], |row| Ok(TaskId(row.get(0)?)))?.collect()
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let bill: String = row.get(7)?;
    Ok(Item {
        run: RunId(row.get(0)?),
        task: TaskId(row.get(1)?),
        task_name: row.get(2)?,
        epoch: Epoch(row.get(3)?),
        agent: AgentId(row.get::<_, Option<i64>>(4)?.unwrap_or_default()),
        agent_name: row.get(5)?,
        started: Time(row.get(6)?),
        bill: serde_json::from_str(&bill).map_err(broken)?,
    })
}
