//! One transaction in the making: loads tasks, lets commands decide, records what happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::chain;
use super::codec::{self, COLUMNS, StateRow};
use super::error::{ApplyError, Reading};
use super::lines::{Line, Lines};
use super::memory::Memory;
use super::read::{broken, live};
use super::reader::Reader;
use super::seal::{Seal, Section};
use super::tally::{self, Tallies};
use baton_core::clock::Time;
use baton_core::event::{Event, Fact};
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::knowledge::{Observation, OpenAttempts};
use baton_core::learning::Part;
use baton_core::op::Change;
use baton_core::seed::Seed;
use baton_core::task::transition::{self, TaskCommand, decide, evolve};
use baton_core::task::{Task, TaskPolicy};

pub(super) struct Batch<'c> {
    pub(super) reader: &'c Reader,
    /// The reader's, which here may write.
    pub(super) conn: &'c Connection,
    pub(super) now: Time,
    pub(super) memory: &'c mut Memory,
    /// The tasks that the present operation changed, latest last.
    pub(super) changed: Vec<Task>,
    /// What else it changed, and the runs and agents that are to be added to that as it leaves them.
    pub(super) also: Vec<Change>,
    pub(super) runs: BTreeSet<RunId>,
    pub(super) agents: BTreeSet<AgentId>,
    /// The attempts that the present operation ended.
    pub(super) observed: Vec<Observation>,
    pub(super) tallies: &'c mut Tallies,
    /// What the present operation records.
    pub(super) lines: Lines,
    /// Runs whose chain grew in this transaction.
    pub(super) touched: &'c mut Vec<i64>,
}

