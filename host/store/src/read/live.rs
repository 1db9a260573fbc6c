//! What the scheduler needs: what is alive, and the whole of a task when its turn comes.

use std::collections::{HashMap, HashSet};

use baton_core::agent::{Agent, Standing};
use baton_core::budget::{Basis, Bill};
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::Fault;
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::knowledge::Tally;
use baton_core::outcome::{Outcome, Report};
use baton_core::task::child::{AttemptTotals, Child};
use baton_core::task::{Role, StateName, Task, TaskPolicy};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::codec::{self, COLUMNS};
use super::broken;

/// Every task that has not ended, by id.
///
/// # Errors
/// The store can't be read.
pub fn tasks(conn: &Connection, mut each: impl FnMut(Task)) -> rusqlite::Result<()> {
    let mut select = conn.prepare(&format!("SELECT {COLUMNS} FROM task WHERE state < 5 ORDER BY id"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        each(codec::task(row)?);
    }
    Ok(())
}

/// How many tasks strategies asked for in each run that goes on: parts, evidence and consultations.
///
/// # Errors
/// The store can't be read.
pub fn asked_for(conn: &Connection) -> rusqlite::Result<HashMap<RunId, [u32; 3]>> {
    let mut select = conn.prepare(
        "SELECT t.run_id, t.role, count(*) FROM task t JOIN run r ON r.id = t.run_id \
         WHERE t.parent_id IS NOT NULL AND r.settled_at IS NULL GROUP BY t.run_id, t.role",
    )?;
    let mut rows = select.query([])?;
    let mut runs: HashMap<RunId, [u32; 3]> = HashMap::new();
    while let Some(row) = rows.next()? {
        let counts = runs.entry(RunId(row.get(0)?)).or_default();
        if let Some(count) = counts.get_mut(usize::from(row.get::<_, u8>(1)?)) {
            *count = row.get(2)?;
        }
    }
    Ok(runs)
}

/// # Errors
/// The store can't be read.
pub fn terms(conn: &Connection, id: TermsId) -> rusqlite::Result<TaskPolicy> {
    let json: String =
        conn.prepare_cached("SELECT json FROM terms WHERE id = ?1")?.query_row([id.0], |row| row.get(0))?;
    serde_json::from_str(&json).map_err(broken)
}

/// Every registered agent, by name.
///
/// # Errors
/// The store can't be read.
pub fn agents(conn: &Connection) -> rusqlite::Result<Vec<Agent>> {
    let mut select =
        conn.prepare_cached("SELECT id, card, draining, breaker FROM agent WHERE removed = 0 ORDER BY name")?;
    let mut rows = select.query([])?;
    let mut agents = Vec::new();
    while let Some(row) = rows.next()? {
        let (card, breaker): (String, String) = (row.get(1)?, row.get(3)?);
        agents.push(Agent {
            id: AgentId(row.get(0)?),
            card: serde_json::from_str(&card).map_err(broken)?,
            standing: if row.get(2)? { Standing::Draining } else { Standing::Active },
            breaker: serde_json::from_str(&breaker).map_err(broken)?,
        });
    }
    Ok(agents)
}

/// Names of agents, also of those that were removed.
///
/// # Errors
/// The store can't be read.
pub fn agent_names(conn: &Connection) -> rusqlite::Result<HashMap<AgentId, String>> {
    let mut select = conn.prepare_cached("SELECT id, name FROM agent")?;
    select.query_map([], |row| Ok((AgentId(row.get(0)?), row.get(1)?)))?.collect()
}

/// What is known of agents' work, by agent and skill; the empty skill stands for all of it.
///
/// # Errors
/// The store can't be read.
pub fn tallies(conn: &Connection) -> rusqlite::Result<Vec<(AgentId, String, Tally)>> {
    let mut select = conn.prepare("SELECT agent_id, skill, tally FROM tally ORDER BY agent_id, skill")?;
    let rows = select.query_map([], |row| {
        let json: String = row.get(2)?;
        Ok((AgentId(row.get(0)?), row.get(1)?, serde_json::from_str(&json).map_err(broken)?))
    })?;
    rows.collect()
}

/// What people think of an agent's work on a skill.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackSummary {
    pub agent: AgentId,
    pub skill: String,
    pub verdicts: u32,
    /// 0.0 to 1.0.
    pub mean_score: f64,
}

