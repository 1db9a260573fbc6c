//! Attempts: from a router's choice to their end.

use rusqlite::{OptionalExtension as _, ToSql, params};

use super::Applying;
use super::routing;
use super::task::{ended, reset_children};
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::budget::{Amount, Bill};
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{DecisionId, Epoch, RunId, TaskId};
use baton_core::op::{Assign, End, Pick, Rejection, Reply};
use baton_core::outcome::{Outcome, Report, mean_score};
use baton_core::task::transition::{Refused, TaskCommand};
use baton_core::task::{State, Task, WaitingOn};

/// Starts what can still be started; a pick whose task moved meanwhile is left out.
pub(super) fn assign(batch: &mut Batch<'_>, assign: Assign) -> Applying {
    if is_held(batch, assign.run)? {
        return Ok(Reply::Done);
    }
    let decision = match &assign.decision {
        Some(decision) => Some(routing::decided(batch, assign.run, decision, None)?),
        None => None,
    };
    for &Pick { task, agent, reserve } in &assign.picks {
        let command = TaskCommand::Assign { agent, lease_until: assign.lease_until, decision };
        match batch.step(task, command) {
            Ok(task) => {
                open(batch, &task, Some(agent.0), decision)?;
                if let Some(reserve) = reserve {
                    set_aside(batch, &task, &reserve)?;
                }
            }
            Err(ApplyError::Rejected(Rejection::Refused(_) | Rejection::NotFound(_))) => {}
            Err(rejection) => return Err(rejection),
        }
    }
    Ok(decision.map_or(Reply::Done, Reply::Decided))
}

/// Decided before a person put the run on hold, and carried out never: what was acknowledged holds.
fn is_held(batch: &Batch<'_>, run: RunId) -> Result<bool, ApplyError> {
    let mut select = batch.conn.prepare_cached("SELECT held FROM run WHERE id = ?1")?;
    Ok(select.query_row([run.0], |row| row.get(0)).optional()?.unwrap_or(false))
}

