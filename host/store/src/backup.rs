//! A store and the plugins that are installed in it, as one file; and back from one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::check::check;
use super::durable;
use super::error::OpenError;
use super::home::{Home, Lock};
use super::reader::Reader;
use super::{migrate, schema};
use crate::failpoint;

/// What a backup has beside the tables of a store.
const COMPONENTS: &str =
    "CREATE TABLE component (digest TEXT PRIMARY KEY, wasm BLOB NOT NULL) STRICT, WITHOUT ROWID";

fn unusable(path: &Path) -> impl Fn(io::Error) -> OpenError + '_ {
    move |why| OpenError::unusable(path, why)
}

/// Copies a store, also while it is being written, and what is in its folder of plugins.
///
/// # Errors
/// The store can't be read, an installed plugin is gone or was altered, or the copy is there already or can't be
/// written.
pub fn backup(home: &Home, reader: &Reader, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError::unusable(to, "it exists already"));
    }
    let partial = durable::beside(to, "partial");
    durable::create_private(&partial).map_err(unusable(&partial))?;
    let copy = copied(&reader.conn, &partial)?;
    pack(home, &copy)?;
    drop(copy);
    durable::sync_file(&partial).map_err(unusable(&partial))?;
    failpoint::hit("backup-written");
    durable::rename(&partial, to).map_err(unusable(to))
}

/// A copy of a database in an empty file, in one piece: without a log beside it.
pub(crate) fn copied(from: &Connection, to: &Path) -> Result<Connection, OpenError> {
    let mut copy = Connection::open(to)?;
    Backup::new(from, &mut copy)?.run_to_completion(4096, Duration::ZERO, None)?;
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(copy)
}

/// Takes the components along: those that are installed must be as they were added.
fn pack(home: &Home, copy: &Connection) -> Result<(), OpenError> {
    copy.execute_batch(COMPONENTS)?;
    let mut select = copy.prepare("SELECT digest FROM plugin")?;
    let installed: Vec<String> = select
        .query_map([], |row| row.get::<_, String>(0))?
        .map(|digest| digest.map(|digest| hex(&digest).to_owned()))
        .collect::<rusqlite::Result<_>>()?;
    for digest in &installed {
        let path = component(home, digest);
        let bytes = fs::read(&path).map_err(unusable(&path))?;
        if !put_component(copy, digest, &bytes)? {
            let why = "it was altered since it was installed: add the plugin again";
            return Err(OpenError::unusable(path, why));
        }
    }
    // Older versions, which decisions were made by.
    let Ok(folder) = fs::read_dir(home.plugins()) else { return Ok(()) };
    for entry in folder.filter_map(Result::ok) {
        let path = entry.path();
        let digest = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "wasm") && !installed.contains(&digest) {
            put_component(copy, &digest, &fs::read(&path).map_err(unusable(&path))?)?;
        }
    }
    Ok(())
}

/// False for bytes that have another digest.
fn put_component(copy: &Connection, digest: &str, bytes: &[u8]) -> rusqlite::Result<bool> {
    if blake3::hash(bytes).to_hex().as_str() != digest {
        return Ok(false);
    }
    copy.execute("INSERT OR IGNORE INTO component (digest, wasm) VALUES (?1, ?2)", params![digest, bytes])?;
    Ok(true)
}

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("blake3:")
}

fn component(home: &Home, digest: &str) -> PathBuf {
    home.plugins().join(format!("{digest}.wasm"))
}

