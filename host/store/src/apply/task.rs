//! Operations on single tasks, and what the end of a task means for others.

use const_format::formatcp;
use rusqlite::{ToSql, params};

use super::Applying;
use super::run::reopen;
use crate::batch::Batch;
use crate::codec::{self, BLOCKED, IS_LIVE, SKIPPED};
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::fault::Fault;
use baton_core::id::TaskId;
use baton_core::op::Reply;
use baton_core::task::transition::TaskCommand;
use baton_core::task::{Need, State, Task, WaitingOn};

pub(super) fn due(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    batch.step(id, TaskCommand::Due)?;
    Ok(Reply::Done)
}

pub(super) fn wake(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    batch.step(id, TaskCommand::Wake)?;
    Ok(Reply::Done)
}

pub(super) fn defer(batch: &mut Batch<'_>, id: TaskId, until: Time) -> Applying {
    batch.step(id, TaskCommand::Defer { until })?;
    Ok(Reply::Done)
}

pub(super) fn reject(batch: &mut Batch<'_>, id: TaskId, fault: Fault) -> Applying {
    let task = batch.step(id, TaskCommand::Reject { fault })?;
    ended(batch, &task)?;
    Ok(Reply::Done)
}

/// A task that is paused stays so.
pub(super) fn hold(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    let task = batch.task(id)?;
    if !task.held || task.state.is_terminal() {
        batch.step_on(task, TaskCommand::Hold)?;
    }
    Ok(Reply::Done)
}

/// A task that is not paused goes on as it does.
pub(super) fn unhold(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    let task = batch.task(id)?;
    if task.held || task.state.is_terminal() {
        batch.step_on(task, TaskCommand::Unhold)?;
    }
    Ok(Reply::Done)
}

pub(super) fn cancel(batch: &mut Batch<'_>, id: TaskId, why: String) -> Applying {
    let task = batch.step(id, TaskCommand::Cancel { why: why.clone() })?;
    ended(batch, &task)?;
    Ok(Reply::Done)
}

/// Runs a task again, and with it what was skipped because of it.
pub(super) fn redrive(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    let mut todo = vec![id];
    while let Some(at) = todo.pop() {
        if at == id || matches!(batch.task(at)?.state, State::Skipped { .. }) {
            redrive_one(batch, at)?;
            todo.extend(skipped_because_of(batch, at)?);
        }
    }
    Ok(Reply::Done)
}

fn redrive_one(batch: &mut Batch<'_>, id: TaskId) -> Result<(), ApplyError> {
    let task = batch.task(id)?;
    if let Some(parent) = task.parent {
        let above = batch.task(parent.id)?;
        let waits = matches!(above.state, State::Waiting { stage, .. } if stage.role() == Some(parent.role));
        if above.epoch != parent.epoch || !waits {
            return Err(ApplyError::invalid("the try of its parent is over: retry the parent"));
        }
    }
    let mut task = batch.step_on(task, TaskCommand::Redrive)?;
    batch.conn.execute("UPDATE task SET dropped = 0 WHERE id = ?1", [id.0])?;
    if let Some(parent) = task.parent {
        let mut count = batch.conn.prepare_cached(
            "UPDATE task SET children_ended = children_ended - 1 WHERE id = ?1 AND epoch = ?2",
        )?;
        count.execute(params![parent.id.0, parent.epoch.0])?;
    }
    if deps_left(batch, id)? == 0 {
        task = batch.step_on(task, TaskCommand::Unblock)?;
    }
    reopen(batch, task.run)
}

pub(super) fn drop(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    batch.step(id, TaskCommand::Drop)?;
    batch.conn.execute("UPDATE task SET dropped = 1 WHERE id = ?1", [id.0])?;
    skip_dependents(batch, id)?;
    Ok(Reply::Done)
}

fn deps_left(batch: &Batch<'_>, id: TaskId) -> rusqlite::Result<u32> {
    let mut select = batch.conn.prepare_cached("SELECT deps_left FROM task WHERE id = ?1")?;
    select.query_row([id.0], |row| row.get(0))
}

fn children_of(batch: &Batch<'_>, sql: &str, id: TaskId) -> rusqlite::Result<Vec<TaskId>> {
    let mut select = batch.conn.prepare_cached(sql)?;
    let ids = select.query_map([id.0], |row| Ok(TaskId(row.get(0)?)))?;
    ids.collect()
}

fn skipped_because_of(batch: &Batch<'_>, id: TaskId) -> rusqlite::Result<Vec<TaskId>> {
    let sql = formatcp!(
        "SELECT d.child_id FROM dep d JOIN task t ON t.id = d.child_id WHERE d.parent_id = ?1 AND t.state = {SKIPPED}"
    );
    children_of(batch, sql, id)
}

/// Skips what depends on a task that will never succeed, and what depends on that, and so on.
pub(super) fn skip_dependents(batch: &mut Batch<'_>, id: TaskId) -> Result<(), ApplyError> {
    let sql = formatcp!(
        "SELECT d.child_id FROM dep d JOIN task t ON t.id = d.child_id WHERE d.parent_id = ?1 AND t.state = {BLOCKED}"
    );
    let mut doomed = children_of(batch, sql, id)?;
    while let Some(child) = doomed.pop() {
        if !matches!(batch.task(child)?.state, State::Blocked) {
            continue;
        }
        let task = batch.step(child, TaskCommand::Skip { because: id })?;
        tell_parent(batch, &task)?;
        doomed.extend(children_of(batch, sql, child)?);
    }
    Ok(())
}

