//! A copy of a store, and back from one.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::check::check;
use super::{Home, Lock, OpenError, SCHEMA_VERSION};

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
