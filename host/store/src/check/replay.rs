//! What the events alone say of tasks and statistics, beside the rows; and counters beside what they count.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use const_format::formatcp;
use serde::Serialize;

use crate::batch::{self, EVENT_COLUMNS};
use crate::codec::{
    self, ACCEPTANCE, BACKOFF, BLOCKED, COLUMNS, EVIDENCE, EXECUTOR, IS_LIVE, PART, READY, RUNNING,
    SUCCEEDED, WAITING,
};
use crate::error::Reading;
use crate::read;
use crate::reader::Reader;
use baton_core::clock::Time;
use baton_core::event::{Event, Fact};
use baton_core::id::{AgentId, TaskId, TermsId};
use baton_core::knowledge::{OpenAttempts, Tally};
use baton_core::task::transition::evolve;
use baton_core::task::{State, Task, TaskPolicy};

/// Whether a child is of the role that its parent's stage waits for. Only executors and validators wait for more than one
/// child, so only there are children counted.
const COUNTED: &str = formatcp!(
    "((task.stage = {EXECUTOR} AND c.role = {PART}) OR (task.stage = {ACCEPTANCE} AND c.role = {EVIDENCE}))"
);
const WAITS: &str = formatcp!("task.state = {WAITING} AND task.stage IN ({EXECUTOR}, {ACCEPTANCE})");

/// What must not be, as the number of a task, what is held of it and what it should be.
const COUNTERS: [(&str, &str); 7] = [
    (
        "deps_left",
        "SELECT id, deps_left, (SELECT count(*) FROM dep WHERE child_id = task.id AND met = 0) AS real FROM task \
         WHERE deps_left <> real",
    ),
    (
        "ready with dependencies",
        formatcp!(
            "SELECT id, deps_left, 0 FROM task WHERE state IN ({READY}, {RUNNING}, {WAITING}, {BACKOFF}, {SUCCEEDED}) AND deps_left > 0"
        ),
    ),
    (
        "blocked without dependencies",
        formatcp!("SELECT id, deps_left, 1 FROM task WHERE state = {BLOCKED} AND deps_left = 0"),
    ),
    (
        "children",
        formatcp!(
            "SELECT id, children, (SELECT count(*) FROM task c WHERE c.parent_id = task.id AND c.parent_epoch = task.epoch \
             AND {COUNTED}) AS real FROM task WHERE {WAITS} AND children <> real"
        ),
    ),
    (
        "children that ended",
        formatcp!(
            "SELECT id, children_ended, (SELECT count(*) FROM task c WHERE c.parent_id = task.id \
             AND c.parent_epoch = task.epoch AND {COUNTED} AND NOT c.{IS_LIVE}) AS real \
             FROM task WHERE {WAITS} AND children_ended <> real"
        ),
    ),
    (
        "open attempts of tasks that ended",
        formatcp!(
            "SELECT t.id, a.epoch, t.state FROM attempt a JOIN task t ON t.id = a.task_id \
             WHERE NOT t.{IS_LIVE} AND a.ended_at IS NULL"
        ),
    ),
    ("event numbers", "SELECT max(seq), max(seq), count(*) FROM event HAVING max(seq) <> count(*)"),
];

/// Counters that must equal what they count.
pub(super) fn derived(reader: &Reader) -> Reading<Vec<String>> {
    let mut wrong = Vec::new();
    for (what, sql) in COUNTERS {
        let found = reader
            .all(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
        let said = |(id, held, real)| format!("{what}: t{id} has {held}, expected {real}");
        wrong.extend(found.into_iter().map(said));
    }
    Ok(wrong)
}

/// A task with what its row has beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    #[serde(flatten)]
    task: Task,
    /// 1 = a dead letter that was given up.
    dropped: i64,
    /// 1 = taken out of the plan by an amendment.
    removed: i64,
}

impl Row {
    fn evolve(&mut self, at: Time, fact: &Fact) {
        evolve(&mut self.task, at, fact);
        match fact {
            Fact::Dropped => self.dropped = 1,
            Fact::Redriven => self.dropped = 0,
            Fact::Removed => self.removed = 1,
            _ => {}
        }
    }

    /// A renewal is no event: a lease that lasts longer than the record says is none the worse.
    fn renewed_like(&mut self, row: &Self) {
        if let (State::Running { lease_until, .. }, State::Running { lease_until: held, .. }) =
            (&mut self.task.state, row.task.state)
        {
            *lease_until = held.max(*lease_until);
        }
    }
}

