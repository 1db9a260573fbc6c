//! What survives: SQLite in WAL mode with full synchronisation, written by one thread in groups.
//!
//! Everything that changes goes through [`crate::op::Op`]; everything that is read goes through [`read`]. SQLite is
//! known only here.

mod apply;
mod batch;
pub mod bundle;
pub mod chain;
mod codec;
pub mod floor;
pub mod maintenance;
pub mod read;
mod tally;
pub mod writer;

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

use batch::{Batch, Memory};
use tally::Tallies;

use crate::clock::{Clock, Time};
use crate::op::{Applied, Op, Rejection};

/// "BATN".
const APPLICATION_ID: i64 = 0x4241_544E;
const SCHEMA_VERSION: i64 = 1;
/// SQLite before 3.51.3 can corrupt a WAL when two connections checkpoint and write at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Where a store lives.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("baton.db")
    }

    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("baton.sock")
    }

    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.0.join("plugins")
    }

    /// Whether a store was opened here before. A file without tables is what is left of a first opening that was killed.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.database().exists() && !matches!(self.version(), Ok(0))
    }

    /// Makes the folder, for its owner only, and hides it from git wherever it lies.
    fn make(&self) -> std::io::Result<()> {
        if self.0.is_dir() {
            return Ok(());
        }
        if let Some(above) = self.0.parent() {
            fs::create_dir_all(above)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        fs::write(self.0.join(".gitignore"), "*\n")
    }

    fn version(&self) -> rusqlite::Result<i64> {
        let conn = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.query_row("PRAGMA user_version", [], |row| row.get(0))
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("baton.lock")
    }
}

/// Why a store can't be used.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("{} is in use by another baton (process {pid})", folder.display())]
    Locked { folder: PathBuf, pid: String },
    #[error("there is no store in {}: run a plan first, or name its folder with --store", .0.display())]
    Missing(PathBuf),
    #[error("{} is no store of Baton's: {why}", path.display())]
    NotAStore { path: PathBuf, why: String },
    #[error("{} can't be used: {why}", path.display())]
    Unusable { path: PathBuf, why: String },
    #[error(
        "the store was written by a newer baton (schema {found}, this one knows {SCHEMA_VERSION}): use that one"
    )]
    TooNew { found: i64 },
    #[error("SQLite {0} is linked, and at least 3.51.3 is needed")]
    OldSqlite(&'static str),
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The right to write: an advisory lock on a file of its own, because touching the database file outside SQLite
/// would drop SQLite's own locks.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Closing the file would do, were it not for a program that is just being started: until it runs, it has a copy.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs4::FileExt::unlock(&self.file);
    }
}

impl Lock {
    /// # Errors
    /// [`OpenError::Locked`] names the process that holds it.
    pub fn take(home: &Home) -> Result<Self, OpenError> {
        let unusable =
            |why: std::io::Error| OpenError::Unusable { path: home.0.clone(), why: why.to_string() };
        home.make().map_err(unusable)?;
        let path = home.lock_file();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        if fs4::FileExt::try_lock(&file).is_err() {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(unusable)?;
            return Err(OpenError::Locked { folder: home.0.clone(), pid: pid.trim().to_owned() });
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        write!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { file })
    }
}

/// The one read-write connection and what it remembers. [`writer`] runs it on a thread; tests and simulations call
/// it directly.
pub struct Store {
    conn: Connection,
    memory: Memory,
    tallies: Tallies,
    clock: Clock,
    /// Set when a transaction failed in a way that leaves its fate unknown.
    broken: bool,
    _lock: Option<Lock>,
}

impl Store {
    /// # Errors
    /// See [`OpenError`].
    pub fn open(home: &Home, lock: Lock) -> Result<Self, OpenError> {
        let path = home.database();
        // SQLite gives its own files the rights that the database has.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|why| OpenError::Unusable { path: path.clone(), why: why.to_string() })?;
        let conn = Connection::open(path)?;
        let mut store = Self::prepare(conn, None)?;
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
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
             PRAGMA journal_size_limit = 67108864; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -65536; PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; \
             PRAGMA cell_size_check = ON;",
        )?;
        conn.set_prepared_statement_cache_capacity(128);
        migrate(&conn)?;
        let memory = Memory::read(&conn)?;
        let floor =
            conn.query_row("SELECT coalesce(max(at), 0) FROM event WHERE seq = ?1", [memory.seq], |row| {
                row.get(0)
            })?;
        let clock = clock.unwrap_or_else(|| Clock::system(Time(floor)));
        Ok(Self { conn, memory, tallies: Tallies::default(), clock, broken: false, _lock: None })
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> i64 {
        self.memory.seq
    }

    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// Applies operations in one transaction. Each is answered for itself; the answers hold only once the
    /// transaction is durable, which it is when this returns.
    pub fn apply(&mut self, ops: Vec<Op>) -> Vec<Result<Applied, Rejection>> {
        let count = ops.len();
        match self.transact(ops) {
            Ok(replies) => replies,
            Err(why) => {
                let _ = self.conn.execute_batch("ROLLBACK");
                self.tallies = Tallies::default();
                match Memory::read(&self.conn) {
                    Ok(memory) => self.memory = memory,
                    Err(_) => self.broken = true,
                }
                vec![Err(Rejection::Store(why.to_string())); count]
            }
        }
    }

    /// Whether the store can't be read any more: the host must stop.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn transact(&mut self, ops: Vec<Op>) -> rusqlite::Result<Vec<Result<Applied, Rejection>>> {
        crate::failpoint::hit("before-begin");
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut touched = Vec::new();
        let mut batch = Batch {
            conn: &self.conn,
            now: self.clock.now(),
            memory: &mut self.memory,
            changed: Vec::new(),
            observed: Vec::new(),
            tallies: &mut self.tallies,
            touched: &mut touched,
        };
        let mut replies = Vec::with_capacity(ops.len());
        for op in ops {
            let reply = apply::apply(&mut batch, op);
            if let Err(Rejection::Store(why)) = reply {
                return Err(rusqlite::Error::InvalidParameterName(why));
            }
            replies.push(reply);
            crate::failpoint::hit("after-op");
        }
        batch.seal()?;
        self.tallies.write(&self.conn)?;
        crate::failpoint::hit("before-commit");
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        crate::failpoint::hit("after-commit");
        Ok(replies)
    }
}

/// What tells this machine from others that may share its files.
#[must_use]
pub fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name = rustix::system::uname();
    format!("{}/{}", name.nodename().to_string_lossy(), id.trim())
}

fn migrate(conn: &Connection) -> Result<(), OpenError> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => {
            conn.execute_batch(&format!(
                "BEGIN; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
                include_str!("store/schema.sql"),
            ))?;
            Ok(())
        }
        SCHEMA_VERSION => Ok(()),
        found => Err(OpenError::TooNew { found }),
    }
}

/// A connection that can only read, for everyone outside the store.
pub type Reader = Connection;

/// A connection that can only read.
///
/// # Errors
/// [`OpenError::Missing`] where there is no store.
pub fn reader(home: &Home) -> Result<Reader, OpenError> {
    if !home.exists() {
        return Err(OpenError::Missing(home.0.clone()));
    }
    let conn = Connection::open_with_flags(
        home.database(),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch("PRAGMA query_only = 1;")?;
    Ok(conn)
}
