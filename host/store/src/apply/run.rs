//! Operations on runs: submitting, amending, holding, ending.

use std::collections::HashMap;

use const_format::formatcp;
use rusqlite::{OptionalExtension as _, ToSql, params};

use super::Applying;
use super::task::{ended, is_stopping};
use crate::batch::Batch;
use crate::codec::{BLOCKED, IS_DEAD, IS_LIVE, SUCCEEDED};
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::{Rejection, Reply, RouterChange, RouterChoice, Submission};
use baton_core::plan::diff::diff;
use baton_core::plan::{Plan, Workstream};
use baton_core::task::transition::TaskCommand;
use baton_core::task::{Parent, State, Task};

/// Opens a run, or finds the one that the key opened.
pub(super) fn submit(batch: &mut Batch<'_>, submission: Submission) -> Applying {
    if let Some(key) = &submission.key {
        let known: Option<(i64, Vec<u8>)> = batch
            .conn
            .query_row(
                "SELECT r.id, p.plan FROM run r JOIN run_plan p ON p.run_id = r.id WHERE r.key = ?1",
                [key],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        if let Some((run, before)) = known {
            let run = RunId(run);
            let diff = diff(&plan(&before)?, &submission.plan);
            return if diff.is_empty() {
                Ok(Reply::Run { run, fresh: false })
            } else {
                Err(Rejection::PlanChanged { run, diff }.into())
            };
        }
    }
    open(batch, submission)
}

pub(super) fn plan(json: &[u8]) -> Result<Plan, ApplyError> {
    serde_json::from_slice(json).map_err(|why| ApplyError::corrupt("a stored plan", why))
}

fn open(batch: &mut Batch<'_>, submission: Submission) -> Applying {
    let Submission { plan, seed, router, key } = submission;
    let json = serde_json::to_vec(&plan).map_err(ApplyError::invalid)?;
    let digest = plan.digest();
    batch.conn.execute(
        "INSERT INTO run (name, key, seed, router, router_digest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![plan.name, key, seed.0.cast_signed(), router.name, router.digest, batch.now.0],
    )?;
    let run = RunId(batch.conn.last_insert_rowid());
    batch.conn.execute(
        "INSERT INTO run_plan (run_id, digest, plan) VALUES (?1, ?2, ?3)",
        params![run.0, digest, json],
    )?;
    let now = batch.now.0;
    seal_opened(batch, run, &[&plan.name, &key, &seed.0.cast_signed(), &now])?;
    batch.seal(Some(run), Section::RunPlan, &[&run.0], &[&digest, &json])?;
    seal_router(batch, run, &router, None)?;
    let tasks = u32::try_from(plan.workstreams.len()).unwrap_or(u32::MAX);
    batch.append(Some(run), None, &Fact::RunSubmitted { name: plan.name.clone(), plan: digest, tasks })?;
    batch.append(
        Some(run),
        None,
        &Fact::RouterUsed { router: router.name, digest: router.digest, before: None },
    )?;
    insert_all(batch, run, &plan.workstreams)?;
    batch.runs.insert(run);
    Ok(Reply::Run { run, fresh: true })
}

/// The host's chain vouches for the run, so that one that was taken out with its whole chain is missed.
fn seal_opened(batch: &mut Batch<'_>, run: RunId, columns: &[&dyn ToSql]) -> Result<(), ApplyError> {
    Ok(batch.seal(None, Section::RunOpened, &[&run.0], columns)?)
}

fn seal_router(
    batch: &mut Batch<'_>,
    run: RunId,
    router: &RouterChoice,
    before: Option<&str>,
) -> Result<(), ApplyError> {
    Ok(batch.seal(Some(run), Section::RunRouter, &[&run.0], &[&router.name, &router.digest, &before])?)
}

/// Where a new task belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) run: RunId,
    pub(super) parent: Option<Parent>,
    pub(super) deadline: Option<Time>,
}