/// Edges of which it is not true whether they are met.
pub(super) fn edges(reader: &Reader) -> Reading<Vec<String>> {
    let sql = formatcp!(
        "SELECT d.parent_id, d.child_id, d.met, t.state = {SUCCEEDED} AS real FROM dep d JOIN task t ON t.id = d.parent_id \
         WHERE d.met <> real ORDER BY d.parent_id, d.child_id"
    );
    reader.all(sql, [], |row| {
        let number = |column| row.get::<_, i64>(column);
        let (parent, child, met, real) = (number(0)?, number(1)?, number(2)?, number(3)?);
        Ok(format!("dep parent_id {parent}, child_id {child}: met is {met}, expected {real}"))
    })
}

/// What can be rebuilt from the record alone.
#[derive(Default)]
struct Rebuilt {
    tasks: BTreeMap<TaskId, Row>,
    tallies: BTreeMap<(AgentId, String), Tally>,
}

fn rebuild(reader: &Reader) -> Reading<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    let mut underway = OpenAttempts::default();
    let mut terms: HashMap<TermsId, TaskPolicy> = HashMap::new();
    let mut select = reader.conn.prepare(&format!("SELECT {EVENT_COLUMNS} FROM event ORDER BY seq"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let Event { seq, at, task, fact, .. } = batch::event(row)?;
        let Some(id) = task else { continue };
        if let Fact::Submitted { task } = &fact {
            rebuilt.tasks.insert(id, Row { task: (**task).clone(), dropped: 0, removed: 0 });
            continue;
        }
        let Some(row) = rebuilt.tasks.get_mut(&id) else { continue };
        row.evolve(at, &fact);
        let task = &row.task;
        let terms = match terms.entry(task.terms) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(read::live::terms(reader, task.terms)?),
        };
        if let Some(observation) = underway.observe(seq, at, task, terms, &fact) {
            for skill in observation.cells() {
                let cell = (observation.agent, skill.to_owned());
                rebuilt.tallies.entry(cell).or_default().add(&observation);
            }
        }
    }
    Ok(rebuilt)
}

fn kept(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let task = codec::task(row)?;
    if !codec::is_exact(row, &task)? {
        let why = format!("it is {}, and other columns are not what that leaves in them", task.state.name());
        return Err(rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Integer, why.into()));
    }
    Ok(Row { task, dropped: row.get("dropped")?, removed: row.get("removed")? })
}

/// The statistics that are kept, as they are kept.
fn statistics(reader: &Reader) -> Reading<BTreeMap<(AgentId, String), String>> {
    let kept = reader.all("SELECT agent_id, skill, tally FROM tally", [], |row| {
        Ok(((AgentId(row.get(0)?), row.get(1)?), row.get(2)?))
    })?;
    Ok(kept.into_iter().collect())
}

/// Where tables and the record disagree.
pub(super) fn replayed(reader: &Reader) -> Reading<Vec<String>> {
    let Rebuilt { tasks: mut expected, tallies } = rebuild(reader)?;
    let mut wrong = Vec::new();
    let held = statistics(reader)?;
    let tallies: BTreeMap<(AgentId, String), String> = tallies
        .into_iter()
        .map(|(cell, tally)| (cell, serde_json::to_string(&tally).unwrap_or_default()))
        .collect();
    for cell @ (agent, skill) in tallies.keys().chain(held.keys().filter(|cell| !tallies.contains_key(cell)))
    {
        if tallies.get(cell) != held.get(cell) {
            wrong.push(format!("what is known of {agent} on {skill:?} is not what its events say"));
        }
    }
    let mut select =
        reader.conn.prepare(&format!("SELECT {COLUMNS}, dropped, removed FROM task ORDER BY id"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id = TaskId(row.get(0)?);
        let held = kept(row);
        let mut events = expected.remove(&id);
        if let (Ok(held), Some(events)) = (&held, &mut events) {
            events.renewed_like(held);
        }
        match (held, events) {
            (Ok(held), Some(events)) if held == events => {}
            (Ok(held), Some(events)) => wrong.push(format!(
                "{id} is {} in its row and {} by its events",
                serde_json::to_string(&held).unwrap_or_default(),
                serde_json::to_string(&events).unwrap_or_default()
            )),
            (Ok(_), None) => wrong.push(format!("{id} has a row and no event")),
            (Err(why), _) => wrong.push(format!("{id} has a row that holds no task: {why}")),
        }
    }
    wrong.extend(expected.keys().map(|id| format!("{id} has events and no row")));
    Ok(wrong)
}
