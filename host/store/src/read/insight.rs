//! What the analyses read, and what they taught.

use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::id::TaskId;
use baton_core::note::Note;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::routing::Past;
use super::{broken, live};

/// Up to which event the record was consolidated.
///
/// # Errors
/// The store can't be read.
pub fn consolidated(conn: &Connection) -> rusqlite::Result<i64> {
    let text: Option<String> = conn
        .query_row("SELECT value FROM meta WHERE key = 'consolidated'", [], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The newest episodes, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn episodes(conn: &Connection, newest: usize) -> rusqlite::Result<Vec<Episode>> {
    let mut select = conn.prepare("SELECT episode FROM episode ORDER BY seq DESC LIMIT ?1")?;
    let rows = select.query_map([i64::try_from(newest).unwrap_or(i64::MAX)], |row| {
        let json: String = row.get(0)?;
        serde_json::from_str(&json).map_err(broken)
    })?;
    let mut episodes: Vec<Episode> = rows.collect::<rusqlite::Result<_>>()?;
    episodes.reverse();
    Ok(episodes)
}

/// An attempt that is over, as the analyses read it.
///
/// # Errors
/// The store can't be read.
pub fn episode(conn: &Connection, past: &Past) -> rusqlite::Result<Episode> {
    let seen = &past.observation;
    let depends_on: Vec<TaskId> = conn
        .prepare_cached("SELECT parent_id FROM dep WHERE child_id = ?1 ORDER BY parent_id")?
        .query_map([seen.task.0], |row| row.get(0).map(TaskId))?
        .collect::<rusqlite::Result<_>>()?;
    // It could start when the last of what it waited for was there, and again when its last attempt was over.
    let waited: Option<i64> = conn
        .prepare_cached(
            "SELECT max(at) FROM ( \
                 SELECT max(a.ended_at) AS at FROM dep d JOIN attempt a ON a.task_id = d.parent_id \
                 AND a.ending = 'accepted' WHERE d.child_id = ?1 \
                 UNION ALL SELECT max(ended_at) FROM attempt WHERE task_id = ?1 AND epoch < ?2)",
        )?
        .query_row(params![seen.task.0, seen.epoch.0], |row| row.get(0))?;
    let report = live::report(conn, seen.task, seen.epoch)?;
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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbered {
    pub id: i64,
    #[serde(flatten)]
    pub note: Note,
}

/// Notes that were not forgotten, those that count most first.
///
/// # Errors
/// The store can't be read.
pub fn notes(conn: &Connection) -> rusqlite::Result<Vec<Numbered>> {
    let mut select = conn.prepare("SELECT id, note FROM note WHERE forgotten = 0 ORDER BY id")?;
    let rows = select.query_map([], |row| {
        let json: String = row.get(1)?;
        Ok(Numbered { id: row.get(0)?, note: serde_json::from_str(&json).map_err(broken)? })
    })?;
    let mut notes: Vec<Numbered> = rows.collect::<rusqlite::Result<_>>()?;
    notes.sort_by(|one, other| other.note.weight.total_cmp(&one.note.weight).then(one.id.cmp(&other.id)));
    Ok(notes)
}
