//! What agents remember between attempts.

use rusqlite::params;

use super::Applying;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::id::{Epoch, TaskId};
use baton_core::op::Reply;
use baton_core::task::State;
use baton_core::task::transition::Refused;

/// Keys of one agent.
const KEYS: i64 = 1_000;

/// Only the attempt that holds the task may write.
pub(super) fn remember(
    batch: &mut Batch<'_>,
    task: TaskId,
    epoch: Epoch,
    agent: &str,
    key: &str,
    value: Option<&str>,
) -> Applying {
    let task = batch.task(task)?;
    if task.epoch != epoch {
        return Err(Refused::Stale { held: epoch, current: task.epoch }.into());
    }
    if !matches!(task.state, State::Running { .. }) {
        return Err(Refused::WrongState { is: task.state.name() }.into());
    }
    let Some(value) = value else {
        if batch.conn.execute("DELETE FROM memory WHERE agent = ?1 AND key = ?2", [agent, key])? > 0 {
            batch.seal_gone(None, Section::Memory, &[&agent, &key])?;
        }
        return Ok(Reply::Done);
    };
    let others: i64 = batch.conn.query_row(
        "SELECT count(*) FROM memory WHERE agent = ?1 AND key <> ?2",
        [agent, key],
        |row| row.get(0),
    )?;
    if others >= KEYS {
        return Err(ApplyError::invalid(format!("agent {agent} remembers {KEYS} things already")));
    }
    batch.conn.execute(
        "INSERT INTO memory (agent, key, value, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, at = excluded.at",
        params![agent, key, value, batch.now.0],
    )?;
    // An agent's own, whatever run it works for.
    let now = batch.now.0;
    batch.seal(None, Section::Memory, &[&agent, &key], &[&value, &now])?;
    Ok(Reply::Done)
}