impl Batch<'_> {
    pub(super) fn task(&self, id: TaskId) -> Result<Task, ApplyError> {
        let mut select = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE id = ?1"))?;
        let found = select.query_row([id.0], codec::task).optional()?;
        found.ok_or_else(|| ApplyError::not_found(format!("task {id}")))
    }

    /// Lets a command decide on a task as it is now, and records what it comes to.
    pub(super) fn step(&mut self, id: TaskId, command: TaskCommand) -> Result<Task, ApplyError> {
        let task = self.task(id)?;
        self.step_on(task, command)
    }

    pub(super) fn step_on(&mut self, mut task: Task, command: TaskCommand) -> Result<Task, ApplyError> {
        let terms = self.terms(task.terms)?;
        let seed = self.seed(task.run)?;
        let fact = decide(&task, &terms, command, self.now, seed)?;
        self.record(&mut task, &fact)?;
        Ok(task)
    }

    /// Lets a task's lease last longer. No event: the record is not to grow with time alone.
    pub(super) fn renew(&mut self, id: TaskId, epoch: Epoch, until: Time) -> Result<(), ApplyError> {
        let mut task = self.task(id)?;
        transition::renew(&mut task, epoch, until)?;
        let mut update = self.conn.prepare_cached("UPDATE task SET lease_until = ?2 WHERE id = ?1")?;
        update.execute(params![id.0, until.0])?;
        self.changed.push(task);
        Ok(())
    }

    /// Records a fact about a task that is in the store already.
    pub(super) fn record(&mut self, task: &mut Task, fact: &Fact) -> Result<(), ApplyError> {
        evolve(task, self.now, fact);
        self.update(task)?;
        self.append(Some(task.run), Some(task), fact)?;
        self.changed.push(task.clone());
        Ok(())
    }

    fn update(&self, task: &Task) -> rusqlite::Result<()> {
        let row = StateRow::from(task.state);
        let mut update = self.conn.prepare_cached(
            "UPDATE task SET terms_id = ?2, state = ?3, at = ?4, agent_id = ?5, lease_until = ?6, stage = ?7, \
             need = ?8, need_until = ?9, class = ?10, held = ?11, cancelling = ?12, epoch = ?13, attempts = ?14, \
             crashes = ?15, priority = ?16, deadline = ?17, conflicts = ?18 WHERE id = ?1",
        )?;
        update.execute(params![
            task.id.0,
            task.terms.0,
            row.state,
            row.at,
            row.agent,
            row.lease_until,
            row.stage,
            row.need,
            row.need_until,
            row.class,
            task.held,
            task.cancelling,
            task.epoch.0,
            task.attempts,
            task.crashes,
            task.priority,
            task.deadline.map(|at| at.0),
            task.conflicts,
        ])?;
        Ok(())
    }

    pub(super) fn insert(&mut self, task: &Task, deps_left: u32) -> Result<(), ApplyError> {
        let row = StateRow::from(task.state);
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO task (id, run_id, parent_id, parent_epoch, role, terms_id, state, at, held, cancelling, \
             epoch, attempts, crashes, priority, created_at, deadline, deps_left) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, 0, 0, ?10, ?11, ?12, ?13)",
        )?;
        insert.execute(params![
            task.id.0,
            task.run.0,
            task.parent.map(|parent| parent.id.0),
            task.parent.map(|parent| parent.epoch.0),
            task.parent.map(|parent| codec::role_number(parent.role)),
            task.terms.0,
            row.state,
            row.at,
            task.epoch.0,
            task.priority,
            task.created.0,
            task.deadline.map(|at| at.0),
            deps_left,
        ])?;
        self.append(Some(task.run), Some(task), &Fact::Submitted { task: Box::new(task.clone()) })?;
        self.changed.push(task.clone());
        Ok(())
    }

    /// Appends to the record.
    pub(super) fn append(
        &mut self,
        run: Option<RunId>,
        task: Option<&Task>,
        fact: &Fact,
    ) -> Result<(), ApplyError> {
        let run = run.map_or(0, |run| run.0);
        let (task_id, epoch) = task.map_or((None, 0), |task| (Some(task.id.0), task.epoch.0));
        let json = serde_json::to_vec(fact).map_err(ApplyError::invalid)?;
        self.memory.seq += 1;
        self.lines.push(Line {
            seq: self.memory.seq,
            at: self.now,
            run,
            task: task_id,
            epoch,
            kind: fact.kind(),
            fact: json,
            seals: Vec::new(),
        });
        if let Some(task) = task {
            self.observe(task, fact)?;
        }
        if !self.touched.contains(&run) {
            self.touched.push(run);
        }
        Ok(())
    }

    /// Has the chain of a run, or of the host, vouch for columns that were just written.
    pub(super) fn seal(
        &mut self,
        run: Option<RunId>,
        section: Section,
        key: &[&dyn ToSql],
        columns: &[&dyn ToSql],
    ) -> rusqlite::Result<()> {
        let seal = Seal::of(section, key, columns)?;
        self.lines.seal(run.map_or(0, |run| run.0), seal);
        Ok(())
    }

    /// The same for what was just taken away.
    pub(super) fn seal_gone(
        &mut self,
        run: Option<RunId>,
        section: Section,
        key: &[&dyn ToSql],
    ) -> rusqlite::Result<()> {
        let seal = Seal::gone(section, key)?;
        self.lines.seal(run.map_or(0, |run| run.0), seal);
        Ok(())
    }

    /// Writes what the operation recorded. What it sealed without an event is told by one.
    pub(super) fn write_lines(&mut self) -> Result<(), ApplyError> {
        while let Some((run, tables)) = self.lines.untold() {
            self.append((run != 0).then_some(RunId(run)), None, &Fact::Written { tables })?;
        }
        Ok(self.lines.write(self.conn, self.memory)?)
    }

    /// What the present operation changed beside tasks.
    pub(super) fn take_also(&mut self) -> Reading<Vec<Change>> {
        for run in std::mem::take(&mut self.runs) {
            self.also.extend(live::run(self.reader, run)?.map(Change::Run));
        }
        for agent in std::mem::take(&mut self.agents) {
            let registered = live::agent(self.reader, agent)?.map(|agent| Change::Agent(Box::new(agent)));
            self.also.push(registered.unwrap_or(Change::AgentRemoved(agent)));
        }
        Ok(std::mem::take(&mut self.also))
    }

    /// Learns from a fact what it says of an attempt.
    fn observe(&mut self, task: &Task, fact: &Fact) -> Result<(), ApplyError> {
        let needs = OpenAttempts::needs(fact);
        let _metered = needs.then(|| Part::Statistics.begin());
        if needs && !self.memory.underway().knows(task.id) {
            let Some(open) = tally::open(self.conn, task.id)? else { return Ok(()) };
            self.memory.fold(task.id, |underway| underway.restore(task.id, open));
        }
        let terms = self.terms(task.terms)?;
        let (seq, now) = (self.memory.seq, self.now);
        let observed = self.memory.fold(task.id, |underway| underway.observe(seq, now, task, &terms, fact));
        self.observed.extend(observed);
        Ok(())
    }

    /// Keeps what a router left, and answers with its digest.
    pub(super) fn keep_state(&self, bytes: &[u8]) -> Result<String, ApplyError> {
        let digest = blake3::hash(bytes).to_hex().to_string();
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO state (digest, bytes) VALUES (?1, ?2)")?
            .execute(params![digest, bytes])?;
        Ok(digest)
    }

    /// Notes the end of every chain that grew; once for a transaction.
    pub(super) fn seal_chains(&mut self) -> rusqlite::Result<()> {
        for run in self.touched.drain(..) {
            let Some(head) = self.memory.touched_head(run) else { continue };
            chain::keep_head(self.conn, run, head)?;
        }
        Ok(())
    }

    pub(super) fn terms(&mut self, id: TermsId) -> Result<Arc<TaskPolicy>, ApplyError> {
        if let Some(terms) = self.memory.terms(id) {
            return Ok(terms);
        }
        let mut select = self.conn.prepare_cached("SELECT json FROM terms WHERE id = ?1")?;
        let json: String = select.query_row([id.0], |row| row.get(0))?;
        let terms: TaskPolicy =
            serde_json::from_str(&json).map_err(|why| ApplyError::corrupt(&format!("terms {id}"), why))?;
        let terms = Arc::new(terms);
        self.memory.put_terms(id, Arc::clone(&terms));
        Ok(terms)
    }

    pub(super) fn terms_id(&mut self, run: RunId, terms: TaskPolicy) -> Result<TermsId, ApplyError> {
        let terms = Arc::new(terms);
        if let Some(id) = self.memory.terms_id(&terms) {
            return Ok(id);
        }
        let json = serde_json::to_string(terms.as_ref()).map_err(ApplyError::invalid)?;
        let mut select = self.conn.prepare_cached("SELECT id FROM terms WHERE json = ?1")?;
        let known = select.query_row([&json], |row| row.get(0)).optional()?;
        let id = match known {
            Some(id) => TermsId(id),
            None => {
                self.conn.prepare_cached("INSERT INTO terms (json) VALUES (?1)")?.execute([&json])?;
                let id = self.conn.last_insert_rowid();
                self.seal(Some(run), Section::Terms, &[&id], &[&json])?;
                TermsId(id)
            }
        };
        self.memory.put_terms(id, terms);
        Ok(id)
    }

    pub(super) fn seed(&mut self, run: RunId) -> Result<Seed, ApplyError> {
        if let Some(seed) = self.memory.seed(run) {
            return Ok(seed);
        }
        let mut select = self.conn.prepare_cached("SELECT seed FROM run WHERE id = ?1")?;
        let seed: Option<i64> = select.query_row([run.0], |row| row.get(0)).optional()?;
        let seed = Seed(seed.ok_or_else(|| ApplyError::not_found(format!("run {run}")))?.cast_unsigned());
        self.memory.put_seed(run, seed);
        Ok(seed)
    }
}

/// The columns of an event, in the order of [`event`].
pub(super) const EVENT_COLUMNS: &str = "seq, at, run_id, task_id, epoch, fact, number";

/// Reads a row of [`EVENT_COLUMNS`].
pub(super) fn event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let json: Vec<u8> = row.get(5)?;
    let fact = serde_json::from_slice(&json).map_err(broken)?;
    let run: i64 = row.get(2)?;
    Ok(Event {
        seq: row.get(0)?,
        at: Time(row.get(1)?),
        run: (run != 0).then_some(RunId(run)),
        task: row.get::<_, Option<i64>>(3)?.map(TaskId),
        epoch: Epoch(row.get(4)?),
        number: row.get(6)?,
        fact,
    })
}
