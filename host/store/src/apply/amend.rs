//! Making a run follow another version of its plan.

use rusqlite::{OptionalExtension as _, params};

use super::Applying;
use super::run::{insert_all, is_met, plan, reopen, task_id};
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::event::Fact;
use baton_core::id::{RunId, TaskId};
use baton_core::op::Reply;
use baton_core::plan::diff::{Diff, diff};
use baton_core::plan::{Plan, Workstream};
use baton_core::task::State;
use baton_core::task::transition::TaskCommand;

/// Turns the run's plan into another: all of it, or nothing and a reason.
pub(super) fn amend(batch: &mut Batch<'_>, run: RunId, after: Plan) -> Applying {
    let json: Option<Vec<u8>> = batch
        .conn
        .query_row("SELECT plan FROM run_plan WHERE run_id = ?1", [run.0], |row| row.get(0))
        .optional()?;
    let before = plan(&json.ok_or_else(|| ApplyError::not_found(format!("run {run}")))?)?;
    let diff = diff(&before, &after);
    if diff.is_empty() {
        return Ok(Reply::Amended(diff));
    }
    for id in &diff.removed {
        remove(batch, run, id)?;
    }
    let added: Vec<Workstream> =
        after.workstreams.iter().filter(|one| diff.added.contains(&one.id)).cloned().collect();
    insert_all(batch, run, &added)?;
    for (id, keys) in &diff.changed {
        if let Some(place) = after.position(id) {
            change(batch, run, &after.workstreams[place], keys)?;
        }
    }
    let json = serde_json::to_vec(&after).map_err(ApplyError::invalid)?;
    let digest = after.digest();
    batch.conn.execute(
        "UPDATE run_plan SET plan = ?2, digest = ?3 WHERE run_id = ?1",
        params![run.0, json, digest],
    )?;
    batch.seal(Some(run), Section::RunPlan, &[&run.0], &[&digest, &json])?;
    batch.append(Some(run), None, &amended(&digest, &diff))?;
    reopen(batch, run)?;
    Ok(Reply::Amended(diff))
}

fn amended(digest: &str, diff: &Diff) -> Fact {
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Fact::RunAmended {
        plan: digest.to_owned(),
        added: count(diff.added.len()),
        removed: count(diff.removed.len()),
        changed: count(diff.changed.len()),
    }
}

