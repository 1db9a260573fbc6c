//! Questions to people, and what agents remember.

use baton_core::clock::Time;
use baton_core::id::{QuestionId, RunId, TaskId};
use baton_core::people::{Answer, StoredQuestion};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::broken;

const COLUMNS: &str = "q.id, q.run_id, q.task_id, b.name, q.question, q.asked_at, q.until, q.answer, q.answered_by, q.answered_at
     FROM question q JOIN body b ON b.task_id = q.task_id";

fn asked(row: &Row<'_>) -> rusqlite::Result<StoredQuestion> {
    let question: String = row.get(4)?;
    let answer = match (row.get(7)?, row.get(8)?, row.get(9)?) {
        (Some(text), Some(by), Some(at)) => Some(Answer { text, by, at: Time(at) }),
        (_, _, _) => None,
    };
    Ok(StoredQuestion {
        id: QuestionId(row.get(0)?),
        run: RunId(row.get(1)?),
        task: TaskId(row.get(2)?),
        of: row.get(3)?,
        question: serde_json::from_str(&question).map_err(broken)?,
        asked: Time(row.get(5)?),
        until: row.get::<_, Option<i64>>(6)?.map(Time),
        answer,
    })
}

/// Questions that a task waits for, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn open(conn: &Connection) -> rusqlite::Result<Vec<StoredQuestion>> {
    let sql = format!(
        "SELECT {COLUMNS} JOIN task t ON t.id = q.task_id WHERE q.answer IS NULL AND t.state = 3 AND t.stage = 3 AND q.id = \
             (SELECT n.id FROM question n WHERE n.task_id = q.task_id ORDER BY n.asked_at DESC, n.id DESC LIMIT 1) \
         ORDER BY q.id"
    );
    conn.prepare(&sql)?.query_map([], asked)?.collect()
}

/// All questions, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn questions(conn: &Connection) -> rusqlite::Result<Vec<StoredQuestion>> {
    conn.prepare(&format!("SELECT {COLUMNS} ORDER BY q.id"))?.query_map([], asked)?.collect()
}

/// # Errors
/// The store can't be read.
pub fn question(conn: &Connection, id: QuestionId) -> rusqlite::Result<Option<StoredQuestion>> {
    conn.query_row(&format!("SELECT {COLUMNS} WHERE q.id = ?1"), [id.0], asked).optional()
}

/// What was asked for a task under this key.
///
/// # Errors
/// The store can't be read.
pub fn keyed(conn: &Connection, task: TaskId, key: &str) -> rusqlite::Result<Option<StoredQuestion>> {
    let mut select = conn.prepare_cached(&format!("SELECT {COLUMNS} WHERE q.task_id = ?1 AND q.key = ?2"))?;
    select.query_row(params![task.0, key], asked).optional()
}

/// What was asked for a task, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn of_task(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<StoredQuestion>> {
    let mut select =
        conn.prepare_cached(&format!("SELECT {COLUMNS} WHERE q.task_id = ?1 ORDER BY q.asked_at, q.id"))?;
    select.query_map([task.0], asked)?.collect()
}

/// # Errors
/// The store can't be read.
pub fn recall(conn: &Connection, agent: &str, key: &str) -> rusqlite::Result<Option<String>> {
    let mut select = conn.prepare_cached("SELECT value FROM memory WHERE agent = ?1 AND key = ?2")?;
    select.query_row([agent, key], |row| row.get(0)).optional()
}

/// # Errors
/// The store can't be read.
pub fn remembered(conn: &Connection, agent: &str, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare_cached(
        "SELECT key FROM memory WHERE agent = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key LIMIT 1000",
    )?;
    select.query_map([agent, prefix], |row| row.get(0))?.collect()
}
