//! Questions to people, and their answers.

use rusqlite::{OptionalExtension as _, ToSql, params};

use super::Applying;
use super::attempt::close;
use super::task::ended;
use crate::batch::Batch;
use crate::error::ApplyError;
use crate::seal::Section;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::event::Fact;
use baton_core::id::{Epoch, QuestionId, TaskId};
use baton_core::op::Reply;
use baton_core::outcome::Report;
use baton_core::people::Question;
use baton_core::task::transition::TaskCommand;
use baton_core::task::{State, WaitingOn};

/// The same question of the same task is stored once. Without an answer the attempt is over.
pub(super) fn ask(
    batch: &mut Batch<'_>,
    task: TaskId,
    epoch: Epoch,
    question: Question,
    until: Option<Time>,
    answer: Option<String>,
) -> Applying {
    let run = batch.task(task)?.run;
    let json = serde_json::to_string(&question).map_err(ApplyError::invalid)?;
    let id = QuestionId(batch.conn.query_row(
        "INSERT INTO question (run_id, task_id, key, question, asked_at, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (task_id, key) DO UPDATE SET question = excluded.question, until = excluded.until,
             asked_at = excluded.asked_at, answer = NULL, answered_by = NULL, answered_at = NULL
         WHERE answer IS NULL OR question <> excluded.question RETURNING id",
        params![run.0, task.0, question.key, json, batch.now.0, until.map(|until| until.0)],
        |row| row.get(0),
    ).optional()?.ok_or_else(|| ApplyError::invalid(format!("{:?} was answered before", question.key)))?);
    let (key, now, until_at) = (question.key.clone(), batch.now.0, until.map(|until| until.0));
    let columns: [&dyn ToSql; 6] = [&run.0, &task.0, &key, &json, &now, &until_at];
    batch.seal(Some(run), Section::QuestionAsked, &[&id.0], &columns)?;
    batch.seal_gone(Some(run), Section::QuestionAnswered, &[&id.0])?;
    let waits = answer.is_none();
    let asked =
        batch.step(task, TaskCommand::Ask { epoch, id, question: Box::new(question), until, waits })?;
    if asked.state.is_terminal() {
        close(batch, &asked, epoch, Ending::Cancelled, &Report::default())?;
        ended(batch, &asked)?;
        return Ok(Reply::Done);
    }
    match answer {
        Some(text) => self::answer(batch, id, text, "policy".into()),
        None => {
            close(batch, &asked, epoch, Ending::Asked, &Report::default())?;
            Ok(Reply::Done)
        }
    }
}

/// An answer counts once. A task that waits for it goes on; one that does not wait any more keeps it for later.
pub(super) fn answer(batch: &mut Batch<'_>, id: QuestionId, text: String, by: String) -> Applying {
    let found: Option<(i64, String, Option<String>)> = batch
        .conn
        .query_row("SELECT task_id, question, answer FROM question WHERE id = ?1", [id.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let (task, json, before) = found.ok_or_else(|| ApplyError::not_found(format!("question {id}")))?;
    if let Some(before) = before {
        return Err(ApplyError::invalid(format!("{id} was answered before: {before:?}")));
    }
    let question: Question =
        serde_json::from_str(&json).map_err(|why| ApplyError::corrupt(&format!("question {id}"), why))?;
    question.takes(&text).map_err(ApplyError::invalid)?;
    batch.conn.execute(
        "UPDATE question SET answer = ?2, answered_by = ?3, answered_at = ?4 WHERE id = ?1",
        params![id.0, text, by, batch.now.0],
    )?;
    let task = batch.task(TaskId(task))?;
    let now = batch.now.0;
    batch.seal(Some(task.run), Section::QuestionAnswered, &[&id.0], &[&text, &by, &now])?;
    // An older question of a task that was run again is not what it waits for.
    let waited_for: i64 = batch.conn.query_row(
        "SELECT id FROM question WHERE task_id = ?1 ORDER BY asked_at DESC, id DESC LIMIT 1",
        [task.id.0],
        |row| row.get(0),
    )?;
    if matches!(task.state, State::Waiting { stage: WaitingOn::Person, .. }) && waited_for == id.0 {
        batch.step_on(task, TaskCommand::Answer { question: id, text, by })?;
    } else {
        // Not the task's: it does not wait for this one, and its record must not say that it went on.
        batch.append(Some(task.run), None, &Fact::Answered { question: id, text, by })?;
    }
    Ok(Reply::Done)
}