/// What was accepted stays, what runs must be stopped first; the rest leaves the run, and so do its edges.
fn remove(batch: &mut Batch<'_>, run: RunId, name: &str) -> Result<(), ApplyError> {
    let id = task_id(batch, run, name)?;
    let mut task = batch.task(id)?;
    match task.state {
        State::Succeeded { .. } => {
            return Err(ApplyError::invalid(format!("{name} has been accepted and can't be removed")));
        }
        State::Running { .. } | State::Waiting { .. } => {
            return Err(ApplyError::invalid(format!("{name} is under way: cancel it before it is removed")));
        }
        State::Blocked
        | State::Ready { .. }
        | State::Backoff { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => {}
    }
    batch.record(&mut task, &Fact::Removed)?;
    let freed: Vec<(i64, bool)> = {
        let mut select =
            batch.conn.prepare_cached("DELETE FROM dep WHERE parent_id = ?1 RETURNING child_id, met")?;
        select.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?
    };
    for (child, met) in freed {
        batch.seal_gone(Some(run), Section::Dep, &[&id.0, &child])?;
        if !met {
            loosen(batch, TaskId(child))?;
        }
    }
    let needed: Vec<i64> = {
        let mut select =
            batch.conn.prepare_cached("DELETE FROM dep WHERE child_id = ?1 RETURNING parent_id")?;
        select.query_map([id.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    for parent in needed {
        batch.seal_gone(Some(run), Section::Dep, &[&parent, &id.0])?;
    }
    batch.conn.execute("UPDATE task SET removed = 1, deps_left = 0 WHERE id = ?1", [id.0])?;
    let gone = format!("{name} (removed {})", id.0);
    let spec: Vec<u8> = batch.conn.query_row(
        "UPDATE task_spec SET name = ?2 WHERE task_id = ?1 RETURNING spec",
        params![id.0, gone],
        |row| row.get(0),
    )?;
    Ok(batch.seal(Some(run), Section::TaskSpec, &[&id.0], &[&run.0, &gone, &spec])?)
}

/// One dependency fewer.
fn loosen(batch: &mut Batch<'_>, child: TaskId) -> Result<(), ApplyError> {
    let left: u32 = batch.conn.query_row(
        "UPDATE task SET deps_left = deps_left - 1 WHERE id = ?1 RETURNING deps_left",
        [child.0],
        |row| row.get(0),
    )?;
    if left == 0 && batch.task(child)?.state == State::Blocked {
        batch.step(child, TaskCommand::Unblock)?;
    }
    Ok(())
}

/// Gives a workstream its new terms and edges. Once it has started only its title, metadata and priority may change.
fn change(batch: &mut Batch<'_>, run: RunId, new: &Workstream, keys: &[String]) -> Result<(), ApplyError> {
    let id = task_id(batch, run, &new.id)?;
    let mut task = batch.task(id)?;
    let harmless =
        keys.iter().all(|key| matches!(key.as_str(), "title" | "metadata" | "priority" | "estimate"));
    let started = match task.state {
        State::Running { .. } | State::Waiting { .. } | State::Succeeded { .. } => true,
        State::Blocked
        | State::Ready { .. }
        | State::Backoff { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => false,
    };
    if started && !harmless {
        let name = task.state.name();
        return Err(ApplyError::invalid(format!(
            "{} is {name}: its {} can't change any more",
            new.id,
            keys.join(", ")
        )));
    }
    relink(batch, run, id, new)?;
    task = batch.task(id)?;
    // Whoever was given the old version is given the new one.
    task.epoch = if started { task.epoch } else { task.epoch.next() };
    task.terms = batch.terms_id(run, new.terms())?;
    task.priority = new.priority;
    task.deadline = new.timeouts.deadline.map(|span| task.created + span.0);
    let left: u32 =
        batch.conn.query_row("SELECT deps_left FROM task WHERE id = ?1", [id.0], |row| row.get(0))?;
    if left > 0 && matches!(task.state, State::Ready { .. } | State::Backoff { .. }) {
        task.state = State::Blocked;
    } else if left == 0 && task.state == State::Blocked {
        task.state = State::Ready { since: batch.now };
    }
    let fact = Fact::Amended { task: Box::new(task.clone()) };
    batch.record(&mut task, &fact)?;
    let spec = serde_json::to_vec(new).map_err(ApplyError::invalid)?;
    batch.conn.execute("UPDATE task_spec SET spec = ?2 WHERE task_id = ?1", params![id.0, spec])?;
    Ok(batch.seal(Some(run), Section::TaskSpec, &[&id.0], &[&run.0, &new.id, &spec])?)
}

fn relink(batch: &mut Batch<'_>, run: RunId, id: TaskId, new: &Workstream) -> Result<(), ApplyError> {
    let before: Vec<TaskId> = {
        let mut select =
            batch.conn.prepare_cached("SELECT parent_id FROM dep WHERE child_id = ?1 ORDER BY parent_id")?;
        select.query_map([id.0], |row| Ok(TaskId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?
    };
    let mut after = Vec::with_capacity(new.depends_on.len());
    for wanted in &new.depends_on {
        after.push(task_id(batch, run, wanted)?);
    }
    let added: Vec<TaskId> = after.iter().filter(|parent| !before.contains(parent)).copied().collect();
    let removed: Vec<TaskId> = before.iter().filter(|parent| !after.contains(parent)).copied().collect();
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    for parent in &removed {
        batch
            .conn
            .execute("DELETE FROM dep WHERE parent_id = ?1 AND child_id = ?2", params![parent.0, id.0])?;
        batch.seal_gone(Some(run), Section::Dep, &[&parent.0, &id.0])?;
    }
    for parent in &added {
        let met = is_met(batch, *parent)?;
        batch.conn.execute(
            "INSERT OR IGNORE INTO dep (parent_id, child_id, met) VALUES (?1, ?2, ?3)",
            params![parent.0, id.0, met],
        )?;
        batch.seal(Some(run), Section::Dep, &[&parent.0, &id.0], &[])?;
    }
    batch.conn.execute(
        "UPDATE task SET deps_left = (SELECT count(*) FROM dep WHERE child_id = ?1 AND met = 0) WHERE id = ?1",
        [id.0],
    )?;
    let task = batch.task(id)?;
    batch.append(Some(run), Some(&task), &Fact::Relinked { added, removed })
}
