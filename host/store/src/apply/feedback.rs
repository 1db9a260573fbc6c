//! What people think of outcomes.

use rusqlite::{OptionalExtension as _, ToSql, params};

use super::Applying;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::event::Fact;
use baton_core::id::{AgentId, TaskId};
use baton_core::op::{Change, Reply};
use baton_core::outcome::{Check, Report};

/// From here on a verdict is a good one.
const PASSES: f64 = 0.5;

struct Attempt {
    epoch: u32,
    agent: Option<i64>,
    report: Option<Vec<u8>>,
    ended: i64,
    ending: Option<String>,
}

/// Adds a person's verdict to the checks of the last attempt. It changes nothing of what became of the task.
pub(super) fn give(batch: &mut Batch<'_>, task: TaskId, score: f64, note: String, by: String) -> Applying {
    if !(0.0..=1.0).contains(&score) {
        return Err(ApplyError::invalid(format!("a score is 0.0 to 1.0, not {score}")));
    }
    let task = batch.task(task)?;
    let last: Option<Attempt> = batch
        .conn
        .query_row(
            "SELECT epoch, agent_id, report, ended_at, ending FROM attempt WHERE task_id = ?1 AND ended_at IS NOT NULL ORDER BY epoch DESC LIMIT 1",
            [task.id.0],
            |row| {
                Ok(Attempt {
                    epoch: row.get(0)?,
                    agent: row.get(1)?,
                    report: row.get(2)?,
                    ended: row.get(3)?,
                    ending: row.get(4)?,
                })
            },
        )
        .optional()?;
    let Attempt { epoch, agent, report, ended, ending } =
        last.ok_or_else(|| ApplyError::invalid("it has no outcome yet that could be rated"))?;
    let broken = |why| ApplyError::corrupt(&format!("the report of {}", task.id), why);
    let mut report: Report =
        report.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?.unwrap_or_default();
    let passed = score >= PASSES;
    report.checks.push(Check {
        validator: "person".into(),
        place: usize::MAX,
        name: "feedback".into(),
        score,
        passed,
        label: format!("{} by {by}", if passed { "good" } else { "bad" }),
        explanation: note.clone(),
    });
    let json = serde_json::to_vec(&report).map_err(ApplyError::invalid)?;
    batch.conn.execute(
        "UPDATE attempt SET report = ?3 WHERE task_id = ?1 AND epoch = ?2",
        params![task.id.0, epoch, json],
    )?;
    batch.conn.execute(
        "INSERT INTO feedback (task_id, epoch, agent_id, score, note, by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![task.id.0, epoch, agent, score, note, by, batch.now.0],
    )?;
    let (id, run) = (batch.conn.last_insert_rowid(), Some(task.run));
    batch.seal(run, Section::AttemptEnded, &[&task.id.0, &epoch], &[&ended, &ending, &json])?;
    let now = batch.now.0;
    let columns: [&dyn ToSql; 7] = [&task.id.0, &epoch, &agent, &score, &note, &by, &now];
    batch.seal(run, Section::Feedback, &[&id], &columns)?;
    if let Some(agent) = agent {
        let skills = batch.terms(task.terms)?.skills.clone();
        batch.also.push(Change::Feedback { agent: AgentId(agent), skills, score });
    }
    batch.append(Some(task.run), Some(&task), &Fact::Feedback { score, note, by })?;
    Ok(Reply::Done)
}