/// Inserts workstreams in dependency order, so that every task's dependencies have smaller ids.
pub(super) fn insert_all(
    batch: &mut Batch<'_>,
    run: RunId,
    workstreams: &[Workstream],
) -> Result<(), ApplyError> {
    let place = Place { run, parent: None, deadline: None };
    let position: HashMap<&str, usize> =
        workstreams.iter().enumerate().map(|(index, workstream)| (workstream.id.as_str(), index)).collect();
    let mut ids: Vec<Option<TaskId>> = vec![None; workstreams.len()];
    let mut stack = Vec::new();
    for start in 0..workstreams.len() {
        stack.push((start, 0));
        while let Some((index, next)) = stack.pop() {
            if ids[index].is_some() {
                continue;
            }
            let inner = workstreams[index].depends_on.iter().skip(next).position(|wanted| {
                position.get(wanted.as_str()).is_some_and(|&parent| ids[parent].is_none())
            });
            if let Some(offset) = inner {
                let wanted = &workstreams[index].depends_on[next + offset];
                if stack.len() > workstreams.len() {
                    return Err(ApplyError::invalid(format!("{wanted} is part of a cycle")));
                }
                stack.push((index, next + offset));
                stack.push((position[wanted.as_str()], 0));
                continue;
            }
            let mut on = Vec::with_capacity(workstreams[index].depends_on.len());
            for wanted in &workstreams[index].depends_on {
                on.push(match position.get(wanted.as_str()).and_then(|&parent| ids[parent]) {
                    Some(id) => id,
                    None => task_id(batch, run, wanted)?,
                });
            }
            ids[index] = Some(insert(batch, place, &workstreams[index], &on)?);
        }
    }
    Ok(())
}

