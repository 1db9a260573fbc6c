//! Rows beside the seals that the chains carry.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::error::Reading;
use crate::read;
use crate::reader::Reader;
use crate::seal::{self, GONE, Key, Layout, Seal, Section};
use baton_core::id::{RunId, TaskId};

/// How much is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every table, and whether it may have rows that no event records.
    All,
    /// What the chain of a run, or the host's, vouches for.
    Chain(Option<RunId>),
    /// Decisions, lessons and the states between them, of all runs or of one: what a router can be asked about again.
    Routing(Option<RunId>),
}

impl Extent {
    pub(super) fn has_states(self) -> bool {
        match self {
            Self::All | Self::Routing(None) => true,
            Self::Chain(_) | Self::Routing(Some(_)) => false,
        }
    }

    fn sections(self) -> &'static [Section] {
        match self {
            Self::All | Self::Chain(_) => &Section::ALL,
            Self::Routing(_) => &[Section::Decision, Section::Lesson],
        }
    }

    fn chain(self) -> Option<i64> {
        match self {
            Self::Chain(run) => Some(run.map_or(0, |run| run.0)),
            Self::Routing(Some(run)) => Some(run.0),
            Self::All | Self::Routing(None) => None,
        }
    }
}

/// The newest seal of a section.
struct Said {
    digest: seal::Digest,
    seq: i64,
    run: i64,
}

type Expected = HashMap<(Section, Key), Said>;
/// What is wrong with a row, once for all its sections.
type Findings = BTreeMap<(&'static str, Key), (i64, BTreeSet<String>)>;

pub(super) fn compare(reader: &Reader, extent: Extent) -> Reading<Vec<String>> {
    let mut wrong = Vec::new();
    let mut expected = said(reader, extent, &mut wrong)?;
    let mut findings = Findings::new();
    for section in extent.sections() {
        walk(reader, *section, extent, &mut expected, &mut findings)?;
    }
    for ((section, key), said) in expected {
        let Layout { table, columns, .. } = section.layout();
        let what = if is_there(reader, section, &key)? {
            format!("{}: nothing is there any more of what event {} recorded", names(columns), said.seq)
        } else {
            format!("the row is gone that event {} tells of", said.seq)
        };
        findings.entry((table, key)).or_insert((said.run, BTreeSet::new())).1.insert(what);
    }
    for ((table, key), (run, whats)) in findings {
        let row = named(reader, table, &key, run)?;
        let whats = shortened(whats);
        wrong.extend(whats.into_iter().map(|what| format!("{table} {row}: {what}")));
    }
    Ok(wrong)
}

/// A missing row is reported once, by the newest event that records it.
fn shortened(whats: BTreeSet<String>) -> Vec<String> {
    let (gone, mut others): (Vec<String>, Vec<String>) =
        whats.into_iter().partition(|what| what.starts_with("the row is gone"));
    others.extend(gone.into_iter().next_back());
    others
}

/// What all events together say of each section of each row.
fn said(reader: &Reader, extent: Extent, wrong: &mut Vec<String>) -> Reading<Expected> {
    let mut select = reader.conn.prepare(
        "SELECT seq, run_id, seals FROM event WHERE length(seals) > 0 AND (?1 IS NULL OR run_id = ?1) ORDER BY seq",
    )?;
    let mut rows = select.query([extent.chain()])?;
    let mut expected = Expected::new();
    while let Some(row) = rows.next()? {
        let (seq, run): (i64, i64) = (row.get(0)?, row.get(1)?);
        let Some(seals) = Seal::all(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?) else {
            wrong.push(format!("event {seq}: its seals can't be read"));
            continue;
        };
        for Seal { section, key, digest } in seals {
            if !extent.sections().contains(&section) {
                continue;
            }
            if digest == GONE {
                expected.remove(&(section, key));
            } else {
                expected.insert((section, key), Said { digest, seq, run });
            }
        }
    }
    Ok(expected)
}

fn walk(
    reader: &Reader,
    section: Section,
    extent: Extent,
    expected: &mut Expected,
    findings: &mut Findings,
) -> Reading<()> {
    let Layout { table, keys, columns, .. } = section.layout();
    let all: Vec<&str> = keys.iter().chain(columns).copied().collect();
    let mut select = reader.conn.prepare(&format!("SELECT {} FROM {table}", all.join(", ")))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..all.len()).map(|at| row.get_ref(at)).collect::<rusqlite::Result<Vec<_>>>()?;
        let (key, columns_held) = values.split_at(keys.len());
        let key = Key::of(key.iter().copied());
        let Some(digest) = seal::digest(section, &key, columns_held.iter().copied()) else { continue };
        let (run, what) = match expected.remove(&(section, key.clone())) {
            Some(said) if said.digest == digest => continue,
            Some(said) => (said.run, format!("{} is not what event {} recorded", names(columns), said.seq)),
            None if extent.chain().is_some() => continue,
            None if columns.is_empty() => (0, "no event tells of it".to_owned()),
            None => (0, format!("no event tells of its {}", names(columns))),
        };
        findings.entry((table, key)).or_insert((run, BTreeSet::new())).1.insert(what);
    }
    Ok(())
}

/// The columns as people know them.
fn names(columns: &[&str]) -> String {
    let plain = |column: &&str| {
        let inner = column.strip_prefix("nullif(").and_then(|rest| rest.split_once(','));
        inner.map_or((*column).to_owned(), |(name, _)| name.to_owned())
    };
    let names: Vec<String> = columns.iter().map(plain).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => "it".to_owned(),
    }
}

fn is_there(reader: &Reader, section: Section, key: &Key) -> Reading<bool> {
    let Layout { table, keys, .. } = section.layout();
    let conditions: Vec<String> = keys.iter().map(|column| format!("{column} = ?")).collect();
    let sql = format!("SELECT 1 FROM {table} WHERE {}", conditions.join(" AND "));
    Ok(reader.first(&sql, params_from_iter(key.values()), |_| Ok(()))?.is_some())
}

/// A row as people can find it: its key, and the task or run that it belongs to.
fn named(reader: &Reader, table: &'static str, key: &Key, run: i64) -> Reading<String> {
    let layout = Section::ALL.into_iter().map(Section::layout).find(|layout| layout.table == table);
    let keys = layout.map_or(&[][..], |layout| layout.keys);
    let values = key.values();
    let parts: Vec<String> =
        keys.iter().zip(&values).map(|(name, value)| format!("{name} {}", text(value))).collect();
    let row = parts.join(", ");
    let task = match (table, values.as_slice()) {
        ("attempt" | "task_spec", [Value::Integer(task), ..]) | ("dep", [_, Value::Integer(task)]) => {
            Some(*task)
        }
        (_, _) => None,
    };
    let place = match task {
        Some(task) => read::place(reader, TaskId(task))?,
        None => None,
    };
    let place = place.or((run != 0 && table != "run").then(|| RunId(run).to_string()));
    Ok(match place {
        Some(place) => format!("{row} ({place})"),
        None => row,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Null | Value::Real(_) | Value::Blob(_) => "?".to_owned(),
    }
}
