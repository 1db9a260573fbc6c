//! Which tables a store has, and by which version of Baton it was made.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;
use crate::home::Home;

/// "BATN".
const APPLICATION_ID: i64 = 0x4241_544E;
/// The schema that this version makes, in the database's `user_version`.
pub(crate) const VERSION: i64 = 3;
/// The earliest schema from which a store is brought forward. The record of those before does not vouch for rows.
pub(crate) const OLDEST: i64 = 2;
/// Tables, indexes and the view.
pub(crate) const DEFINITIONS: &str = include_str!("schema.sql");

/// Makes the tables of a store that has none yet.
///
/// # Errors
/// [`OpenError::Foreign`] where somebody else's tables are there.
pub(crate) fn create(conn: &Connection) -> Result<(), OpenError> {
    if version(conn)? == 0 {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(OpenError::Foreign);
        }
        conn.execute_batch(&format!(
            "BEGIN; {DEFINITIONS} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;",
        ))?;
    }
    Ok(())
}

/// 0 where nothing was made yet.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The schema of the database of a folder, which is there.
pub(crate) fn version_of(home: &Home) -> rusqlite::Result<i64> {
    version(&Connection::open_with_flags(home.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Whether a store must be migrated before it is used.
pub(crate) fn is_outdated(home: &Home) -> rusqlite::Result<bool> {
    Ok((OLDEST..VERSION).contains(&version_of(home)?))
}

/// Refuses what this version would misread and can't bring forward.
pub(crate) fn check_version(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    match version(conn)? {
        0 | OLDEST..=VERSION => Ok(()),
        found if found < OLDEST => Err(OpenError::TooOld { path: path.to_owned(), found }),
        found => Err(OpenError::TooNew { found }),
    }
}
