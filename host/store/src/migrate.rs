//! Brings a store of an earlier schema forward: a backup first, then each step in a transaction of its own. Whenever this
//! is cut off, the store is of the schema before a step or after it, and the next one who opens it goes on from there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::backup::copied;
use crate::error::OpenError;
use crate::home::{Home, Lock};
use crate::{durable, failpoint, schema};

/// From one schema to the next.
struct Step {
    /// The schema that it makes.
    to: i64,
    sql: &'static str,
}

/// In their order. A step is never changed once it was released: what it left is what the next one begins with.
const STEPS: [Step; 1] = [Step { to: 3, sql: include_str!("migrate/3.sql") }];

/// Migrates the store of a folder. The database as it was stays beside it, and is what `baton db restore`, or the
/// earlier version of Baton, takes.
///
/// # Errors
/// The copy can't be written, or the database is not what its schema says.
pub(crate) fn forward(home: &Home, lock: &Lock) -> Result<(), OpenError> {
    let mut conn = Connection::open(home.database())?;
    conn.busy_timeout(crate::reader::BUSY)?;
    schema::check_version(&conn, &home.database())?;
    let found = schema::version(&conn)?;
    if !(schema::OLDEST..schema::VERSION).contains(&found) {
        return Ok(());
    }
    lock.migrating(|| brought(home, &mut conn, found))
}

fn brought(home: &Home, conn: &mut Connection, found: i64) -> Result<(), OpenError> {
    let kept = keep(home, conn, found)?;
    tracing::warn!(
        "migrating the store from schema {found} to {}; a copy of it is kept as {}",
        schema::VERSION,
        kept.display()
    );
    failpoint::hit("migrate-kept");
    conn.execute_batch("PRAGMA synchronous = FULL")?;
    Ok(steps(conn)?)
}

/// Takes every step that a database has still to take.
pub(crate) fn steps(conn: &mut Connection) -> rusqlite::Result<()> {
    for step in &STEPS {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if schema::version(&transaction)? + 1 != step.to {
            continue;
        }
        transaction.execute_batch(step.sql)?;
        transaction.pragma_update(None, "user_version", step.to)?;
        failpoint::hit("migrate-changed");
        transaction.commit()?;
        failpoint::hit("migrate-committed");
    }
    Ok(())
}

/// Copies the database, under a name that is not taken: an earlier copy may be somebody's only one. Where a try that failed
/// left the same copy, that one will do.
fn keep(home: &Home, conn: &Connection, found: i64) -> Result<PathBuf, OpenError> {
    let name = |number: u32| home.folder().join(format!("baton.db.schema-{found}-{number}"));
    let partial = home.folder().join(format!("baton.db.schema-{found}.partial"));
    let unusable = |why: std::io::Error| OpenError::unusable(&partial, why);
    durable::create_private(&partial).map_err(unusable)?;
    drop(copied(conn, &partial)?);
    durable::sync_file(&partial).map_err(unusable)?;
    failpoint::hit("migrate-copied");
    let copy = digest(&partial).map_err(unusable)?;
    for number in 1.. {
        let to = name(number);
        if !to.exists() {
            durable::rename(&partial, &to).map_err(unusable)?;
            return Ok(to);
        }
        if digest(&to).map_err(|why| OpenError::unusable(&to, why))? == copy {
            fs::remove_file(&partial).map_err(unusable)?;
            return Ok(to);
        }
    }
    Err(OpenError::unusable(home.folder(), "it has no free name for a copy of the store"))
}

fn digest(path: &Path) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests;
