//! Composite tasks and those that wait for evidence: their children.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, params};

use super::Applying;
use super::attempt::open;
use super::run::{Place, insert};
use super::task::{may_consult, reset_children};
use crate::batch::Batch;
use crate::error::ApplyError;
use baton_core::id::{Epoch, TaskId};
use baton_core::op::{Reply, Until};
use baton_core::plan::Workstream;
use baton_core::task::transition::{Refused, TaskCommand};
use baton_core::task::{Need, Parent, State, WaitingOn};

/// The most tasks that may hang below one another: a runaway executor ends here.
const MAX_DEPTH: usize = 8;

pub(super) fn delegate(batch: &mut Batch<'_>, id: TaskId) -> Applying {
    let task = batch.step(id, TaskCommand::Delegate)?;
    reset_children(batch, id)?;
    open(batch, &task, None, None)?;
    Ok(Reply::Done)
}

/// Adds children and makes their parent wait for them; without children it only waits.
pub(super) fn spawn(
    batch: &mut Batch<'_>,
    id: TaskId,
    epoch: Epoch,
    stage: WaitingOn,
    children: Vec<Workstream>,
    until: Until,
) -> Applying {
    let task = batch.task(id)?;
    if task.epoch != epoch {
        return Err(Refused::Stale { held: epoch, current: task.epoch }.into());
    }
    let waits = matches!(task.state, State::Waiting { stage: at, need: None, .. } if at == stage);
    if !waits && !may_consult(&task, stage) {
        return Err(Refused::WrongState { is: task.state.name() }.into());
    }
    if depth(batch, id)? >= MAX_DEPTH {
        return Err(ApplyError::invalid(format!("tasks may be nested {MAX_DEPTH} deep and no deeper")));
    }
    if may_consult(&task, stage) {
        reset_children(batch, id)?;
    }
    let (children_now, ended) = count(batch, id, children.len())?;
    let (needed, at) = match until {
        Until::Any => (ended + 1, None),
        Until::All => (children_now, None),
        Until::AtLeast(number) => (number, None),
        Until::Time(at) => (children_now, Some(at)),
    };
    let need = Need { ended: needed.min(children_now), until: at };
    let role = stage.role().ok_or_else(|| ApplyError::invalid("a person has no children"))?;
    let parent = Parent { id, epoch, role };
    add(batch, &task, parent, children)?;
    let task = batch.step(id, TaskCommand::Await { epoch, stage, need })?;
    if ended >= need.ended && (at.is_none() || ended >= children_now) {
        batch.step_on(task, TaskCommand::Wake)?;
    }
    Ok(Reply::Done)
}

fn count(batch: &Batch<'_>, id: TaskId, more: usize) -> Result<(u32, u32), ApplyError> {
    let mut update = batch.conn.prepare_cached(
        "UPDATE task SET children = children + ?2 WHERE id = ?1 RETURNING children, children_ended",
    )?;
    Ok(update.query_row(params![id.0, i64::try_from(more).unwrap_or(i64::MAX)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?)
}

fn depth(batch: &Batch<'_>, id: TaskId) -> Result<usize, ApplyError> {
    let mut depth = 0;
    let mut at = Some(id);
    while let Some(task) = at {
        at = batch.task(task)?.parent.map(|parent| parent.id);
        depth += 1;
    }
    Ok(depth)
}

/// Names are unique below one attempt of the parent, and siblings may depend on each other by name.
fn add(
    batch: &mut Batch<'_>,
    parent_task: &baton_core::task::Task,
    parent: Parent,
    children: Vec<Workstream>,
) -> Result<(), ApplyError> {
    let above: String =
        batch
            .conn
            .query_row("SELECT name FROM task_spec WHERE task_id = ?1", [parent.id.0], |row| row.get(0))?;
    let try_mark = if parent.epoch.0 > 1 { format!("~{}", parent.epoch.0) } else { String::new() };
    let full = |name: &str| format!("{above}/{name}{try_mark}");
    let mut fresh: HashMap<String, TaskId> = HashMap::new();
    for mut child in children {
        let name = child.id;
        child.id = full(&name);
        let mut on = Vec::with_capacity(child.depends_on.len());
        for wanted in &child.depends_on {
            let known = match fresh.get(wanted) {
                Some(id) => Some(*id),
                None => by_name(batch, parent_task.run.0, &full(wanted))?,
            };
            on.push(
                known.ok_or_else(|| ApplyError::not_found(format!("earlier child {wanted:?} of {above}")))?,
            );
        }
        if fresh.contains_key(&name) || by_name(batch, parent_task.run.0, &child.id)?.is_some() {
            return Err(ApplyError::invalid(format!("two children of {above} are called {name:?}")));
        }
        let place = Place { run: parent_task.run, parent: Some(parent), deadline: parent_task.deadline };
        let id = insert(batch, place, &child, &on)?;
        fresh.insert(name, id);
    }
    Ok(())
}

fn by_name(batch: &Batch<'_>, run: i64, name: &str) -> rusqlite::Result<Option<TaskId>> {
    let mut select =
        batch.conn.prepare_cached("SELECT task_id FROM task_spec WHERE run_id = ?1 AND name = ?2")?;
    select.query_row(params![run, name], |row| Ok(TaskId(row.get(0)?))).optional()
}