pub(super) fn open(
    batch: &mut Batch<'_>,
    task: &Task,
    agent: Option<i64>,
    decision: Option<DecisionId>,
) -> Result<(), ApplyError> {
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO attempt (task_id, epoch, agent_id, decision_id, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let decision = decision.map(|id| id.0);
    insert.execute(params![task.id.0, task.epoch.0, agent, decision, batch.now.0])?;
    let (key, now): ([&dyn ToSql; 2], i64) = ([&task.id.0, &task.epoch.0], batch.now.0);
    Ok(batch.seal(Some(task.run), Section::AttemptStarted, &key, &[&agent, &decision, &now])?)
}

fn set_aside(batch: &mut Batch<'_>, task: &Task, reserve: &Amount) -> Result<(), ApplyError> {
    let json = serde_json::to_string(reserve).map_err(ApplyError::invalid)?;
    let mut update =
        batch.conn.prepare_cached("UPDATE attempt SET reserved = ?3 WHERE task_id = ?1 AND epoch = ?2")?;
    update.execute(params![task.id.0, task.epoch.0, json])?;
    Ok(batch.seal(Some(task.run), Section::AttemptReserved, &[&task.id.0, &task.epoch.0], &[&json])?)
}

/// An attempt is charged once, whether it still has its lease or not: the money is gone.
pub(super) fn charge(batch: &mut Batch<'_>, id: TaskId, epoch: Epoch, bill: &Bill) -> Applying {
    let task = batch.task(id)?;
    let json = serde_json::to_string(bill).map_err(ApplyError::invalid)?;
    let mut update = batch
        .conn
        .prepare_cached("UPDATE attempt SET bill = ?3 WHERE task_id = ?1 AND epoch = ?2 AND bill IS NULL")?;
    if update.execute(params![id.0, epoch.0, json])? == 1 {
        batch.seal(Some(task.run), Section::AttemptBilled, &[&id.0, &epoch.0], &[&json])?;
        batch.append(Some(task.run), Some(&task), &Fact::Charged { bill: bill.clone() })?;
    }
    Ok(Reply::Done)
}

pub(super) fn close(
    batch: &mut Batch<'_>,
    task: &Task,
    epoch: Epoch,
    ending: Ending,
    report: &Report,
) -> Result<(), ApplyError> {
    close_at(batch, task, epoch, batch.now.0, ending, report)
}

fn close_at(
    batch: &mut Batch<'_>,
    task: &Task,
    epoch: Epoch,
    at: i64,
    ending: Ending,
    report: &Report,
) -> Result<(), ApplyError> {
    let json = serde_json::to_vec(report).map_err(ApplyError::invalid)?;
    let mut update = batch.conn.prepare_cached(
        "UPDATE attempt SET ended_at = ?3, ending = ?4, report = ?5 WHERE task_id = ?1 AND epoch = ?2",
    )?;
    if update.execute(params![task.id.0, epoch.0, at, ending.as_str(), json])? == 1 {
        let key: [&dyn ToSql; 2] = [&task.id.0, &epoch.0];
        batch.seal(Some(task.run), Section::AttemptEnded, &key, &[&at, &ending.as_str(), &json])?;
    }
    Ok(())
}

fn report(batch: &Batch<'_>, id: TaskId, epoch: Epoch) -> Result<Report, ApplyError> {
    let mut select =
        batch.conn.prepare_cached("SELECT report FROM attempt WHERE task_id = ?1 AND epoch = ?2")?;
    // A task that waits for the router has no attempt yet.
    let json: Option<Vec<u8>> =
        select.query_row(params![id.0, epoch.0], |row| row.get(0)).optional()?.flatten();
    match json {
        None => Ok(Report::default()),
        Some(json) => serde_json::from_slice(&json)
            .map_err(|why| ApplyError::corrupt(&format!("the report of {id}"), why)),
    }
}

/// Renews what is still held; an older epoch is left alone.
pub(super) fn renew(batch: &mut Batch<'_>, leases: &[(TaskId, Epoch)], until: Time) -> Applying {
    for &(task, epoch) in leases {
        match batch.renew(task, epoch, until) {
            Ok(()) | Err(ApplyError::Rejected(Rejection::Refused(_) | Rejection::NotFound(_))) => {}
            Err(rejection) => return Err(rejection),
        }
    }
    Ok(Reply::Done)
}

pub(super) fn claim(batch: &mut Batch<'_>, id: TaskId, epoch: Epoch, outcome: Outcome) -> Applying {
    let task = batch.step(id, TaskCommand::Claim { epoch })?;
    if task.state.is_terminal() {
        close(
            batch,
            &task,
            epoch,
            Ending::Cancelled,
            &Report { outcome: Some(outcome), ..Report::default() },
        )?;
        ended(batch, &task)?;
        return Ok(Reply::Done);
    }
    reset_children(batch, id)?;
    close(batch, &task, epoch, Ending::Claimed, &Report { outcome: Some(outcome), ..Report::default() })?;
    batch
        .conn
        .prepare_cached("UPDATE attempt SET claimed_at = ended_at WHERE task_id = ?1 AND epoch = ?2")?
        .execute(params![id.0, epoch.0])?;
    let now = batch.now.0;
    batch.seal(Some(task.run), Section::AttemptClaimed, &[&id.0, &epoch.0], &[&now])?;
    Ok(Reply::Done)
}

/// Ends an attempt, once. The same end told twice is answered as the first time: its reply may have been lost.
pub(super) fn finish(batch: &mut Batch<'_>, id: TaskId, epoch: Epoch, end: End) -> Applying {
    let task = batch.task(id)?;
    let command = match &end {
        End::Accepted { checks, .. } => TaskCommand::Accept {
            epoch,
            checks: u32::try_from(checks.len()).unwrap_or(u32::MAX),
            quality: mean_score(checks),
        },
        End::Failed { fault, .. } => TaskCommand::Fail { epoch, fault: fault.clone() },
        End::Released { why, begun } => TaskCommand::Release { epoch, why: why.clone(), begun: *begun },
        End::Conflicted { files, .. } => TaskCommand::Conflict { epoch, files: files.clone() },
        End::Cancelled { why } => TaskCommand::Cancelled { epoch, why: why.clone() },
    };
    let (state, current) = (task.state, task.epoch);
    let task = match batch.step_on(task, command) {
        Ok(task) => task,
        Err(ApplyError::Rejected(Rejection::Refused(refused)))
            if accepted_before(state, current, &end, epoch, &refused) =>
        {
            return Ok(Reply::Done);
        }
        Err(rejection) => return Err(rejection),
    };
    if matches!(state, State::Waiting { stage: WaitingOn::Person, .. }) {
        // The attempt that asked was over when it asked: this end is its task's alone.
        ended(batch, &task)?;
        return Ok(Reply::Done);
    }
    let mut report = match state {
        State::Waiting { .. } => report(batch, id, epoch)?,
        _ => Report::default(),
    };
    let ending = match end {
        End::Accepted { outcome, checks } => {
            report.outcome = outcome.or(report.outcome);
            report.checks = checks;
            Ending::Accepted
        }
        End::Failed { fault, checks } => {
            let ending = Ending::Failed(fault.class);
            report.checks = checks;
            report.fault = Some(fault);
            ending
        }
        End::Released { .. } if matches!(task.state, State::Failed { .. }) => {
            Ending::Failed(ErrorClass::Lost)
        }
        End::Released { .. } => Ending::Released,
        End::Conflicted { checks, .. } => {
            report.checks = checks;
            Ending::Conflicted
        }
        End::Cancelled { .. } => Ending::Cancelled,
    };
    close(batch, &task, epoch, ending, &report)?;
    ended(batch, &task)?;
    Ok(Reply::Done)
}

/// Whether this very attempt was accepted already. An older one is refused like any stale attempt.
fn accepted_before(state: State, current: Epoch, end: &End, held: Epoch, refused: &Refused) -> bool {
    match (state, end, refused) {
        (State::Succeeded { .. }, End::Accepted { .. }, Refused::WrongState { .. }) => held == current,
        (_, _, _) => false,
    }
}

pub(super) fn lose_lease(batch: &mut Batch<'_>, id: TaskId, why: String) -> Applying {
    let before = batch.task(id)?;
    let epoch = before.epoch;
    let task = batch.step_on(before, TaskCommand::LoseLease { why: why.clone() })?;
    let fault = Fault::new(ErrorClass::Lost, why);
    let ending = Ending::Failed(fault.class);
    let seen = last_seen(batch, id, epoch)?.unwrap_or(batch.now.0);
    close_at(batch, &task, epoch, seen, ending, &Report { fault: Some(fault), ..Report::default() })?;
    ended(batch, &task)?;
    Ok(Reply::Done)
}

/// When an attempt of an earlier host was last known to go on: it ended with that host's last event or renewal. None for
/// one of this host.
fn last_seen(batch: &Batch<'_>, id: TaskId, epoch: Epoch) -> Result<Option<i64>, ApplyError> {
    let mut select = batch.conn.prepare_cached(
        "SELECT max(started_at, \
           coalesce((SELECT at FROM event WHERE seq < \
             (SELECT seq FROM event WHERE run_id = 0 AND kind = 'host-started' ORDER BY seq DESC LIMIT 1) ORDER BY seq DESC LIMIT 1), 0), \
           coalesce((SELECT lease_until - ?3 FROM host ORDER BY boot DESC LIMIT 1 OFFSET 1), 0)) \
         FROM attempt WHERE task_id = ?1 AND epoch = ?2 \
         AND started_at < (SELECT started_at FROM host ORDER BY boot DESC LIMIT 1)",
    )?;
    let term = i64::try_from(baton_core::lease::TERM.as_millis()).unwrap_or(i64::MAX);
    Ok(select.query_row(params![id.0, epoch.0, term], |row| row.get(0)).optional()?)
}