/// Puts a copy in a store's place. What was there is kept beside it, as `baton.db.before-restore-N`. Whenever this is
/// cut off there is a store: the old one up to the rename, and the new one from then on.
///
/// # Errors
/// The copy is no store of ours or is not sound, or files can't be written.
pub fn restore(home: &Home, from: &Path, _lock: &Lock) -> Result<(), OpenError> {
    let source = source(from)?;
    let (database, fresh) = (home.database(), home.restoring());
    durable::create_private(&fresh).map_err(unusable(&fresh))?;
    let mut copy = Reader { conn: copied(&source, &fresh)? };
    drop(source);
    unpack(home, &copy.conn)?;
    migrate::steps(&mut copy.conn)?;
    if let Some(first) = check(&copy)?.into_iter().next() {
        drop(copy);
        fs::remove_file(&fresh).map_err(unusable(&fresh))?;
        return Err(OpenError::unusable(from, first));
    }
    drop(copy);
    durable::sync_file(&fresh).map_err(unusable(&fresh))?;
    failpoint::hit("restore-copied");
    if database.exists() {
        settle(&database)?;
    }
    failpoint::hit("restore-settled");
    keep(home)?;
    failpoint::hit("restore-kept");
    // It is of the store that goes.
    forget(&home.head())?;
    durable::rename(&fresh, &database).map_err(unusable(&database))?;
    failpoint::hit("restore-renamed");
    Ok(())
}

/// Opens what is to be restored.
fn source(from: &Path) -> Result<Connection, OpenError> {
    let no_store = |why: rusqlite::Error| OpenError::NotAStore { path: from.to_owned(), why: why.into() };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(no_store)?;
    let (found, known) = (schema::version(&source).map_err(no_store)?, schema::VERSION);
    if (schema::OLDEST..=known).contains(&found) {
        return Ok(source);
    }
    let why = format!(
        "it has schema {found}, and this baton knows {known}: restore it with the baton that wrote it"
    );
    Err(OpenError::unusable(from, why))
}

/// Puts the components of a backup where plugins are kept, and takes them out of the copy.
fn unpack(home: &Home, copy: &Connection) -> Result<(), OpenError> {
    let held = copy
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'component'", [], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    if held.is_none() {
        return Ok(());
    }
    fs::create_dir_all(home.plugins()).map_err(unusable(&home.plugins()))?;
    let mut select = copy.prepare("SELECT digest, wasm FROM component")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (digest, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if blake3::hash(&bytes).to_hex().as_str() != digest {
            let why = format!("its component {digest} was altered");
            return Err(OpenError::unusable(home.restoring(), why));
        }
        let path = component(home, &digest);
        durable::write(&path, &bytes).map_err(unusable(&path))?;
    }
    drop(rows);
    drop(select);
    copy.execute_batch("DROP TABLE component")?;
    Ok(())
}

/// Folds the log of the store that goes into its database, so that it is one file. One that is too broken for that is
/// kept as it is, with its log.
fn settle(database: &Path) -> Result<(), OpenError> {
    let fold = || {
        let old = Connection::open(database)?;
        old.busy_timeout(Duration::from_secs(5))?;
        old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
    };
    match fold() {
        Ok(true) => {
            Err(OpenError::unusable(database, "another process is reading it: try again when it has ended"))
        }
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Gives the store that goes another name beside its own. Also where only its log is left: it must not be taken for the
/// new one's.
fn keep(home: &Home) -> Result<(), OpenError> {
    let database = home.database();
    let name = |number: u32, suffix: &str| {
        database.with_file_name(format!("baton.db.before-restore-{number}{suffix}"))
    };
    let number = (1..u32::MAX)
        .find(|number| ["", "-wal"].iter().all(|suffix| !name(*number, suffix).exists()))
        .unwrap_or(u32::MAX);
    // The log before what it belongs to: without it the database lacks what was committed last.
    for suffix in ["-wal", ""] {
        let part = database.with_file_name(format!("baton.db{suffix}"));
        if part.exists() {
            let kept = name(number, suffix);
            fs::hard_link(&part, &kept)
                .or_else(|_| fs::copy(&part, &kept).and_then(|_| durable::sync_file(&kept)))
                .map_err(unusable(&kept))?;
        }
    }
    durable::sync_folder(home.folder()).map_err(unusable(home.folder()))?;
    for suffix in ["-wal", "-shm"] {
        forget(&database.with_file_name(format!("baton.db{suffix}")))?;
    }
    Ok(())
}

/// Takes a file away that need not be there.
fn forget(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(unusable(path)(why)),
    }
}
