//! What the writer keeps in memory between transactions; all of it can be read again from disk.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::Arc;

use rusqlite::Connection;

use crate::chain::{self, Head};
use baton_core::id::{DecisionId, RunId, TaskId, TermsId};
use baton_core::knowledge::{OpenAttempt, OpenAttempts};
use baton_core::seed::Seed;
use baton_core::task::TaskPolicy;

/// Entries of each cache, at most twice as many: more than what is under way at a time, however much is stored.
const KEPT: usize = if cfg!(test) { 64 } else { 4096 };

/// A bounded map of what can be read again: what was not asked for since the last [`KEPT`] newcomers is dropped.
#[derive(Debug)]
struct Cache<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.get(key)?.clone();
        self.put(key.clone(), value.clone());
        Some(value)
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= KEPT {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

/// What an operation changed here, as it was before.
#[derive(Debug)]
enum Undo {
    Head(i64, Option<Head>),
    Seed(RunId),
    Terms(TermsId, Arc<TaskPolicy>),
    Open(TaskId, Option<OpenAttempt>),
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) seq: i64,
    task: i64,
    decision: i64,
    /// The end of each run's chain that was touched. In a transaction it is ahead of the row.
    heads: HashMap<i64, Head>,
    terms: Cache<TermsId, Arc<TaskPolicy>>,
    terms_ids: Cache<Arc<TaskPolicy>, TermsId>,
    seeds: Cache<RunId, Seed>,
    /// Bounded by the attempts that are not over.
    underway: OpenAttempts,
    /// Of the present operation.
    undo: Vec<Undo>,
}

/// Where the counters stood when an operation began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    seq: i64,
    task: i64,
    decision: i64,
}

impl Memory {
    pub(super) fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let last = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(Self {
            seq: last("SELECT coalesce(max(seq), 0) FROM event")?,
            task: last("SELECT coalesce(max(id), 0) FROM task")?,
            decision: last("SELECT coalesce(max(id), 0) FROM decision")?,
            ..Self::default()
        })
    }

    /// Begins an operation: from here on it can be taken back.
    pub(super) fn mark(&mut self) -> Mark {
        self.undo.clear();
        Mark { seq: self.seq, task: self.task, decision: self.decision }
    }

    /// Takes everything back that the operation since the mark did, at a cost that grows with it alone.
    pub(super) fn undo(&mut self, mark: Mark) {
        Mark { seq: self.seq, task: self.task, decision: self.decision } = mark;
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Head(run, Some(head)) => {
                    self.heads.insert(run, head);
                }
                Undo::Head(run, None) => {
                    self.heads.remove(&run);
                }
                Undo::Seed(run) => self.seeds.remove(&run),
                Undo::Terms(id, terms) => {
                    self.terms.remove(&id);
                    self.terms_ids.remove(&terms);
                }
                Undo::Open(task, open) => self.underway.restore(task, open),
            }
        }
    }

    /// Drops what the transaction that was committed needed and the next one can read.
    pub(super) fn trim(&mut self) {
        self.undo.clear();
        if self.heads.len() > KEPT {
            self.heads.clear();
        }
    }

    pub(super) fn next_task(&mut self) -> TaskId {
        self.task += 1;
        TaskId(self.task)
    }

    pub(super) fn next_decision(&mut self) -> DecisionId {
        self.decision += 1;
        DecisionId(self.decision)
    }

    /// The end of a run's chain, or of the host's (0), with what this transaction added to it.
    pub(super) fn head(&self, conn: &Connection, run: i64) -> rusqlite::Result<Head> {
        match self.heads.get(&run) {
            Some(head) => Ok(*head),
            None => Ok(chain::head(conn, run)?.unwrap_or_default()),
        }
    }

    /// The end of a chain that this transaction touched.
    pub(super) fn touched_head(&self, run: i64) -> Option<&Head> {
        self.heads.get(&run)
    }

    pub(super) fn put_head(&mut self, run: i64, head: Head) {
        let before = self.heads.insert(run, head);
        self.undo.push(Undo::Head(run, before));
    }

    pub(super) fn seed(&mut self, run: RunId) -> Option<Seed> {
        self.seeds.get(&run)
    }

    pub(super) fn put_seed(&mut self, run: RunId, seed: Seed) {
        self.seeds.put(run, seed);
        self.undo.push(Undo::Seed(run));
    }

    pub(super) fn terms(&mut self, id: TermsId) -> Option<Arc<TaskPolicy>> {
        self.terms.get(&id)
    }

    pub(super) fn terms_id(&mut self, terms: &Arc<TaskPolicy>) -> Option<TermsId> {
        self.terms_ids.get(terms)
    }

    pub(super) fn put_terms(&mut self, id: TermsId, terms: Arc<TaskPolicy>) {
        self.terms.put(id, Arc::clone(&terms));
        self.terms_ids.put(Arc::clone(&terms), id);
        self.undo.push(Undo::Terms(id, terms));
    }

    pub(super) fn underway(&self) -> &OpenAttempts {
        &self.underway
    }

    /// Lets the fold change what is known of a task's attempt.
    pub(super) fn fold<T>(&mut self, task: TaskId, change: impl FnOnce(&mut OpenAttempts) -> T) -> T {
        let before = self.underway.open(task);
        let changed = change(&mut self.underway);
        if self.underway.open(task) != before {
            self.undo.push(Undo::Open(task, before));
        }
        changed
    }
}

#[cfg(test)]
mod tests;
