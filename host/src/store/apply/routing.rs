//! What routers learn and leave.

use rusqlite::params;

use super::Applying;
use crate::id::RunId;
use crate::op::{Lesson, Rejection, Reply};
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

/// A router was told what became of attempts.
pub(super) fn teach(batch: &Batch<'_>, run: RunId, lesson: &Lesson) -> Applying {
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
