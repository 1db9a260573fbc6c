//! What the scheduler needs: what is alive, and the whole of a task when its turn comes.

use std::collections::{HashMap, HashSet};

use const_format::formatcp;
use rusqlite::{Row, params};

use super::{json, present, text_json};
use crate::codec::ending::{ACCEPTED, CONFLICTED, INVALID_OUTPUT, REFUSED, UNACCEPTED};
use crate::codec::{self, COLUMNS, CONSULT, IS_LIVE};
use crate::error::{ReadError, Reading};
use crate::reader::Reader;
use baton_core::agent::{Agent, Standing};
use baton_core::budget::{Basis, Bill};
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::event::Fact;
use baton_core::fault::Fault;
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::knowledge::{OpenAttempt, Tally};
use baton_core::op::{RouterChoice, RunRecord};
use baton_core::outcome::{Outcome, Report};
use baton_core::seed::Seed;
use baton_core::task::child::{AttemptTotals, Child};
use baton_core::task::{Role, StateName, Task, TaskPolicy};

/// Shows every task that has not ended, by id.
///
/// # Errors
/// The store can't be read.
pub fn tasks(reader: &Reader, mut each: impl FnMut(Task)) -> Reading<()> {
    let sql = format!("SELECT {COLUMNS} FROM task WHERE {IS_LIVE} ORDER BY id");
    let mut select = reader.conn.prepare(&sql)?;
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
pub fn asked_for(reader: &Reader) -> Reading<HashMap<RunId, [u32; 3]>> {
    let sql = "SELECT t.run_id, t.role, count(*) FROM run r JOIN task_spec s ON s.run_id = r.id \
               JOIN task t ON t.id = s.task_id \
               WHERE r.settled_at IS NULL AND t.parent_id IS NOT NULL GROUP BY t.run_id, t.role";
    let rows = reader.all(sql, [], |row| Ok((RunId(row.get(0)?), codec::role_at(row, 1)?, row.get(2)?)))?;
    let mut runs: HashMap<RunId, [u32; 3]> = HashMap::new();
    for (run, role, count) in rows {
        runs.entry(run).or_default()[place(role)] = count;
    }
    Ok(runs)
}

/// The same of one run, whether it goes on or not.
///
/// # Errors
/// The store can't be read.
pub fn asked_for_in(reader: &Reader, run: RunId) -> Reading<[u32; 3]> {
    let sql = "SELECT t.role, count(*) FROM task_spec s JOIN task t ON t.id = s.task_id \
               WHERE s.run_id = ?1 AND t.parent_id IS NOT NULL GROUP BY t.role";
    let mut counts = [0; 3];
    for (role, count) in reader.all(sql, [run.0], |row| Ok((codec::role_at(row, 0)?, row.get(1)?)))? {
        counts[place(role)] = count;
    }
    Ok(counts)
}

/// Where children of a role are counted.
fn place(role: Role) -> usize {
    match role {
        Role::Part => 0,
        Role::Evidence => 1,
        Role::Consult => 2,
    }
}

/// What a task's terms are.
///
/// # Errors
/// [`ReadError::NotFound`] where there are none of this number; the store can't be read.
pub fn terms(reader: &Reader, id: TermsId) -> Reading<TaskPolicy> {
    let found = reader.first("SELECT json FROM terms WHERE id = ?1", [id.0], |row| text_json(row, 0))?;
    found.flatten().ok_or_else(|| ReadError::NotFound(format!("terms {id}")))
}

/// Every registered agent, by name.
///
/// # Errors
/// The store can't be read.
pub fn agents(reader: &Reader) -> Reading<Vec<Agent>> {
    let sql = "SELECT id, card, draining, breaker FROM agent WHERE removed = 0 ORDER BY name";
    reader.all(sql, [], agent_row)
}

/// An agent; none where none of this number is registered any more.
///
/// # Errors
/// The store can't be read.
pub fn agent(reader: &Reader, id: AgentId) -> Reading<Option<Agent>> {
    let sql = "SELECT id, card, draining, breaker FROM agent WHERE id = ?1 AND removed = 0";
    reader.first(sql, [id.0], agent_row)
}

fn agent_row(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: AgentId(row.get(0)?),
        card: present(text_json(row, 1)?, 1)?,
        standing: if row.get(2)? { Standing::Draining } else { Standing::Active },
        breaker: present(text_json(row, 3)?, 3)?,
    })
}

