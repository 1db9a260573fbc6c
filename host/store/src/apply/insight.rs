//! What the record was found to teach.

use rusqlite::params;

use super::Applying;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::read;
use crate::seal::Section;
use baton_core::learning::Part;
use baton_core::op::{Change, Consolidation, Reply};

pub(super) fn consolidate(batch: &mut Batch<'_>, step: &Consolidation) -> Applying {
    let _metered = Part::Consolidation.begin();
    let at = read::insight::consolidated(batch.reader)?;
    if at != step.from {
        return Err(ApplyError::invalid(format!("consolidation is at event {at}, not at {}", step.from)));
    }
    for episode in &step.episodes {
        let json = serde_json::to_string(episode).map_err(ApplyError::invalid)?;
        batch
            .conn
            .prepare_cached("INSERT INTO episode (seq, episode) VALUES (?1, ?2)")?
            .execute(params![episode.seq, json])?;
        batch.seal(None, Section::Episode, &[&episode.seq], &[&json])?;
    }
    for note in &step.notes {
        let json = serde_json::to_string(note).map_err(ApplyError::invalid)?;
        let id: i64 = batch
            .conn
            .prepare_cached(
                "INSERT INTO note (kind, lesson, note) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (kind, lesson) DO UPDATE SET note = excluded.note RETURNING id",
            )?
            .query_row(params![note.kind, note.check, json], |row| row.get(0))?;
        batch.seal(None, Section::NoteTaught, &[&id], &[&note.kind, &note.check, &json])?;
    }
    let (key, upto) = ("consolidated", step.upto.to_string());
    batch.conn.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, &upto])?;
    batch.seal(None, Section::Meta, &[&key], &[&upto])?;
    if !step.notes.is_empty() {
        batch.also.push(Change::Notes);
    }
    Ok(Reply::Done)
}

pub(super) fn forget(batch: &mut Batch<'_>, note: i64) -> Applying {
    let changed =
        batch.conn.execute("UPDATE note SET forgotten = 1 WHERE id = ?1 AND forgotten = 0", [note])?;
    if changed == 0 {
        return Err(ApplyError::not_found(format!("note {note}")));
    }
    batch.seal(None, Section::NoteForgotten, &[&note], &[&true])?;
    batch.also.push(Change::Notes);
    Ok(Reply::Done)
}
