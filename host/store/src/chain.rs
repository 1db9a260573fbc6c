//! The hash chain of a run's events: altering, removing or reordering one breaks the link after it.

use std::fmt;

use rusqlite::{Connection, OptionalExtension as _, params};
use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

use super::error::Reading;
use super::lines::Line;
use super::reader::Reader;
use baton_core::clock::Time;
use baton_core::id::RunId;

/// The first 16 bytes of a blake3 hash: 128 bits against a second pre-image.
pub(super) type Link = [u8; 16];

/// Where a chain ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The commit number of its last event.
    pub(super) seq: i64,
    /// How many events it has.
    pub(super) number: i64,
    pub(super) link: Link,
}

/// The link of an event whose `head` has its own numbers and the link before it.
pub(super) fn link(head: &Head, line: &Line<'_>) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head.link);
    for number in [head.number, line.seq, line.at.0, line.run, i64::from(line.epoch)] {
        hasher.update(&number.to_le_bytes());
    }
    match line.task {
        None => hasher.update(&[0]),
        Some(task) => hasher.update(&[1]).update(&task.to_le_bytes()),
    };
    for bytes in [line.kind.as_bytes(), &line.fact, &line.seals] {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    let mut link = Link::default();
    link.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    link
}

/// What a walk along a chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Walk {
    /// How many there are.
    pub events: u64,
    /// In the order of the chain.
    pub breaks: Vec<Break>,
}

/// Where a chain is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Break {
    /// The event does not follow from the one before it.
    Altered {
        /// The event.
        seq: i64,
        /// Its kind.
        kind: String,
    },
    /// Events with these numbers are not there; the next one is `before`.
    Missing {
        /// The first of them, counted in its run.
        first: i64,
        /// The last of them.
        last: i64,
        /// The event that is there again.
        before: i64,
    },
    /// An event whose number another one has already.
    Twice {
        /// The later one.
        seq: i64,
        /// Its kind.
        kind: String,
    },
    /// Events are missing at the end, or were added to it.
    Truncated {
        /// The last event that is there.
        last: i64,
        /// The one that was kept as the last.
        expected: i64,
    },
    /// The end of the chain was not kept.
    Headless,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { seq, kind } => write!(f, "altered at event {seq} ({kind})"),
            Self::Missing { first, last, before } if first == last => {
                write!(f, "event number {first}, before event {before}, is gone")
            }
            Self::Missing { first, last, before } => {
                write!(f, "event numbers {first} to {last}, before event {before}, are gone")
            }
            Self::Twice { seq, kind } => write!(f, "event {seq} ({kind}) has the number of an earlier one"),
            Self::Truncated { last, expected } => {
                write!(f, "cut off after event {last}, expected {expected}")
            }
            Self::Headless => write!(f, "its row of the table chain is gone"),
        }
    }
}

/// Walks the chain of a run, or of the host. After a break it goes on from the link that is stored, so that each break
/// is found and not only the first.
///
/// # Errors
/// The store can't be read.
pub fn verify(reader: &Reader, run: Option<RunId>) -> Reading<Walk> {
    let run = run.map_or(0, |run| run.0);
    let mut select = reader.conn.prepare(
        "SELECT seq, at, task_id, epoch, kind, fact, seals, number, link FROM event WHERE run_id = ?1 ORDER BY seq",
    )?;
    let mut rows = select.query([run])?;
    let mut walk = Walk::default();
    let mut at = Head::default();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(4)?;
        let head = Head { seq: row.get(0)?, number: row.get(7)?, link: link_of(row, 8)? };
        let line = Line {
            seq: head.seq,
            at: Time(row.get(1)?),
            run,
            task: row.get(2)?,
            epoch: u32::try_from(row.get::<_, i64>(3)?).unwrap_or(u32::MAX),
            kind: &kind,
            fact: row.get(5)?,
            seals: row.get(6)?,
        };
        if head.number > at.number + 1 {
            let (first, last) = (at.number + 1, head.number - 1);
            walk.breaks.push(Break::Missing { first, last, before: head.seq });
        } else if head.number <= at.number {
            walk.breaks.push(Break::Twice { seq: head.seq, kind });
            walk.events += 1;
            continue;
        } else if link(&Head { link: at.link, ..head }, &line) != head.link {
            walk.breaks.push(Break::Altered { seq: head.seq, kind });
        }
        at = head;
        walk.events += 1;
    }
    let kept = head(&reader.conn, run)?;
    match kept {
        Some(kept) if kept != at => {
            walk.breaks.push(Break::Truncated { last: at.seq, expected: kept.seq });
        }
        None if walk.events > 0 => walk.breaks.push(Break::Headless),
        Some(_) | None => {}
    }
    Ok(walk)
}

