//! Questions to people, and what agents remember.

use const_format::formatcp;
use rusqlite::{Row, params};

use super::{present, text_json};
use crate::codec::{IS_LIVE, PERSON, WAITING};
use crate::error::Reading;
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::id::{QuestionId, RunId, TaskId};
use baton_core::people::{Answer, StoredQuestion};

const ASKED: &str = "SELECT q.id, q.run_id, q.task_id, s.name, q.question, q.asked_at, q.until, q.answer, \
                     q.answered_by, q.answered_at FROM question q JOIN task_spec s ON s.task_id = q.task_id";

fn asked(row: &Row<'_>) -> rusqlite::Result<StoredQuestion> {
    let answer = match (row.get(7)?, row.get(8)?, row.get(9)?) {
        (Some(text), Some(by), Some(at)) => Some(Answer { text, by, at: Time(at) }),
        (_, _, _) => None,
    };
    Ok(StoredQuestion {
        id: QuestionId(row.get(0)?),
        run: RunId(row.get(1)?),
        task: TaskId(row.get(2)?),
        of: row.get(3)?,
        question: present(text_json(row, 4)?, 4)?,
        asked: Time(row.get(5)?),
        until: row.get::<_, Option<i64>>(6)?.map(Time),
        answer,
    })
}

/// Questions that a task waits for, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn open(reader: &Reader) -> Reading<Vec<StoredQuestion>> {
    let sql = formatcp!(
        "{ASKED} JOIN task t ON t.id = q.task_id \
         WHERE q.answer IS NULL AND {IS_LIVE} AND t.state = {WAITING} AND t.stage = {PERSON} AND q.id = \
             (SELECT n.id FROM question n WHERE n.task_id = q.task_id ORDER BY n.asked_at DESC, n.id DESC LIMIT 1) \
         ORDER BY q.id"
    );
    reader.all(sql, [], asked)
}

/// All questions, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn questions(reader: &Reader) -> Reading<Vec<StoredQuestion>> {
    reader.all(formatcp!("{ASKED} ORDER BY q.id"), [], asked)
}

/// A question by its number.
///
/// # Errors
/// The store can't be read.
pub fn question(reader: &Reader, id: QuestionId) -> Reading<Option<StoredQuestion>> {
    reader.first(formatcp!("{ASKED} WHERE q.id = ?1"), [id.0], asked)
}

/// What was asked for a task under this key.
///
/// # Errors
/// The store can't be read.
pub fn keyed(reader: &Reader, task: TaskId, key: &str) -> Reading<Option<StoredQuestion>> {
    reader.first(formatcp!("{ASKED} WHERE q.task_id = ?1 AND q.key = ?2"), params![task.0, key], asked)
}

/// What was asked for a task, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn of_task(reader: &Reader, task: TaskId) -> Reading<Vec<StoredQuestion>> {
    reader.all(formatcp!("{ASKED} WHERE q.task_id = ?1 ORDER BY q.asked_at, q.id"), [task.0], asked)
}

/// What an agent keeps under a key.
///
/// # Errors
/// The store can't be read.
pub fn recall(reader: &Reader, agent: &str, key: &str) -> Reading<Option<String>> {
    reader.first("SELECT value FROM memory WHERE agent = ?1 AND key = ?2", [agent, key], |row| row.get(0))
}

/// The keys of an agent that begin so, in their order, at most 1,000.
///
/// # Errors
/// The store can't be read.
pub fn remembered(reader: &Reader, agent: &str, prefix: &str) -> Reading<Vec<String>> {
    let sql =
        "SELECT key FROM memory WHERE agent = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key LIMIT 1000";
    reader.all(sql, [agent, prefix], |row| row.get(0))
}
