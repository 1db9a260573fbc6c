//! What each operation does to the store: one function for each, none of which writes before it knows that it may.

mod agent;
mod amend;
mod attempt;
mod children;
mod feedback;
mod host;
mod insight;
mod memory;
mod person;
mod routing;
mod run;
mod task;
mod trial;

use super::batch::Batch;
use super::error::ApplyError;
use baton_core::op::{Applied, Op, Reply, StoreError};

type Applying = Result<Reply, ApplyError>;

/// Applies one operation. A rejection leaves no trace.
pub(super) fn apply(batch: &mut Batch<'_>, op: Op) -> Result<Applied, ApplyError> {
    batch.changed.clear();
    batch.observed.clear();
    batch.also.clear();
    batch.runs.clear();
    batch.agents.clear();
    let reply = if is_compound(&op) { undoable(batch, op)? } else { direct(batch, op)? };
    let observed = std::mem::take(&mut batch.observed);
    batch.tallies.add(batch.conn, &observed)?;
    let also = batch.take_also()?;
    Ok(Applied { changed: std::mem::take(&mut batch.changed), also, observed, reply })
}

/// Whether an operation may be refused after its first write.
fn is_compound(op: &Op) -> bool {
    match op {
        Op::Assign(_)
        | Op::Finish { .. }
        | Op::Charge { .. }
        | Op::Claim { .. }
        | Op::Renew { .. }
        | Op::Due { .. }
        | Op::Remember { .. }
        | Op::Note { .. } => false,
        Op::StartHost { .. }
        | Op::RenewHost { .. }
        | Op::StopHost { .. }
        | Op::Submit(_)
        | Op::Extend { .. }
        | Op::Amend { .. }
        | Op::HoldRun { .. }
        | Op::UnholdRun { .. }
        | Op::CancelRun { .. }
        | Op::Settle { .. }
        | Op::UseRouter { .. }
        | Op::Shadow { .. }
        | Op::Teach { .. }
        | Op::Consolidate(_)
        | Op::ForgetNote { .. }
        | Op::StartTrial { .. }
        | Op::MoveTrial { .. }
        | Op::EndTrial { .. }
        | Op::Promote { .. }
        | Op::Defer { .. }
        | Op::Reject { .. }
        | Op::LoseLease { .. }
        | Op::Delegate { .. }
        | Op::Spawn { .. }
        | Op::Wake { .. }
        | Op::HoldTask { .. }
        | Op::UnholdTask { .. }
        | Op::CancelTask { .. }
        | Op::Redrive { .. }
        | Op::Drop { .. }
        | Op::PutAgent { .. }
        | Op::SetStanding { .. }
        | Op::RemoveAgent { .. }
        | Op::MoveBreaker { .. }
        | Op::Ask { .. }
        | Op::Answer { .. }
        | Op::Feedback { .. }
        | Op::PutPlugin(_)
        | Op::RemovePlugin { .. } => true,
    }
}

/// Without a savepoint there is no way back: what is refused after its first write fails the whole group.
fn direct(batch: &mut Batch<'_>, op: Op) -> Applying {
    let (before, mark) = (batch.conn.total_changes(), batch.memory.mark());
    match written(batch, op) {
        Err(ApplyError::Rejected(refused)) if batch.conn.total_changes() != before => {
            Err(ApplyError::Broken(StoreError::Failed(format!("half done, and then refused: {refused}"))))
        }
        Err(refused) => {
            batch.memory.undo(mark);
            Err(refused)
        }
        Ok(reply) => Ok(reply),
    }
}

fn undoable(batch: &mut Batch<'_>, op: Op) -> Applying {
    let (mark, touched) = (batch.memory.mark(), batch.touched.len());
    batch.conn.prepare_cached("SAVEPOINT op")?.execute([])?;
    let done = written(batch, op);
    if done.is_err() {
        batch.conn.prepare_cached("ROLLBACK TO op")?.execute([])?;
        batch.memory.undo(mark);
        batch.touched.truncate(touched);
    }
    batch.conn.prepare_cached("RELEASE op")?.execute([])?;
    done
}