/// A stored link; one of another length is as wrong as any.
fn link_of(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Link> {
    Ok(row.get_ref(column)?.as_blob()?.try_into().unwrap_or_default())
}

/// The end of a chain as it was kept.
pub(super) fn head(conn: &Connection, run: i64) -> rusqlite::Result<Option<Head>> {
    conn.prepare_cached("SELECT seq, number, link FROM chain WHERE run_id = ?1")?
        .query_row([run], |row| Ok(Head { seq: row.get(0)?, number: row.get(1)?, link: link_of(row, 2)? }))
        .optional()
}

pub(super) fn keep_head(conn: &Connection, run: i64, head: &Head) -> rusqlite::Result<()> {
    let mut upsert = conn.prepare_cached(
        "INSERT INTO chain (run_id, seq, number, link) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (run_id) DO UPDATE SET seq = excluded.seq, number = excluded.number, link = excluded.link",
    )?;
    upsert.execute(params![run, head.seq, head.number, head.link])?;
    Ok(())
}

/// Every chain there should be: of the host, of each run that has a row, and whatever else events or ends of chains
/// are of.
///
/// # Errors
/// The store can't be read.
pub fn all(reader: &Reader) -> Reading<Vec<Option<RunId>>> {
    let sql = "SELECT 0 UNION SELECT id FROM run UNION SELECT run_id FROM event UNION SELECT run_id FROM chain ORDER BY 1";
    reader.all(sql, [], |row| Ok(Some(row.get(0)?).filter(|run| *run != 0).map(RunId)))
}

/// A digest of all chains up to an event. Kept elsewhere, it tells whether the record was written anew since:
/// who can write the file can recompute every digest in it, but not this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The newest event.
    pub seq: i64,
    digest: Link,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.seq)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Seen {
    type Err = NotSeen;

    fn from_str(text: &str) -> Result<Self, NotSeen> {
        let read = || {
            let (seq, hex) = text.split_once('-')?;
            let mut digest = Link::default();
            if hex.len() != 2 * digest.len() || !hex.is_ascii() {
                return None;
            }
            for (byte, at) in digest.iter_mut().zip((0..hex.len()).step_by(2)) {
                *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
            }
            Some(Self { seq: seq.parse().ok()?, digest })
        };
        read().ok_or_else(|| NotSeen(text.to_owned()))
    }
}

/// A text that is no [`Seen`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected what `baton audit head` printed, such as 812-4c1f… with 32 hexadecimal digits, not {0:?}")]
pub struct NotSeen(String);

/// What the chains come to by the ends that are kept of them.
pub(super) fn ends(reader: &Reader) -> Reading<Seen> {
    digested(reader, "SELECT run_id, number, link, seq FROM chain WHERE seq <= ?1 ORDER BY run_id", None)
}

/// What the chains come to up to this event, or up to the newest.
///
/// # Errors
/// The store can't be read.
pub fn seen(reader: &Reader, upto: Option<i64>) -> Reading<Seen> {
    let sql =
        "SELECT run_id, number, link, max(seq) FROM event WHERE seq <= ?1 GROUP BY run_id ORDER BY run_id";
    digested(reader, sql, upto)
}

fn digested(reader: &Reader, sql: &str, upto: Option<i64>) -> Reading<Seen> {
    let mut select = reader.conn.prepare(sql)?;
    let mut rows = select.query([upto.unwrap_or(i64::MAX)])?;
    let mut hasher = blake3::Hasher::new();
    let mut newest = 0;
    while let Some(row) = rows.next()? {
        for column in [0, 1, 3] {
            hasher.update(&row.get::<_, i64>(column)?.to_le_bytes());
        }
        hasher.update(&link_of(row, 2)?);
        newest = newest.max(row.get(3)?);
    }
    let mut digest = Link::default();
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Ok(Seen { seq: upto.unwrap_or(newest), digest })
}