/// # Errors
/// The store can't be read.
pub fn praise(conn: &Connection) -> rusqlite::Result<Vec<FeedbackSummary>> {
    let mut select = conn.prepare(
        "SELECT f.agent_id, s.value, count(*), avg(f.score) \
         FROM feedback f JOIN task t ON t.id = f.task_id JOIN terms k ON k.id = t.terms_id, json_each(k.json, '$.skills') s \
         WHERE f.agent_id IS NOT NULL GROUP BY f.agent_id, s.value",
    )?;
    let rows = select.query_map([], |row| {
        Ok(FeedbackSummary {
            agent: AgentId(row.get(0)?),
            skill: row.get(1)?,
            verdicts: row.get(2)?,
            mean_score: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// The children of one try of a task, in the order of their creation.
///
/// # Errors
/// The store can't be read.
pub fn children(conn: &Connection, parent: TaskId, epoch: Epoch, role: Role) -> rusqlite::Result<Vec<Child>> {
    let mut select = conn.prepare_cached(
        "SELECT t.id, b.name, t.state, \
                (SELECT a.report FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1), \
                (SELECT g.name FROM attempt a JOIN agent g ON g.id = a.agent_id WHERE a.task_id = t.id \
                 ORDER BY a.epoch DESC LIMIT 1), \
                (SELECT min(a.started_at) FROM attempt a WHERE a.task_id = t.id), \
                (SELECT max(a.ended_at) FROM attempt a WHERE a.task_id = t.id), t.attempts, \
                (SELECT a.bill FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1) \
         FROM task t JOIN body b ON b.task_id = t.id \
         WHERE t.parent_id = ?1 AND t.parent_epoch = ?2 AND t.role = ?3 ORDER BY t.id",
    )?;
    let mut rows = select.query(params![parent.0, epoch.0, codec::role_number(role)])?;
    let mut children = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, report): (String, Option<Vec<u8>>) = (row.get(1)?, row.get(3)?);
        let own = name.rsplit_once('/').map_or(name.as_str(), |(_, own)| own);
        let bill: Option<String> = row.get(8)?;
        let bill: Option<Bill> = bill.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)?;
        children.push(Child {
            task: TaskId(row.get(0)?),
            name: own.split_once('~').map_or(own, |(own, _)| own).to_owned(),
            state: super::state_word(row.get(2)?),
            report: priced(
                report.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?,
                bill,
            ),
            totals: AttemptTotals {
                agent: row.get(4)?,
                started: row.get::<_, Option<i64>>(5)?.map(Time),
                ended: row.get::<_, Option<i64>>(6)?.map(Time),
                attempts: row.get(7)?,
                cost_known: true,
                ..AttemptTotals::default()
            },
        });
    }
    drop(rows);
    add_efforts(conn, &mut children, params![parent.0, epoch.0, codec::role_number(role)])?;
    let unexplained = |child: &Child| child.state == StateName::Failed && child.report.fault.is_none();
    if children.iter().any(unexplained) {
        let mut failures = failures(conn, parent)?;
        for child in children.iter_mut().filter(|child| unexplained(child)) {
            child.report.fault = failures.remove(&child.task);
        }
    }
    Ok(children)
}

/// What was worked and spent on each child and on all below it: parts, evidence, consultations.
fn add_efforts(
    conn: &Connection,
    children: &mut [Child],
    of: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<()> {
    let mut select = conn.prepare_cached(
        "WITH RECURSIVE family(root, id) AS ( \
           SELECT id, id FROM task WHERE parent_id = ?1 AND parent_epoch = ?2 AND role = ?3 \
           UNION ALL SELECT family.root, t.id FROM family JOIN task t ON t.parent_id = family.id) \
         SELECT family.root, coalesce(a.claimed_at, a.ended_at, a.started_at) - a.started_at, a.bill \
         FROM family JOIN attempt a ON a.task_id = family.id WHERE a.agent_id IS NOT NULL",
    )?;
    let places: HashMap<TaskId, usize> =
        children.iter().enumerate().map(|(place, child)| (child.task, place)).collect();
    let mut rows = select.query(of)?;
    while let Some(row) = rows.next()? {
        let Some(child) = places.get(&TaskId(row.get(0)?)).and_then(|place| children.get_mut(*place)) else {
            continue;
        };
        let bill: Option<String> = row.get(2)?;
        let bill: Option<Bill> = bill.map(|json| serde_json::from_str(&json)).transpose().map_err(broken)?;
        let facts = &mut child.totals;
        facts.work_ms += row.get::<_, i64>(1)?.unsigned_abs();
        match bill.as_ref().and_then(baton_core::knowledge::OpenAttempt::cost) {
            Some(cost) => facts.cost_micros = facts.cost_micros.saturating_add(cost),
            None => facts.cost_known = false,
        }
    }
    Ok(())
}

/// A report with what its attempt cost, where its agent did not know.
fn priced(report: Option<Report>, bill: Option<Bill>) -> Report {
    let mut report = report.unwrap_or_default();
    let known = bill.filter(|bill| matches!(bill.basis, Basis::Reported | Basis::Priced));
    if let (Some(outcome), Some(bill)) = (&mut report.outcome, known) {
        outcome.usage.cost_micros = Some(bill.cost.0);
    }
    report
}

/// Why children failed, by the record: for those that no attempt failed for.
fn failures(conn: &Connection, parent: TaskId) -> rusqlite::Result<HashMap<TaskId, Fault>> {
    let mut select = conn.prepare_cached(
        "SELECT e.task_id, e.fact FROM event e JOIN task t ON t.id = e.task_id \
         WHERE e.run_id = (SELECT run_id FROM task WHERE id = ?1) AND e.kind = 'failed' AND t.parent_id = ?1 ORDER BY e.seq",
    )?;
    let mut rows = select.query([parent.0])?;
    let mut failures = HashMap::new();
    while let Some(row) = rows.next()? {
        let fact: Vec<u8> = row.get(1)?;
        if let Fact::Failed { fault } = serde_json::from_slice(&fact).map_err(broken)? {
            failures.insert(TaskId(row.get(0)?), fault);
        }
    }
    Ok(failures)
}

/// The report of one attempt.
///
/// # Errors
/// The store can't be read.
pub fn report(conn: &Connection, task: TaskId, epoch: Epoch) -> rusqlite::Result<Report> {
    let mut select = conn.prepare_cached("SELECT report FROM attempt WHERE task_id = ?1 AND epoch = ?2")?;
    let json: Option<Vec<u8>> = select.query_row(params![task.0, epoch.0], |row| row.get(0))?;
    Ok(json.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?.unwrap_or_default())
}

/// A task and all below it.
///
/// # Errors
/// The store can't be read.
pub fn family(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<TaskId>> {
    let mut select = conn.prepare_cached(
        "WITH RECURSIVE down (id) AS (
             SELECT ?1 UNION SELECT t.id FROM task t JOIN down ON t.parent_id = down.id
         ) SELECT id FROM down",
    )?;
    select.query_map([task.0], |row| Ok(TaskId(row.get(0)?)))?.collect()
}

/// What the tasks came to on which a task depends, by their names.
///
/// # Errors
/// The store can't be read.
pub fn inputs(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<(String, Outcome)>> {
    let mut select = conn.prepare_cached(
        "SELECT b.name, a.report FROM dep d JOIN body b ON b.task_id = d.parent_id \
         JOIN attempt a ON a.task_id = d.parent_id AND a.ending = 'accepted' \
         WHERE d.child_id = ?1 ORDER BY b.name, a.epoch",
    )?;
    let mut rows = select.query([task.0])?;
    let mut inputs = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, json): (String, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        let report: Option<Report> =
            json.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?;
        let own = name.rsplit_once('/').map_or(name.as_str(), |(_, own)| own);
        let own = own.split_once('~').map_or(own, |(own, _)| own).to_owned();
        inputs.extend(report.and_then(|report| report.outcome).map(|outcome| (own, outcome)));
    }
    Ok(inputs)
}

/// How the last attempt that is over ended.
///
/// # Errors
/// The store can't be read.
pub fn last_ending(conn: &Connection, task: TaskId) -> rusqlite::Result<Option<String>> {
    let mut select = conn.prepare_cached(
        "SELECT ending FROM attempt WHERE task_id = ?1 AND ending IS NOT NULL ORDER BY epoch DESC LIMIT 1",
    )?;
    select.query_row([task.0], |row| row.get(0)).optional()
}

/// Who made an attempt.
///
/// # Errors
/// The store can't be read.
pub fn attempted_by(conn: &Connection, task: TaskId, epoch: Epoch) -> rusqlite::Result<Option<String>> {
    let mut select = conn.prepare_cached(
        "SELECT g.name FROM attempt a JOIN agent g ON g.id = a.agent_id WHERE a.task_id = ?1 AND a.epoch = ?2",
    )?;
    select.query_row(params![task.0, epoch.0], |row| row.get(0)).optional()
}

/// The agents that were given siblings of the same group; none for one that was given to nobody yet.
///
/// # Errors
/// The store can't be read.
pub fn given_apart(
    conn: &Connection,
    task: &Task,
    group: &str,
) -> rusqlite::Result<Vec<(TaskId, Option<AgentId>)>> {
    let Some(parent) = task.parent else { return Ok(Vec::new()) };
    let mut select = conn.prepare_cached(
        "SELECT t.id, (SELECT a.agent_id FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1) \
         FROM task t JOIN body b ON b.task_id = t.id \
         WHERE t.parent_id = ?1 AND t.parent_epoch = ?2 AND t.id <> ?3 \
               AND json_extract(CAST(b.spec AS TEXT), '$.apart') = ?4",
    )?;
    let rows = select.query_map(params![parent.id.0, parent.epoch.0, task.id.0, group], |row| {
        Ok((TaskId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(AgentId)))
    })?;
    rows.collect()
}

/// The outcome that a task claimed and validators still judge.
///
/// # Errors
/// The store can't be read.
pub fn claimed(conn: &Connection, task: TaskId, epoch: Epoch) -> rusqlite::Result<Option<Outcome>> {
    Ok(report(conn, task, epoch)?.outcome)
}

/// Why earlier attempts failed or were refused, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn feedback(conn: &Connection, task: TaskId) -> rusqlite::Result<Vec<String>> {
    let mut select = conn
        .prepare_cached("SELECT report FROM attempt WHERE task_id = ?1 AND ending IN ('unaccepted', 'invalid-output', 'refused', 'conflicted') ORDER BY epoch")?;
    let mut rows = select.query([task.0])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        let json: Option<Vec<u8>> = row.get(0)?;
        let report: Report =
            json.map(|json| serde_json::from_slice(&json)).transpose().map_err(broken)?.unwrap_or_default();
        let refused = report.checks.iter().filter(|check| !check.passed);
        let mut said: Vec<String> =
            refused.map(|check| format!("{}: {}", check.name, check.explanation)).collect();
        if said.is_empty() {
            said.extend(report.fault.as_ref().map(Fault::to_string));
        }
        texts.extend(said);
    }
    Ok(texts)
}

/// The outcome of the newest consultation of a task at this epoch, and how many there were.
///
/// # Errors
/// The store can't be read.
pub fn consulted(
    conn: &Connection,
    task: TaskId,
    epoch: Epoch,
) -> rusqlite::Result<(usize, Option<Outcome>)> {
    let children = children(conn, task, epoch, Role::Consult)?;
    Ok((children.len(), children.into_iter().next_back().and_then(|child| child.report.outcome)))
}

/// The latest time in the record.
///
/// # Errors
/// The store can't be read.
pub fn latest(conn: &Connection) -> rusqlite::Result<Time> {
    conn.query_row(
        "SELECT coalesce(max(at), 0) FROM event WHERE seq = (SELECT max(seq) FROM event)",
        [],
        |row| row.get(0),
    )
    .map(Time)
}

/// Live tasks that a router had something run for.
///
/// # Errors
/// The store can't be read.
pub fn consulting(conn: &Connection) -> rusqlite::Result<HashSet<TaskId>> {
    let mut select = conn.prepare(
        "SELECT DISTINCT c.parent_id FROM task c JOIN task t ON t.id = c.parent_id WHERE c.role = 2 AND t.state < 5",
    )?;
    select.query_map([], |row| Ok(TaskId(row.get(0)?)))?.collect()
}