/// The runs that are not settled, as a scheduler needs them, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn runs(reader: &Reader) -> Reading<Vec<RunRecord>> {
    reader.all(formatcp!("{RUN_RECORD} WHERE settled_at IS NULL ORDER BY id"), [], run_record)
}

/// A run as a scheduler needs it; none where there is none of this number.
///
/// # Errors
/// The store can't be read.
pub fn run(reader: &Reader, id: RunId) -> Reading<Option<RunRecord>> {
    reader.first(formatcp!("{RUN_RECORD} WHERE id = ?1"), [id.0], run_record)
}

const RUN_RECORD: &str = "SELECT id, seed, router, router_digest, router_before, held, settled_at FROM run";

fn run_record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run: RunId(row.get(0)?),
        seed: Seed(row.get::<_, i64>(1)?.cast_unsigned()),
        router: RouterChoice { name: row.get(2)?, digest: row.get(3)? },
        router_before: text_json(row, 4)?,
        held: row.get(5)?,
        settled: row.get::<_, Option<i64>>(6)?.is_some(),
    })
}

/// Names of agents, also of those that were removed.
///
/// # Errors
/// The store can't be read.
pub fn agent_names(reader: &Reader) -> Reading<HashMap<AgentId, String>> {
    let names =
        reader.all("SELECT id, name FROM agent", [], |row| Ok((AgentId(row.get(0)?), row.get(1)?)))?;
    Ok(names.into_iter().collect())
}

/// What is known of agents' work, by agent and skill; the empty skill stands for all of it.
///
/// # Errors
/// The store can't be read.
pub fn tallies(reader: &Reader) -> Reading<Vec<(AgentId, String, Tally)>> {
    reader.all("SELECT agent_id, skill, tally FROM tally ORDER BY agent_id, skill", [], |row| {
        Ok((AgentId(row.get(0)?), row.get(1)?, present(text_json(row, 2)?, 2)?))
    })
}

/// What people think of an agent's work on a skill.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackSummary {
    /// Whose work it was.
    pub agent: AgentId,
    /// One of the skills that the task asked for.
    pub skill: String,
    /// How many said so.
    pub verdicts: u32,
    /// The sum of their scores, each 0.0 to 1.0.
    pub scores: f64,
}

/// What people think of agents' work, by agent and skill.
///
/// # Errors
/// The store can't be read.
pub fn praise(reader: &Reader) -> Reading<Vec<FeedbackSummary>> {
    let sql = "SELECT f.agent_id, s.value, count(*), sum(f.score) \
               FROM feedback f JOIN task t ON t.id = f.task_id JOIN terms k ON k.id = t.terms_id, \
                    json_each(k.json, '$.skills') s \
               WHERE f.agent_id IS NOT NULL GROUP BY f.agent_id, s.value";
    reader.all(sql, [], |row| {
        Ok(FeedbackSummary {
            agent: AgentId(row.get(0)?),
            skill: row.get(1)?,
            verdicts: row.get(2)?,
            scores: row.get(3)?,
        })
    })
}

/// The children of one try of a task, in the order of their creation.
///
/// # Errors
/// The store can't be read.
pub fn children(reader: &Reader, parent: TaskId, epoch: Epoch, role: Role) -> Reading<Vec<Child>> {
    let of = params![parent.0, epoch.0, codec::role_number(role)];
    let mut children = reader.all(CHILDREN, of, child)?;
    add_efforts(reader, &mut children, of)?;
    let unexplained = |child: &Child| child.state == StateName::Failed && child.report.fault.is_none();
    if children.iter().any(unexplained) {
        let mut failures = failures(reader, parent)?;
        for child in children.iter_mut().filter(|child| unexplained(child)) {
            child.report.fault = failures.remove(&child.task);
        }
    }
    Ok(children)
}

const CHILDREN: &str = "SELECT t.id, s.name, t.state, \
            (SELECT a.report FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1), \
            (SELECT g.name FROM attempt a JOIN agent g ON g.id = a.agent_id WHERE a.task_id = t.id \
             ORDER BY a.epoch DESC LIMIT 1), \
            (SELECT min(a.started_at) FROM attempt a WHERE a.task_id = t.id), \
            (SELECT max(a.ended_at) FROM attempt a WHERE a.task_id = t.id), t.attempts, \
            (SELECT a.bill FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1) \
     FROM task t JOIN task_spec s ON s.task_id = t.id \
     WHERE t.parent_id = ?1 AND t.parent_epoch = ?2 AND t.role = ?3 ORDER BY t.id";

