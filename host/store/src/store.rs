//! The store as its one writer has it.

use rusqlite::Connection;
use std::collections::BTreeSet;

use crate::apply;
use crate::batch::Batch;
use crate::error::{ApplyError, OpenError, ReadError};
use crate::home::{Home, Lock};
use crate::lines::Lines;
use crate::memory::Memory;
use crate::reader::{BUSY, Reader};
use crate::tally::Tallies;
use crate::{chain, durable, failpoint, migrate, schema};
use baton_core::clock::{Clock, ClockSkew, Time};
use baton_core::op::{Applied, Op, Rejection, Reply, StoreError};

/// SQLite before 3.51.3 can corrupt a WAL when two connections checkpoint and write at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// The one read-write connection and what it remembers. [`crate::writer`] runs it on a thread; tests and simulations
/// call it directly.
pub struct Store {
    reader: Reader,
    memory: Memory,
    tallies: Tallies,
    clock: Clock,
    drift: ClockSkew,
    /// The host that this store was opened for, once it has started: what it asks for after another one took over is
    /// refused.
    boot: Option<u32>,
    /// Set when a transaction failed in a way that leaves its fate unknown.
    broken: bool,
    /// None in memory.
    home: Option<Home>,
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the store of a folder, makes it where there is none, and migrates one of an earlier schema.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(home: &Home, lock: Lock) -> Result<Self, OpenError> {
        home.prepare()?;
        migrate::forward(home, &lock)?;
        let mut store = Self::prepare(Connection::open(home.database())?, None)?;
        store._lock = Some(lock);
        store.home = Some(home.clone());
        Ok(store)
    }

    /// On a clock of the caller's, for tests in which time must pass at once.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_at(home: &Home, lock: Lock, clock: Clock) -> Result<Self, OpenError> {
        let mut store = Self::prepare(Connection::open(home.database())?, Some(clock))?;
        store._lock = Some(lock);
        Ok(store)
    }

    /// A store that is gone when it is dropped, on a clock of the caller's.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn in_memory(clock: Clock) -> Result<Self, OpenError> {
        Self::prepare(Connection::open_in_memory()?, Some(clock))
    }

    fn prepare(conn: Connection, clock: Option<Clock>) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(OpenError::OldSqlite(rusqlite::version()));
        }
        conn.busy_timeout(BUSY)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
             PRAGMA journal_size_limit = 67108864; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -65536; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
        )?;
        conn.set_prepared_statement_cache_capacity(128);
        schema::create(&conn)?;
        let memory = Memory::read(&conn)?;
        let newest = "SELECT coalesce(max(at), 0) FROM event WHERE seq = ?1";
        let floor = conn.query_row(newest, [memory.seq], |row| row.get(0))?;
        let (clock, drift) = match clock {
            Some(clock) => (clock, ClockSkew::None),
            None => Clock::after(Time(floor)),
        };
        Ok(Self {
            reader: Reader { conn },
            memory,
            tallies: Tallies::default(),
            clock,
            drift,
            boot: None,
            broken: false,
            home: None,
            _lock: None,
        })
    }

    /// The clock that operations are dated by.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// How the machine's clock compared with the record when this was opened.
    #[must_use]
    pub fn drift(&self) -> ClockSkew {
        self.drift
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> i64 {
        self.memory.seq
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Answers queries from what was committed.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Applies operations in one transaction. Each is answered for itself; the answers hold only once the
    /// transaction is durable, which it is when this returns. Where the database fails, all get the same
    /// [`Rejection::Store`].
    pub fn apply(&mut self, ops: Vec<Op>) -> Vec<Result<Applied, Rejection>> {
        let count = ops.len();
        match self.transact(ops) {
            Ok(replies) => replies,
            Err(why) => {
                let _ = self.reader.conn.execute_batch("ROLLBACK");
                self.tallies = Tallies::default();
                match Memory::read(&self.reader.conn) {
                    Ok(memory) => self.memory = memory,
                    Err(_) => self.broken = true,
                }
                vec![Err(Rejection::Store(why)); count]
            }
        }
    }

    /// Folds the log into the database and writes the head of the record to a file beside it. Neither is needed for
    /// correctness: what fails is tried again at the next rest.
    pub(crate) fn rest(&self) {
        let folded = self.reader.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let (Ok(()), Some(home), Ok(seen)) = (folded, &self.home, chain::ends(&self.reader)) {
            let _ = durable::write(&home.head(), format!("{seen}\n").as_bytes());
        }
    }

    /// Whether the store can't be read any more: the host must stop.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn transact(&mut self, ops: Vec<Op>) -> Result<Vec<Result<Applied, Rejection>>, StoreError> {
        failpoint::hit("before-begin");
        self.execute("BEGIN IMMEDIATE")?;
        self.own()?;
        let replies = self.carried_out(ops)?;
        self.tallies.write(&self.reader.conn).map_err(ReadError::from)?;
        failpoint::hit("before-commit");
        self.execute("COMMIT")?;
        failpoint::hit("after-commit");
        self.memory.trim();
        for reply in replies.iter().flatten() {
            if let Reply::Boot(boot) = reply.reply {
                self.boot = Some(boot);
            }
        }
        Ok(replies)
    }

    fn carried_out(&mut self, ops: Vec<Op>) -> Result<Vec<Result<Applied, Rejection>>, StoreError> {
        let mut touched = Vec::new();
        let mut batch = Batch {
            reader: &self.reader,
            conn: &self.reader.conn,
            now: self.clock.now(),
            memory: &mut self.memory,
            changed: Vec::new(),
            also: Vec::new(),
            runs: BTreeSet::new(),
            agents: BTreeSet::new(),
            observed: Vec::new(),
            tallies: &mut self.tallies,
            lines: Lines::default(),
            touched: &mut touched,
        };
        let mut replies = Vec::with_capacity(ops.len());
        for op in ops {
            replies.push(match apply::apply(&mut batch, op) {
                Ok(applied) => Ok(applied),
                Err(ApplyError::Rejected(rejection)) => Err(rejection),
                Err(ApplyError::Broken(why)) => return Err(why),
            });
            failpoint::hit("after-op");
        }
        batch.seal_chains().map_err(ReadError::from)?;
        Ok(replies)
    }

    fn execute(&self, sql: &str) -> Result<(), ReadError> {
        self.reader.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Refuses everything that a host asks for once another one has started on the store.
    fn own(&self) -> Result<(), StoreError> {
        let Some(own) = self.boot else { return Ok(()) };
        let newest = self.reader.one("SELECT max(boot) FROM host", [], |row| row.get(0))?;
        if newest == own { Ok(()) } else { Err(StoreError::Fenced { own, newest }) }
    }
}

/// What tells this machine from others that may share its files.
#[must_use]
pub fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name = rustix::system::uname();
    format!("{}/{}", name.nodename().to_string_lossy(), id.trim())
}
