//! Looking after a store: is it sound, a copy of it, and back from one.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::batch;
use super::chain::{self, Audit};
use super::codec::{self, COLUMNS};
use super::{Home, Lock, OpenError, SCHEMA_VERSION, read};
use crate::event::Event;
use crate::id::{AgentId, RunId, TaskId, TermsId};
use crate::knowledge::{Tally, Underway};
use crate::task::transition::evolve;
use crate::task::{Task, Terms};

/// Everything that `baton db check` finds wrong; nothing if the store is sound.
///
/// # Errors
/// The store can't be read at all.
pub fn check(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut wrong: Vec<String> = Vec::new();
    let integrity: Vec<String> = conn
        .prepare("PRAGMA integrity_check(20)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    wrong.extend(integrity.into_iter().filter(|line| line != "ok").map(|line| format!("SQLite: {line}")));
    wrong.extend(derived(conn)?);
    wrong.extend(replayed(conn)?);
    let runs: Vec<i64> = conn
        .prepare("SELECT run_id FROM chain ORDER BY run_id")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for run in runs {
        let run = (run != 0).then_some(RunId(run));
        let whose = run.map_or("the host".to_owned(), |run| run.to_string());
        match chain::verify(conn, run)? {
            Audit::Intact { .. } => {}
            Audit::Altered { seq, kind } => {
                wrong.push(format!("the record of {whose} was altered at event {seq} ({kind})"))
            }
            Audit::Truncated { last, expected } => {
                wrong.push(format!("the record of {whose} ends at event {last}, expected {expected}"));
            }
        }
    }
    Ok(wrong)
}

/// What SQLite says of its pages: `ok`, or the first thing that is wrong with them.
///
/// # Errors
/// The store can't be read at all.
pub fn quick_check(conn: &Connection) -> rusqlite::Result<String> {
    conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

/// Counters that must equal what they count.
fn derived(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let counters = [
        (
            "deps_left",
            "SELECT id, deps_left, (SELECT count(*) FROM dep WHERE child_id = task.id AND met = 0) AS real FROM task WHERE deps_left <> real",
        ),
        (
            "dependencies met",
            "SELECT d.child_id, d.met, t.state = 5 AS real FROM dep d JOIN task t ON t.id = d.parent_id WHERE d.met <> (t.state = 5)",
        ),
        (
            "ready with dependencies",
            "SELECT id, deps_left, 0 FROM task WHERE state BETWEEN 1 AND 5 AND deps_left > 0",
        ),
        (
            "blocked without dependencies",
            "SELECT id, deps_left, 1 FROM task WHERE state = 0 AND deps_left = 0",
        ),
        (
            "children",
            "SELECT id, kids, (SELECT count(*) FROM task c WHERE c.parent_id = task.id AND c.parent_epoch = task.epoch \
             AND c.role = task.stage) AS real FROM task WHERE state = 3 AND stage < 2 AND kids <> real",
        ),
        (
            "children that ended",
            "SELECT id, kids_ended, (SELECT count(*) FROM task c WHERE c.parent_id = task.id \
             AND c.parent_epoch = task.epoch AND c.role = task.stage AND c.state > 4) AS real \
             FROM task WHERE state = 3 AND stage < 2 AND kids_ended <> real",
        ),
        (
            "open attempts of tasks that ended",
            "SELECT t.id, a.epoch, t.state FROM attempt a JOIN task t ON t.id = a.task_id WHERE t.state > 4 AND a.ended_at IS NULL",
        ),
        ("event numbers", "SELECT max(seq), max(seq), count(*) FROM event HAVING max(seq) <> count(*)"),
    ];
    let mut wrong = Vec::new();
    for (what, sql) in counters {
        let mut select = conn.prepare(sql)?;
        let rows = select
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
        for row in rows {
            let (id, held, real) = row?;
            wrong.push(format!("{what}: t{id} has {held}, expected {real}"));
        }
    }
    Ok(wrong)
}

/// What can be rebuilt from the record alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rebuilt {
    pub tasks: BTreeMap<TaskId, Task>,
    pub tallies: BTreeMap<(AgentId, String), Tally>,
}

/// # Errors
/// The store can't be read.
pub fn rebuild(conn: &Connection) -> rusqlite::Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    let mut underway = Underway::default();
    let mut terms: HashMap<TermsId, Terms> = HashMap::new();
    let mut select = conn.prepare("SELECT seq, at, run_id, task_id, epoch, fact FROM event ORDER BY seq")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Event { seq, at, task, fact, .. } = batch::event(row)?;
        let Some(id) = task else { continue };
        if let crate::event::Fact::Submitted { task } = &fact {
            rebuilt.tasks.insert(id, (**task).clone());
            continue;
        }
        let Some(task) = rebuilt.tasks.get_mut(&id) else { continue };
        evolve(task, at, &fact);
        let terms = match terms.entry(task.terms) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(read::live::terms(conn, task.terms)?),
        };
        if let Some(observation) = underway.tell(seq, at, task, terms, &fact) {
            for skill in observation.cells() {
                let cell = (observation.agent, skill.to_owned());
                rebuilt.tallies.entry(cell).or_default().add(&observation);
            }
        }
    }
    Ok(rebuilt)
}

