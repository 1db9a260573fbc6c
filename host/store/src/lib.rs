//! What survives: SQLite in WAL mode with full synchronisation, written by one thread in groups.
//!
//! Everything that changes goes through [`baton_core::op::Op`]; everything that is read goes through [`read`]. SQLite is
//! known only here.

mod apply;
pub mod backup;
mod batch;
pub mod bundle;
pub mod chain;
pub mod check;
mod codec;
pub mod durable;
pub mod failpoint;
pub mod floor;
#[cfg(test)]
mod golden;
mod lines;
pub mod read;
mod seal;
mod tally;
pub mod writer;

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use batch::{ApplyError, Batch, Memory};
use baton_core::clock::{Clock, ClockSkew, Time};
use baton_core::op::{Applied, Op, Rejection, Reply};
use rusqlite::{Connection, OpenFlags};
use tally::Tallies;
use thiserror::Error;

/// "BATN".
const APPLICATION_ID: i64 = 0x4241_544E;
const SCHEMA_VERSION: i64 = 2;
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

    /// Where a copy is made that is to become the store.
    fn restoring(&self) -> PathBuf {
        self.0.join("baton.db.restoring")
    }

    /// Without a store, what lies here of one that was: what a restore was to replace, else what it had copied so far.
    fn left_over(&self) -> Option<PathBuf> {
        if self.database().exists() {
            return None;
        }
        let before = |number: u32| self.0.join(format!("baton.db.before-restore-{number}"));
        let kept = (1..).map(before).take_while(|path| path.exists()).last();
        kept.or_else(|| Some(self.restoring()).filter(|path| path.exists()))
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
        fs::write(self.0.join(".gitignore"), "*\n")?;
        durable::sync_folder(durable::folder_of(&self.0))
    }

    /// An empty database for its owner only, whatever the umask, where there never was a store.
    fn prepare(&self) -> Result<(), OpenError> {
        if let Some(left) = self.left_over() {
            return Err(OpenError::TakenAway { folder: self.0.clone(), left });
        }
        if self.database().exists() {
            return Ok(());
        }
        let unusable =
            |why: std::io::Error| OpenError::Unusable { path: self.database(), why: why.to_string() };
        durable::create_private(&self.database()).map_err(unusable)?;
        durable::sync_folder(&self.0).map_err(unusable)
    }

    fn version(&self) -> rusqlite::Result<i64> {
        let conn = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        version(&conn)
    }

    /// What the record came to when the store was last at rest, apart from the database: of a log that was lost, and
    /// with it the newest events and the ends of their chains, nothing in the database tells.
    fn head(&self) -> PathBuf {
        self.0.join("baton.head")
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
    /// The file that is left of a store that was here.
    #[error(
        "there is no store in {}, but {} is there: a restore was cut off, or the store was taken away. `baton db restore` takes it or \
         a backup; to begin anew, move it elsewhere", folder.display(), left.display()
    )]
    TakenAway { folder: PathBuf, left: PathBuf },
    #[error("{} is no store of Baton's: {why}", path.display())]
    NotAStore { path: PathBuf, why: String },
    #[error("{} can't be used: {why}", path.display())]
    Unusable { path: PathBuf, why: String },
    #[error(
        "the store was written by a newer baton (schema {found}, this one knows {SCHEMA_VERSION}): use that one"
    )]
    TooNew { found: i64 },
    #[error(
        "{} was written by an earlier baton (schema {found}, this one knows {SCHEMA_VERSION}), whose record does not vouch for its \
         rows: finish and report its runs with that baton, or move it aside and begin anew", path.display()
    )]
    TooOld { path: PathBuf, found: i64 },
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
    /// # Errors
    /// See [`OpenError`].
    pub fn open(home: &Home, lock: Lock) -> Result<Self, OpenError> {
        home.prepare()?;
        let conn = Connection::open(home.database())?;
        known(&conn, &home.database())?;
        let mut store = Self::prepare(conn, None)?;
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
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000; \
             PRAGMA journal_size_limit = 67108864; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -65536; PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; \
             PRAGMA cell_size_check = ON;",
        )?;
        conn.set_prepared_statement_cache_capacity(128);
        create(&conn)?;
        let memory = Memory::read(&conn)?;
        let floor =
            conn.query_row("SELECT coalesce(max(at), 0) FROM event WHERE seq = ?1", [memory.seq], |row| {
                row.get(0)
            })?;
        let (clock, drift) = match clock {
            Some(clock) => (clock, ClockSkew::None),
            None => Clock::after(Time(floor)),
        };
        Ok(Self {
            conn,
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

    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// How the machine's clock stood to the record when this was opened.
    #[must_use]
    pub fn drift(&self) -> ClockSkew {
        self.drift
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
                vec![Err(why.into()); count]
            }
        }
    }

    /// Folds the log into the database and keeps what the record has come to beside it. Both only help later: what fails
    /// is tried again at the next rest.
    fn rest(&self) {
        let folded = self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let (Ok(()), Some(home), Ok(seen)) = (folded, &self.home, chain::ends(&self.conn)) {
            let _ = durable::write(&home.head(), format!("{seen}\n").as_bytes());
        }
    }

    /// Whether the store can't be read any more: the host must stop.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn transact(&mut self, ops: Vec<Op>) -> Result<Vec<Result<Applied, Rejection>>, ApplyError> {
        crate::failpoint::hit("before-begin");
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.own()?;
        let mut touched = Vec::new();
        let mut batch = Batch {
            conn: &self.conn,
            now: self.clock.now(),
            memory: &mut self.memory,
            changed: Vec::new(),
            observed: Vec::new(),
            tallies: &mut self.tallies,
            lines: lines::Lines::default(),
            touched: &mut touched,
        };
        let mut replies = Vec::with_capacity(ops.len());
        for op in ops {
            let reply = apply::apply(&mut batch, op).map_err(Rejection::from);
            if let Err(broken @ Rejection::Store(_)) = reply {
                return Err(broken.into());
            }
            replies.push(reply);
            crate::failpoint::hit("after-op");
        }
        batch.seal_chains()?;
        self.tallies.write(&self.conn)?;
        crate::failpoint::hit("before-commit");
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        crate::failpoint::hit("after-commit");
        for reply in replies.iter().flatten() {
            if let Reply::Boot(boot) = reply.reply {
                self.boot = Some(boot);
            }
        }
        Ok(replies)
    }

    /// Refuses everything that a host asks for once another one has started on the store.
    fn own(&self) -> Result<(), ApplyError> {
        let Some(boot) = self.boot else { return Ok(()) };
        let newest: u32 =
            self.conn.prepare_cached("SELECT max(boot) FROM host")?.query_row([], |row| row.get(0))?;
        if newest == boot {
            return Ok(());
        }
        let why = format!("another host (boot {newest}) took the store over from this one (boot {boot})");
        Err(Rejection::Store(why).into())
    }
}

/// What tells this machine from others that may share its files.
#[must_use]
pub fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name = rustix::system::uname();
    format!("{}/{}", name.nodename().to_string_lossy(), id.trim())
}

/// Makes the tables of a store that has none yet.
fn create(conn: &Connection) -> Result<(), OpenError> {
    if version(conn)? == 0 {
        conn.execute_batch(&format!(
            "BEGIN; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
            include_str!("schema.sql"),
        ))?;
    }
    Ok(())
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Refuses what this version would misread.
fn known(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    match version(conn)? {
        0 | SCHEMA_VERSION => Ok(()),
        found if found < SCHEMA_VERSION => Err(OpenError::TooOld { path: path.to_owned(), found }),
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
    if let Some(left) = home.left_over() {
        return Err(OpenError::TakenAway { folder: home.0.clone(), left });
    }
    if !home.exists() {
        return Err(OpenError::Missing(home.0.clone()));
    }
    let conn = Connection::open_with_flags(
        home.database(),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(Duration::from_secs(5))?;
    known(&conn, &home.database())?;
    conn.execute_batch("PRAGMA query_only = 1;")?;
    Ok(conn)
}