/// Everything that follows from a task's having moved: dependents become ready, a waiting parent wakes, children of
/// a task that ended early are cancelled.
pub(super) fn ended(batch: &mut Batch<'_>, task: &Task) -> Result<(), ApplyError> {
    match task.state {
        State::Succeeded { .. } => {
            unblock_dependents(batch, task.id)?;
            cancel_children(batch, task)?;
            tell_parent(batch, task)
        }
        State::Failed { .. } | State::Cancelled { .. } | State::Skipped { .. } => {
            close_cancelled(batch, task)?;
            cancel_children(batch, task)?;
            if task.parent.is_some() {
                skip_dependents(batch, task.id)?;
            }
            tell_parent(batch, task)
        }
        State::Backoff { .. } => cancel_children(batch, task),
        State::Blocked | State::Ready { .. } | State::Running { .. } | State::Waiting { .. } => Ok(()),
    }
}

fn unblock_dependents(batch: &mut Batch<'_>, id: TaskId) -> Result<(), ApplyError> {
    let sql = "UPDATE dep SET met = 1 WHERE parent_id = ?1 AND met = 0 RETURNING child_id";
    for child in children_of(batch, sql, id)? {
        let left: u32 = {
            let mut count = batch.conn.prepare_cached(
                "UPDATE task SET deps_left = deps_left - 1 WHERE id = ?1 RETURNING deps_left",
            )?;
            count.query_row([child.0], |row| row.get(0))?
        };
        if left == 0 {
            let waiting = batch.task(child)?;
            if waiting.state == State::Blocked {
                batch.step_on(waiting, TaskCommand::Unblock)?;
            }
        }
    }
    Ok(())
}

/// Counts an ended child and wakes the parent if that was what it waited for.
fn tell_parent(batch: &mut Batch<'_>, task: &Task) -> Result<(), ApplyError> {
    let Some(parent) = task.parent else { return Ok(()) };
    let mut count = batch.conn.prepare_cached(
        "UPDATE task SET children_ended = children_ended + 1 WHERE id = ?1 AND epoch = ?2 AND stage = ?3 \
         RETURNING children_ended",
    )?;
    let stage = codec::stage_number(parent.role.stage());
    let ended = count
        .query_map(params![parent.id.0, parent.epoch.0, stage], |row| row.get::<_, u32>(0))?
        .next()
        .transpose()?;
    std::mem::drop(count);
    let waiting = batch.task(parent.id)?;
    match (ended, waiting.state) {
        (Some(ended), State::Waiting { need: Some(Need { ended: needed, .. }), .. }) if ended >= needed => {
            batch.step_on(waiting, TaskCommand::Wake)?;
        }
        (Some(_) | None, _) => {}
    }
    Ok(())
}

/// Whether a running attempt has been asked to end already.
pub(super) fn is_stopping(task: &Task) -> bool {
    task.cancelling && matches!(task.state, State::Running { .. })
}

/// A composite task that is cancelled while it waits has an attempt that nobody else will close.
fn close_cancelled(batch: &mut Batch<'_>, task: &Task) -> Result<(), ApplyError> {
    if !matches!(task.state, State::Cancelled { .. }) {
        return Ok(());
    }
    let mut close = batch.conn.prepare_cached(
        "UPDATE attempt SET ended_at = ?2, ending = ?3 WHERE task_id = ?1 AND ended_at IS NULL RETURNING epoch, report",
    )?;
    let now = batch.now.0;
    let ending = Ending::Cancelled.as_str();
    let mut closed = close.query(params![task.id.0, now, ending])?;
    while let Some(row) = closed.next()? {
        let (epoch, report): (u32, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        let key: [&dyn ToSql; 2] = [&task.id.0, &epoch];
        batch.seal(Some(task.run), Section::AttemptEnded, &key, &[&now, &ending, &report])?;
    }
    Ok(())
}

/// Children still under way when their parent's try is over.
fn cancel_children(batch: &mut Batch<'_>, task: &Task) -> Result<(), ApplyError> {
    let sql = formatcp!("SELECT id FROM task WHERE parent_id = ?1 AND {IS_LIVE}");
    for child in children_of(batch, sql, task.id)? {
        let now = batch.task(child)?;
        if now.state.is_terminal() || is_stopping(&now) {
            continue;
        }
        let child = batch.step_on(now, TaskCommand::Cancel { why: "its parent ended".into() })?;
        close_cancelled(batch, &child)?;
        cancel_children(batch, &child)?;
    }
    Ok(())
}

/// The stage for which a claimed or delegated task may now have children.
pub(super) fn reset_children(batch: &Batch<'_>, id: TaskId) -> rusqlite::Result<()> {
    let mut reset =
        batch.conn.prepare_cached("UPDATE task SET children = 0, children_ended = 0 WHERE id = ?1")?;
    reset.execute([id.0])?;
    Ok(())
}

/// Whether a consultation may start: only what is ready can wait for the router.
pub(super) fn may_consult(task: &Task, stage: WaitingOn) -> bool {
    stage == WaitingOn::Routing && matches!(task.state, State::Ready { .. })
}
