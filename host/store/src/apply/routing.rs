//! What routers learn and leave.

use rusqlite::{ToSql, params, params_from_iter};

use super::Applying;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::id::{DecisionId, RunId};
use baton_core::learning::Part;
use baton_core::op::{Decision, Lesson, Reply};

/// Sets a router's position in a run. `learned` is kept where it is none.
fn keep(
    batch: &mut Batch<'_>,
    run: RunId,
    router: &str,
    state: &str,
    learned: Option<i64>,
) -> Result<(), ApplyError> {
    let mut upsert = batch.conn.prepare_cached(
        "INSERT INTO routing (run_id, digest, state, learned) VALUES (?1, ?2, ?3, coalesce(?4, 0)) \
         ON CONFLICT (run_id, digest) DO UPDATE SET state = excluded.state, learned = coalesce(?4, learned) \
         WHERE state <> excluded.state OR ?4 IS NOT NULL",
    )?;
    let key: [&dyn ToSql; 2] = [&run.0, &router];
    if upsert.execute(params![run.0, router, state, learned])? == 1 {
        batch.seal(Some(run), Section::RoutingState, &key, &[&state])?;
    }
    if let Some(learned) = learned.filter(|learned| *learned != 0) {
        batch.seal(Some(run), Section::RoutingLearned, &key, &[&learned])?;
    }
    Ok(())
}

/// Records a decision under a number of its own, and where it leaves its router.
pub(super) fn decided(
    batch: &mut Batch<'_>,
    run: RunId,
    decision: &Decision,
    shadow_of: Option<DecisionId>,
) -> Result<DecisionId, ApplyError> {
    let id = batch.memory.next_decision();
    let before = batch.keep_state(&decision.before)?;
    let after = batch.keep_state(&decision.state)?;
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO decision (id, run_id, at, router, digest, fuel, input, answer, state_before, state_after, \
         trial_id, shadow_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let (name, digest) = (&decision.router.name, &decision.router.digest);
    let (input, answer) = (decision.input.as_bytes(), decision.answer.as_bytes());
    let (now, fuel, shadow_of) = (batch.now.0, decision.fuel.cast_signed(), shadow_of.map(|of| of.0));
    let columns: [&dyn ToSql; 11] =
        [&run.0, &now, name, digest, &fuel, &input, &answer, &before, &after, &decision.trial, &shadow_of];
    insert.execute(params_from_iter(std::iter::once(&id.0 as &dyn ToSql).chain(columns)))?;
    batch.seal(Some(run), Section::Decision, &[&id.0], &columns)?;
    keep(batch, run, digest, &after, None)?;
    Ok(id)
}

/// What a router would have decided in place of the one that was followed.
pub(super) fn shadow(batch: &mut Batch<'_>, run: RunId, of: DecisionId, decision: &Decision) -> Applying {
    Ok(Reply::Decided(decided(batch, run, decision, Some(of))?))
}

/// A router was told what became of attempts.
pub(super) fn teach(batch: &mut Batch<'_>, run: RunId, lesson: &Lesson) -> Applying {
    let _metered = Part::Lessons.begin();
    let before = batch.keep_state(&lesson.before)?;
    let after = batch.keep_state(&lesson.state)?;
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO lesson (run_id, at, router, digest, fuel, input, state_before, state_after) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let (name, digest) = (&lesson.router.name, &lesson.router.digest);
    let (now, fuel, input) = (batch.now.0, lesson.fuel.cast_signed(), lesson.input.as_bytes());
    let columns: [&dyn ToSql; 8] = [&run.0, &now, name, digest, &fuel, &input, &before, &after];
    insert.execute(columns.as_slice())?;
    let id = batch.conn.last_insert_rowid();
    batch.seal(Some(run), Section::Lesson, &[&id], &columns)?;
    keep(batch, run, digest, &after, Some(lesson.upto))?;
    Ok(Reply::Done)
}