/// Where tables and the record disagree.
fn replayed(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let Rebuilt { tasks: mut expected, tallies } = rebuild(conn)?;
    let mut wrong = Vec::new();
    let held: BTreeMap<_, _> =
        read::live::tallies(conn)?.into_iter().map(|(agent, skill, tally)| ((agent, skill), tally)).collect();
    for cell @ (agent, skill) in tallies.keys().chain(held.keys().filter(|cell| !tallies.contains_key(cell)))
    {
        if tallies.get(cell) != held.get(cell) {
            wrong.push(format!("what is known of {agent} on {skill:?} is not what its events say"));
        }
    }
    let mut select = conn.prepare(&format!("SELECT {COLUMNS} FROM task ORDER BY id"))?;
    for task in select.query_map([], codec::task)? {
        let task = task?;
        match expected.remove(&task.id) {
            Some(same) if same == task => {}
            Some(other) => wrong.push(format!(
                "{} is {} in its row and {} by its events",
                task.id,
                serde_json::to_string(&task).unwrap_or_default(),
                serde_json::to_string(&other).unwrap_or_default()
            )),
            None => wrong.push(format!("{} has a row and no event", task.id)),
        }
    }
    wrong.extend(expected.keys().map(|id| format!("{id} has events and no row")));
    Ok(wrong)
}

/// Copies a store, also while it is being written.
///
/// # Errors
/// The store can't be read or the copy can't be written.
pub fn backup(conn: &Connection, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError::Unusable { path: to.to_owned(), why: "it exists already".into() });
    }
    let mut copy = Connection::open(to)?;
    Backup::new(conn, &mut copy)?.run_to_completion(4096, std::time::Duration::ZERO, None)?;
    Ok(())
}

/// Puts a copy in a store's place. What was there is kept beside it, as `baton.db.before-restore-N`.
///
/// # Errors
/// The copy is no store of ours, is not sound, or files can't be moved.
pub fn restore(home: &Home, from: &Path, _lock: &Lock) -> Result<(), OpenError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |why: std::io::Error| OpenError::Unusable { path, why: why.to_string() }
    };
    let no_store =
        |why: rusqlite::Error| OpenError::NotAStore { path: from.to_owned(), why: why.to_string() };
    let copy =
        Connection::open_with_flags(from, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(no_store)?;
    let version: i64 = copy.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(no_store)?;
    if version != SCHEMA_VERSION {
        return Err(OpenError::Unusable {
            path: from.to_owned(),
            why: format!("schema {version} is not {SCHEMA_VERSION}"),
        });
    }
    if let Some(first) = check(&copy)?.into_iter().next() {
        return Err(OpenError::Unusable { path: from.to_owned(), why: first });
    }
    drop(copy);
    let database = home.database();
    let beside = database.with_file_name("baton.db.restoring");
    let _ = fs::remove_file(&beside);
    {
        let source = Connection::open_with_flags(from, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut fresh = Connection::open(&beside)?;
        Backup::new(&source, &mut fresh)?.run_to_completion(4096, std::time::Duration::ZERO, None)?;
    }
    fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(unusable(&beside))?;
    let number =
        (1..).find(|number| !database.with_file_name(format!("baton.db.before-restore-{number}")).exists());
    for suffix in ["", "-wal", "-shm"] {
        let part = database.with_file_name(format!("baton.db{suffix}"));
        if part.exists() {
            let aside = format!("baton.db.before-restore-{}{suffix}", number.unwrap_or(0));
            fs::rename(&part, database.with_file_name(aside)).map_err(unusable(&part))?;
        }
    }
    fs::rename(&beside, &database).map_err(unusable(&database))
}