fn child(row: &rusqlite::Row<'_>) -> rusqlite::Result<Child> {
    let name: String = row.get(1)?;
    Ok(Child {
        task: TaskId(row.get(0)?),
        name: own_name(&name),
        state: codec::state_at(row, 2)?,
        report: priced(json(row, 3)?, text_json(row, 8)?),
        totals: AttemptTotals {
            agent: row.get(4)?,
            started: row.get::<_, Option<i64>>(5)?.map(Time),
            ended: row.get::<_, Option<i64>>(6)?.map(Time),
            attempts: row.get(7)?,
            cost_known: true,
            ..AttemptTotals::default()
        },
    })
}

/// What a task is called beside its siblings: without its parents and the number of their try.
fn own_name(full: &str) -> String {
    let own = full.rsplit_once('/').map_or(full, |(_, own)| own);
    own.split_once('~').map_or(own, |(own, _)| own).to_owned()
}

/// What was worked and spent on each child and on all below it: parts, evidence, consultations.
fn add_efforts(reader: &Reader, children: &mut [Child], of: &[&dyn rusqlite::ToSql]) -> Reading<()> {
    let sql = "WITH RECURSIVE family(root, id) AS ( \
                 SELECT id, id FROM task WHERE parent_id = ?1 AND parent_epoch = ?2 AND role = ?3 \
                 UNION ALL SELECT family.root, t.id FROM family JOIN task t ON t.parent_id = family.id) \
               SELECT family.root, coalesce(a.claimed_at, a.ended_at, a.started_at) - a.started_at, a.bill \
               FROM family JOIN attempt a ON a.task_id = family.id WHERE a.agent_id IS NOT NULL";
    let efforts = reader
        .all(sql, of, |row| Ok((TaskId(row.get(0)?), row.get::<_, i64>(1)?, text_json::<Bill>(row, 2)?)))?;
    let places: HashMap<TaskId, usize> =
        children.iter().enumerate().map(|(place, child)| (child.task, place)).collect();
    for (root, worked, bill) in efforts {
        let Some(child) = places.get(&root).and_then(|place| children.get_mut(*place)) else { continue };
        let facts = &mut child.totals;
        facts.work_ms += worked.unsigned_abs();
        match bill.as_ref().and_then(OpenAttempt::cost) {
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
fn failures(reader: &Reader, parent: TaskId) -> Reading<HashMap<TaskId, Fault>> {
    let sql = "SELECT e.task_id, e.fact FROM event e JOIN task t ON t.id = e.task_id \
               WHERE e.run_id = (SELECT run_id FROM task WHERE id = ?1) AND e.kind = 'failed' AND t.parent_id = ?1 \
               ORDER BY e.seq";
    let facts = reader.all(sql, [parent.0], |row| Ok((TaskId(row.get(0)?), json::<Fact>(row, 1)?)))?;
    let fault = |(task, fact)| match fact {
        Some(Fact::Failed { fault }) => Some((task, fault)),
        Some(_) | None => None,
    };
    Ok(facts.into_iter().filter_map(fault).collect())
}

/// The report of an attempt: what it claimed, and what checks say of it. Empty before anything is known.
///
/// # Errors
/// [`ReadError::NotFound`] where there is no such attempt; the store can't be read.
pub fn report(reader: &Reader, task: TaskId, epoch: Epoch) -> Reading<Report> {
    let sql = "SELECT report FROM attempt WHERE task_id = ?1 AND epoch = ?2";
    let found = reader.first(sql, params![task.0, epoch.0], |row| json(row, 0))?;
    let found = found.ok_or_else(|| ReadError::NotFound(format!("attempt {epoch} of {task}")))?;
    Ok(found.unwrap_or_default())
}

/// A task and all below it.
///
/// # Errors
/// The store can't be read.
pub fn family(reader: &Reader, task: TaskId) -> Reading<Vec<TaskId>> {
    let sql = "WITH RECURSIVE down (id) AS ( \
                   SELECT ?1 UNION SELECT t.id FROM task t JOIN down ON t.parent_id = down.id \
               ) SELECT id FROM down";
    reader.all(sql, [task.0], |row| Ok(TaskId(row.get(0)?)))
}

/// The results of the tasks on which a task depends, by name.
///
/// # Errors
/// The store can't be read.
pub fn inputs(reader: &Reader, task: TaskId) -> Reading<Vec<(String, Outcome)>> {
    let sql = formatcp!(
        "SELECT s.name, a.report FROM dep d JOIN task_spec s ON s.task_id = d.parent_id \
         JOIN attempt a ON a.task_id = d.parent_id AND a.ending = '{ACCEPTED}' \
         WHERE d.child_id = ?1 ORDER BY s.name, a.epoch"
    );
    let found = reader.all(sql, [task.0], |row| Ok((row.get::<_, String>(0)?, json::<Report>(row, 1)?)))?;
    let outcome = |(name, report): (String, Option<Report>)| Some((own_name(&name), report?.outcome?));
    Ok(found.into_iter().filter_map(outcome).collect())
}

/// How the last attempt that is over ended.
///
/// # Errors
/// The store can't be read.
pub fn last_ending(reader: &Reader, task: TaskId) -> Reading<Option<Ending>> {
    let sql =
        "SELECT ending FROM attempt WHERE task_id = ?1 AND ending IS NOT NULL ORDER BY epoch DESC LIMIT 1";
    Ok(reader.first(sql, [task.0], |row| codec::ending_at(row, 0))?.flatten())
}

/// Who made an attempt.
///
/// # Errors
/// The store can't be read.
pub fn attempted_by(reader: &Reader, task: TaskId, epoch: Epoch) -> Reading<Option<String>> {
    let sql = "SELECT g.name FROM attempt a JOIN agent g ON g.id = a.agent_id WHERE a.task_id = ?1 AND a.epoch = ?2";
    reader.first(sql, params![task.0, epoch.0], |row| row.get(0))
}

/// The agents that were given siblings of the same group; none for one that was given to nobody yet.
///
/// # Errors
/// The store can't be read.
pub fn given_apart(reader: &Reader, task: &Task, group: &str) -> Reading<Vec<(TaskId, Option<AgentId>)>> {
    let Some(parent) = task.parent else { return Ok(Vec::new()) };
    let sql = "SELECT t.id, (SELECT a.agent_id FROM attempt a WHERE a.task_id = t.id ORDER BY a.epoch DESC LIMIT 1) \
               FROM task t JOIN task_spec s ON s.task_id = t.id \
               WHERE t.parent_id = ?1 AND t.parent_epoch = ?2 AND t.id <> ?3 \
                     AND json_extract(CAST(s.spec AS TEXT), '$.apart') = ?4";
    reader.all(sql, params![parent.id.0, parent.epoch.0, task.id.0, group], |row| {
        Ok((TaskId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(AgentId)))
    })
}

/// The outcome that a task claimed and validators still judge.
///
/// # Errors
/// [`ReadError::NotFound`] where there is no such attempt; the store can't be read.
pub fn claimed(reader: &Reader, task: TaskId, epoch: Epoch) -> Reading<Option<Outcome>> {
    Ok(report(reader, task, epoch)?.outcome)
}

/// Why earlier attempts failed or were refused, oldest first.
///
/// # Errors
/// The store can't be read.
pub fn feedback(reader: &Reader, task: TaskId) -> Reading<Vec<String>> {
    let sql = formatcp!(
        "SELECT report FROM attempt WHERE task_id = ?1 \
         AND ending IN ('{UNACCEPTED}', '{INVALID_OUTPUT}', '{REFUSED}', '{CONFLICTED}') ORDER BY epoch"
    );
    let reports = reader.all(sql, [task.0], |row| json::<Report>(row, 0))?;
    let mut texts = Vec::new();
    for report in reports.into_iter().map(Option::unwrap_or_default) {
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
pub fn consulted(reader: &Reader, task: TaskId, epoch: Epoch) -> Reading<(usize, Option<Outcome>)> {
    let children = children(reader, task, epoch, Role::Consult)?;
    Ok((children.len(), children.into_iter().next_back().and_then(|child| child.report.outcome)))
}

/// The latest time in the record; 1970 before the first event.
///
/// # Errors
/// The store can't be read.
pub fn latest(reader: &Reader) -> Reading<Time> {
    let sql = "SELECT coalesce(max(at), 0) FROM event WHERE seq = (SELECT max(seq) FROM event)";
    reader.one(sql, [], |row| row.get(0).map(Time))
}

/// Live tasks that a router had something run for.
///
/// # Errors
/// The store can't be read.
pub fn consulting(reader: &Reader) -> Reading<HashSet<TaskId>> {
    let sql = formatcp!(
        "SELECT t.id FROM (SELECT id FROM task WHERE {IS_LIVE}) t \
         WHERE EXISTS (SELECT 1 FROM task c WHERE c.parent_id = t.id AND c.role = {CONSULT})"
    );
    Ok(reader.all(sql, [], |row| Ok(TaskId(row.get(0)?)))?.into_iter().collect())
}
