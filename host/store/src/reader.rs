//! A connection that answers queries.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row};

use crate::error::{OpenError, Reading};
use crate::home::{Home, Lock};
use crate::{migrate, schema};

/// How long a statement waits for another process before it is [`crate::ReadError::Busy`].
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Answers the queries of [`crate::read`], and can change nothing.
pub struct Reader {
    pub(crate) conn: Connection,
}

impl Reader {
    /// All rows that a query finds, in its order.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Reading<Vec<T>> {
        let mut select = self.conn.prepare_cached(sql)?;
        let rows = select.query_map(params, row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Reading<Option<T>> {
        Ok(self.conn.prepare_cached(sql)?.query_row(params, row).optional()?)
    }

    /// The only row of a query that always has one.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Reading<T> {
        Ok(self.conn.prepare_cached(sql)?.query_row(params, row)?)
    }
}

/// Opens the store of a folder for queries, also while a host writes it. One of an earlier schema is migrated first.
///
/// # Errors
/// [`OpenError::Missing`] where there is no store; [`OpenError::Locked`] where an earlier baton has one that must be
/// migrated.
pub fn reader(home: &Home) -> Result<Reader, OpenError> {
    if let Some(left) = home.left_over() {
        return Err(OpenError::TakenAway { folder: home.folder().to_owned(), left });
    }
    if !home.exists() {
        return Err(OpenError::Missing(home.folder().to_owned()));
    }
    migrated(home)?;
    let conn = Connection::open_with_flags(
        home.database(),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY)?;
    schema::check_version(&conn, &home.database())?;
    conn.execute_batch("PRAGMA query_only = 1;")?;
    Ok(Reader { conn })
}

/// How often the lock of an outdated store is tried, and how many times: one that another process has just taken tells
/// only a moment later that it is for a migration.
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: u32 = 40;

/// Brings a store of an earlier schema forward, or waits for the process that does.
fn migrated(home: &Home) -> Result<(), OpenError> {
    let mut left = TRIES;
    while schema::is_outdated(home)? {
        match Lock::take(home) {
            Ok(lock) => return migrate::forward(home, &lock),
            Err(OpenError::Locked { .. }) if left > 0 => {
                left -= 1;
                std::thread::sleep(PAUSE);
            }
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
