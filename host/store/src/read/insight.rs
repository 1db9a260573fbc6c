//! What the analyses read, and what they taught.

use const_format::formatcp;
use rusqlite::params;
use schemars::JsonSchema;
use serde::Serialize;

use super::routing::Past;
use super::{live, present, text_json};
use crate::codec::ending::ACCEPTED;
use crate::error::{ReadError, Reading};
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::id::TaskId;
use baton_core::note::Note;

/// Up to which event the record was consolidated; 0 before the first step.
///
/// # Errors
/// The store can't be read.
pub fn consolidated(reader: &Reader) -> Reading<i64> {
    let sql = "SELECT value FROM meta WHERE key = 'consolidated'";
    match reader.first(sql, [], |row| row.get::<_, String>(0))? {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| ReadError::corrupt(format!("meta key \"consolidated\": {text:?} is no number"))),
    }
}

/// The newest episodes, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn episodes(reader: &Reader, newest: usize) -> Reading<Vec<Episode>> {
    let newest = i64::try_from(newest).unwrap_or(i64::MAX);
    let sql = "SELECT episode FROM episode ORDER BY seq DESC LIMIT ?1";
    let mut episodes = reader.all(sql, [newest], |row| present(text_json(row, 0)?, 0))?;
    episodes.reverse();
    Ok(episodes)
}

/// An attempt that is over, as the analyses read it.
///
/// # Errors
/// The store can't be read.
pub fn episode(reader: &Reader, past: &Past) -> Reading<Episode> {
    let seen = &past.observation;
    let depends_on = "SELECT parent_id FROM dep WHERE child_id = ?1 ORDER BY parent_id";
    let depends_on = reader.all(depends_on, [seen.task.0], |row| row.get(0).map(TaskId))?;
    // It could start when the last of what it waited for was there, and again when its last attempt was over.
    let waited = formatcp!(
        "SELECT max(at) FROM ( \
             SELECT max(a.ended_at) AS at FROM dep d JOIN attempt a ON a.task_id = d.parent_id \
             AND a.ending = '{ACCEPTED}' WHERE d.child_id = ?1 \
             UNION ALL SELECT max(ended_at) FROM attempt WHERE task_id = ?1 AND epoch < ?2)"
    );
    let waited: Option<i64> = reader.one(waited, params![seen.task.0, seen.epoch.0], |row| row.get(0))?;
    let report = live::report(reader, seen.task, seen.epoch)?;
    let refused = report.checks.iter().filter(|check| !check.passed);
    let remarks = refused.map(|check| format!("{}: {}", check.name, check.explanation)).collect();
    Ok(Episode {
        seq: seen.seq,
        run: seen.run,
        task: seen.task,
        name: past.spec.id.clone(),
        kind: past.spec.kind(),
        skills: seen.skills.clone(),
        agent: past.agent.name.clone(),
        verdict: seen.verdict,
        ready: waited.map_or(past.created, Time).min(seen.started),
        started: seen.started,
        ended: seen.worked_until,
        cost_micros: seen.cost_micros,
        quality: seen.quality,
        files: past.spec.paths.iter().map(ToString::to_string).collect(),
        depends_on,
        remarks,
    })
}

/// A note by its number.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Numbered {
    /// Under this number it is forgotten.
    pub id: i64,
    /// What it says.
    #[serde(flatten)]
    pub note: Note,
}

/// Notes that were not forgotten, those that count most first.
///
/// # Errors
/// The store can't be read.
pub fn notes(reader: &Reader) -> Reading<Vec<Numbered>> {
    let sql = "SELECT id, note FROM note WHERE forgotten = 0 ORDER BY id";
    let mut notes =
        reader.all(sql, [], |row| Ok(Numbered { id: row.get(0)?, note: present(text_json(row, 1)?, 1)? }))?;
    notes.sort_by(|one, other| other.note.weight.total_cmp(&one.note.weight).then(one.id.cmp(&other.id)));
    Ok(notes)
}