/// Carries an operation out and writes what it recorded.
fn written(batch: &mut Batch<'_>, op: Op) -> Applying {
    let done = dispatch(batch, op).and_then(|reply| batch.write_lines().map(|()| reply));
    if done.is_err() {
        batch.lines.clear();
    }
    done
}

fn dispatch(batch: &mut Batch<'_>, op: Op) -> Applying {
    match op {
        Op::StartHost { pid, version, machine, lease_until } => {
            host::start(batch, pid, version, &machine, lease_until)
        }
        Op::RenewHost { boot } => host::renew(batch, boot),
        Op::StopHost { boot } => host::stop(batch, boot),
        Op::Submit(submission) => run::submit(batch, *submission),
        Op::Extend { run, workstreams } => run::extend(batch, run, workstreams),
        Op::Amend { run, plan } => amend::amend(batch, run, *plan),
        Op::HoldRun { run } => run::hold(batch, run, true),
        Op::UnholdRun { run } => run::hold(batch, run, false),
        Op::CancelRun { run, why } => run::cancel(batch, run, &why),
        Op::Settle { run } => run::settle(batch, run),
        Op::UseRouter { run, router, why } => run::use_router(batch, run, router, why),
        Op::Shadow { run, of, decision } => routing::shadow(batch, run, of, &decision),
        Op::Teach { run, lesson } => routing::teach(batch, run, &lesson),
        Op::Consolidate(step) => insight::consolidate(batch, &step),
        Op::ForgetNote { note } => insight::forget(batch, note),
        Op::StartTrial { router, terms } => trial::start(batch, router, &terms),
        Op::MoveTrial { trial, stage } => trial::advance(batch, trial, stage),
        Op::EndTrial { trial, ending, why } => trial::end(batch, trial, ending, why),
        Op::Promote { router, why } => trial::promote(batch, router, why),
        Op::Assign(assign) => attempt::assign(batch, *assign),
        Op::Defer { task, until } => task::defer(batch, task, until),
        Op::Reject { task, fault } => task::reject(batch, task, fault),
        Op::Renew { leases, until } => attempt::renew(batch, &leases, until),
        Op::Claim { task, epoch, outcome } => attempt::claim(batch, task, epoch, outcome),
        Op::Finish { task, epoch, end } => attempt::finish(batch, task, epoch, end),
        Op::Ask { task, epoch, question, until, answer } => {
            person::ask(batch, task, epoch, *question, until, answer)
        }
        Op::Answer { question, text, by } => person::answer(batch, question, text, by),
        Op::Feedback { task, score, note, by } => feedback::give(batch, task, score, note, by),
        Op::Remember { task, epoch, agent, key, value } => {
            memory::remember(batch, task, epoch, &agent, &key, value.as_deref())
        }
        Op::Charge { task, epoch, bill } => attempt::charge(batch, task, epoch, &bill),
        Op::LoseLease { task, why } => attempt::lose_lease(batch, task, why),
        Op::Delegate { task } => children::delegate(batch, task),
        Op::Spawn { task, epoch, stage, children, until } => {
            children::spawn(batch, task, epoch, stage, children, until)
        }
        Op::Due { task } => task::due(batch, task),
        Op::Wake { task } => task::wake(batch, task),
        Op::HoldTask { task } => task::hold(batch, task),
        Op::UnholdTask { task } => task::unhold(batch, task),
        Op::CancelTask { task, why } => task::cancel(batch, task, why),
        Op::Redrive { task } => task::redrive(batch, task),
        Op::Drop { task } => task::drop(batch, task),
        Op::PutAgent { card } => agent::put(batch, card),
        Op::SetStanding { agent, standing } => agent::set_standing(batch, agent, standing),
        Op::RemoveAgent { agent } => agent::remove(batch, agent),
        Op::MoveBreaker { agent, breaker, why } => agent::move_breaker(batch, agent, breaker, why),
        Op::PutPlugin(plugin) => agent::put_plugin(batch, &plugin),
        Op::RemovePlugin { name } => agent::remove_plugin(batch, name),
        Op::Note { run, task, fact } => {
            let task = task.map(|task| batch.task(task)).transpose()?;
            batch.append(run, task.as_ref(), &fact)?;
            Ok(Reply::Done)
        }
    }
}