/// Inserts one task that depends on tasks which are there already.
pub(super) fn insert(
    batch: &mut Batch<'_>,
    place: Place,
    workstream: &Workstream,
    on: &[TaskId],
) -> Result<TaskId, ApplyError> {
    let id = batch.memory.next_task();
    let terms = batch.terms_id(place.run, workstream.terms())?;
    let mut left = 0;
    for parent in on {
        let met = is_met(batch, *parent)?;
        left += u32::from(!met);
        let mut link = batch
            .conn
            .prepare_cached("INSERT OR IGNORE INTO dep (parent_id, child_id, met) VALUES (?1, ?2, ?3)")?;
        if link.execute(params![parent.0, id.0, met])? == 0 {
            left -= u32::from(!met);
        } else {
            batch.seal(Some(place.run), Section::Dep, &[&parent.0, &id.0], &[])?;
        }
    }
    let own = workstream.timeouts.deadline.map(|span| batch.now + span.0);
    let task = Task {
        id,
        run: place.run,
        parent: place.parent,
        terms,
        state: if left == 0 { State::Ready { since: batch.now } } else { State::Blocked },
        held: false,
        cancelling: false,
        epoch: Epoch::default(),
        attempts: 0,
        crashes: 0,
        conflicts: 0,
        priority: workstream.priority,
        created: batch.now,
        deadline: own.into_iter().chain(place.deadline).min(),
    };
    let spec = serde_json::to_vec(workstream).map_err(ApplyError::invalid)?;
    let mut insert = batch
        .conn
        .prepare_cached("INSERT INTO task_spec (task_id, run_id, name, spec) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![id.0, place.run.0, workstream.id, spec])?;
    batch.seal(Some(place.run), Section::TaskSpec, &[&id.0], &[&place.run.0, &workstream.id, &spec])?;
    batch.insert(&task, left)?;
    Ok(id)
}

pub(super) fn is_met(batch: &Batch<'_>, id: TaskId) -> Result<bool, ApplyError> {
    let mut select =
        batch.conn.prepare_cached(formatcp!("SELECT state = {SUCCEEDED} FROM task WHERE id = ?1"))?;
    let met: Option<bool> = select.query_row([id.0], |row| row.get(0)).optional()?;
    met.ok_or_else(|| ApplyError::not_found(format!("task {id}")))
}

pub(super) fn task_id(batch: &Batch<'_>, run: RunId, name: &str) -> Result<TaskId, ApplyError> {
    let mut select =
        batch.conn.prepare_cached("SELECT task_id FROM task_spec WHERE run_id = ?1 AND name = ?2")?;
    let found = select.query_row(params![run.0, name], |row| Ok(TaskId(row.get(0)?))).optional()?;
    found.ok_or_else(|| ApplyError::not_found(format!("task {name} in {run}")))
}

/// Adds tasks beyond the plan. They may depend on tasks of the run.
pub(super) fn extend(batch: &mut Batch<'_>, run: RunId, workstreams: Vec<Workstream>) -> Applying {
    batch.seed(run)?;
    let known = workstreams.iter().find(|one| task_id(batch, run, &one.id).is_ok());
    if let Some(taken) = known {
        return Err(ApplyError::invalid(format!("{run} has a task {} already", taken.id)));
    }
    reopen(batch, run)?;
    insert_all(batch, run, &workstreams)?;
    Ok(Reply::Run { run, fresh: false })
}

pub(super) fn reopen(batch: &mut Batch<'_>, run: RunId) -> Result<(), ApplyError> {
    if batch
        .conn
        .execute("UPDATE run SET settled_at = NULL WHERE id = ?1 AND settled_at IS NOT NULL", [run.0])?
        > 0
    {
        batch.seal_gone(Some(run), Section::RunSettled, &[&run.0])?;
        batch.append(Some(run), None, &Fact::RunReopened)?;
        batch.runs.insert(run);
    }
    Ok(())
}

pub(super) fn hold(batch: &mut Batch<'_>, run: RunId, held: bool) -> Applying {
    batch.seed(run)?;
    if batch.conn.execute("UPDATE run SET held = ?2 WHERE id = ?1 AND held <> ?2", params![run.0, held])? > 0
    {
        batch.seal(Some(run), Section::RunHeld, &[&run.0], &[&held.then_some(true)])?;
        batch.append(Some(run), None, if held { &Fact::RunHeld } else { &Fact::RunUnheld })?;
        batch.runs.insert(run);
    }
    Ok(Reply::Done)
}

pub(super) fn cancel(batch: &mut Batch<'_>, run: RunId, why: &str) -> Applying {
    batch.seed(run)?;
    let live: Vec<TaskId> = {
        let mut select = batch
            .conn
            .prepare(formatcp!("SELECT id FROM task WHERE run_id = ?1 AND {IS_LIVE} ORDER BY id"))?;
        select.query_map([run.0], |row| Ok(TaskId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?
    };
    for id in live {
        let task = batch.task(id)?;
        if !task.state.is_terminal() && !is_stopping(&task) {
            let task = batch.step_on(task, TaskCommand::Cancel { why: why.to_owned() })?;
            ended(batch, &task)?;
        }
    }
    Ok(Reply::Done)
}

/// Closes a run whose every task has ended or can't go on.
pub(super) fn settle(batch: &mut Batch<'_>, run: RunId) -> Applying {
    let sql = formatcp!(
        "SELECT (SELECT count(*) FROM task WHERE run_id = ?1 AND {IS_LIVE} AND state <> {BLOCKED}), \
                (SELECT count(*) FROM task_spec s JOIN task t ON t.id = s.task_id \
                 WHERE s.run_id = ?1 AND t.state = {SUCCEEDED} AND t.parent_id IS NULL), \
                (SELECT count(*) FROM task WHERE run_id = ?1 AND {IS_DEAD} AND parent_id IS NULL), \
                settled_at IS NOT NULL FROM run WHERE id = ?1"
    );
    let (live, succeeded, failed, settled): (u32, u32, u32, bool) =
        batch.reader.one(sql, [run.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    if settled {
        return Ok(Reply::Done);
    }
    if live > 0 {
        return Err(ApplyError::invalid(format!("{run} has {live} tasks that can go on")));
    }
    batch.conn.execute("UPDATE run SET settled_at = ?2 WHERE id = ?1", params![run.0, batch.now.0])?;
    let now = batch.now.0;
    batch.seal(Some(run), Section::RunSettled, &[&run.0], &[&now])?;
    batch.append(Some(run), None, &Fact::RunSettled { succeeded, failed })?;
    batch.runs.insert(run);
    Ok(Reply::Done)
}

pub(super) fn use_router(
    batch: &mut Batch<'_>,
    run: RunId,
    router: RouterChoice,
    why: RouterChange,
) -> Applying {
    let before: Option<(String, String)> = batch
        .conn
        .query_row("SELECT router, router_digest FROM run WHERE id = ?1", [run.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (name, digest) = before.ok_or_else(|| ApplyError::not_found(format!("run {run}")))?;
    let before = RouterChoice { name, digest };
    if before == router {
        return Ok(Reply::Done);
    }
    let fallback = serde_json::to_string(&before).map_err(ApplyError::invalid)?;
    batch.conn.execute(
        "UPDATE run SET router = ?2, router_digest = ?3, router_before = ?4 WHERE id = ?1",
        params![run.0, router.name, router.digest, fallback],
    )?;
    seal_router(batch, run, &router, Some(&fallback))?;
    batch.runs.insert(run);
    let fact = match why {
        RouterChange::Asked => {
            Fact::RouterUsed { router: router.name, digest: router.digest, before: Some(before.name) }
        }
        RouterChange::RolledBack { why } => {
            Fact::RouterRolledBack { from: before.name, to: router.name, why }
        }
    };
    batch.append(Some(run), None, &fact)?;
    Ok(Reply::Done)
}
