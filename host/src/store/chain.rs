//! The hash chain of a run's events: whoever alters, removes or reorders one breaks every link after it.

use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;

use crate::clock::Time;
use crate::id::RunId;

/// The first 16 bytes of a blake3 hash: 128 bits against a second pre-image.
pub(super) type Link = [u8; 16];

#[expect(clippy::too_many_arguments, reason = "these are the columns of one row")]
pub(super) fn link(
    before: &Link,
    seq: i64,
    at: Time,
    run: i64,
    task: Option<i64>,
    epoch: u32,
    kind: &str,
    fact: &[u8],
) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    for number in [seq, at.0, run, task.unwrap_or(0), i64::from(epoch)] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(&(kind.len() as u64).to_le_bytes()).update(kind.as_bytes()).update(fact);
    let mut link = Link::default();
    link.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    link
}

/// What a walk along a chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Audit {
    Intact {
        events: u64,
    },
    /// The first event whose link does not follow from the one before it.
    Altered {
        seq: i64,
        kind: String,
    },
    /// Events are missing at the end.
    Truncated {
        last: i64,
        expected: i64,
    },
}

/// Walks the chain of a run, or of the host.
///
/// # Errors
/// The store can't be read.
pub fn verify(conn: &Connection, run: Option<RunId>) -> rusqlite::Result<Audit> {
    let run = run.map_or(0, |run| run.0);
    let mut select = conn.prepare(
        "SELECT seq, at, task_id, epoch, kind, fact, link FROM event WHERE run_id = ?1 ORDER BY seq",
    )?;
    let mut rows = select.query([run])?;
    let (mut before, mut last, mut events) = (Link::default(), 0, 0);
    while let Some(row) = rows.next()? {
        let (seq, kind, fact): (i64, String, Vec<u8>) = (row.get(0)?, row.get(4)?, row.get(5)?);
        let expected = link(&before, seq, Time(row.get(1)?), run, row.get(2)?, row.get(3)?, &kind, &fact);
        if expected != row.get::<_, Link>(6)? {
            return Ok(Audit::Altered { seq, kind });
        }
        (before, last, events) = (expected, seq, events + 1);
    }
    let head: Option<(i64, Link)> = conn
        .query_row("SELECT seq, link FROM chain WHERE run_id = ?1", [run], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(match head {
        Some((expected, head)) if head != before => Audit::Truncated { last, expected },
        Some(_) | None => Audit::Intact { events },
    })
}
