//! What routers learn and leave.

use rusqlite::params;

use super::Applying;
use crate::id::{DecisionId, RunId};
use crate::learning::Part;
use crate::op::{Decision, Lesson, Rejection, Reply};
use crate::store::batch::Batch;

/// Where a router stands in a run, from now on. `learned` is kept where nothing is said of it.
pub(super) fn keep(
    batch: &Batch<'_>,
    run: RunId,
    router: &str,
    state: &str,
    learned: Option<i64>,
) -> Result<(), Rejection> {
    let mut upsert = batch.conn.prepare_cached(
        "INSERT INTO routing (run_id, digest, state, learned) VALUES (?1, ?2, ?3, coalesce(?4, 0)) \
         ON CONFLICT (run_id, digest) DO UPDATE SET state = excluded.state, learned = coalesce(?4, learned) \
         WHERE state <> excluded.state OR ?4 IS NOT NULL",
    )?;
    upsert.execute(params![run.0, router, state, learned])?;
    Ok(())
}

/// Records a decision, and where it leaves its router.
pub(super) fn decided(
    batch: &Batch<'_>,
    run: RunId,
    decision: &Decision,
    shadow_of: Option<DecisionId>,
) -> Result<(), Rejection> {
    let before = batch.keep_state(&decision.before)?;
    let after = batch.keep_state(&decision.state)?;
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO decision (id, run_id, at, router, digest, fuel, input, answer, state_before, state_after, \
         trial_id, shadow_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    insert.execute(params![
        decision.id.0,
        run.0,
        batch.now.0,
        decision.router.name,
        decision.router.digest,
        decision.fuel.cast_signed(),
        decision.input.as_bytes(),
        decision.answer.as_bytes(),
        before,
        after,
        decision.trial,
        shadow_of.map(|of| of.0),
    ])?;
    keep(batch, run, &decision.router.digest, &after, None)
}

/// What a router would have decided in place of the one that was followed.
pub(super) fn shadow(batch: &Batch<'_>, run: RunId, of: DecisionId, decision: &Decision) -> Applying {
    decided(batch, run, decision, Some(of))?;
    Ok(Reply::Done)
}

/// A router was told what became of attempts.
pub(super) fn teach(batch: &Batch<'_>, run: RunId, lesson: &Lesson) -> Applying {
    let _metered = Part::Lessons.begin();
    let before = batch.keep_state(&lesson.before)?;
    let after = batch.keep_state(&lesson.state)?;
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO lesson (run_id, at, router, digest, fuel, input, state_before, state_after) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        run.0,
        batch.now.0,
        lesson.router.name,
        lesson.router.digest,
        lesson.fuel.cast_signed(),
        lesson.input.as_bytes(),
        before,
        after,
    ])?;
    keep(batch, run, &lesson.router.digest, &after, Some(lesson.upto))?;
    Ok(Reply::Done)
}
