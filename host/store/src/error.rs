//! Why the store gave no answer, by what the caller does next.

use std::path::PathBuf;

use baton_core::op::{Rejection, StoreError};
use baton_core::task::transition::Refused;
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::schema::VERSION;

/// What lies beneath an error: of the database, of a file, or of what was stored in it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Another process kept the database locked for 5 s. Try again.
    #[error("another process keeps the database locked: {0}")]
    Busy(#[source] Cause),
    /// The file, or what is stored in it, is not what was written. `baton db check` says where; a backup is the way back.
    #[error("what is stored can't be read: {0}")]
    Corrupt(#[source] Cause),
    /// No such row. It names what was asked for, such as `task t7`.
    #[error("there is no {0}")]
    NotFound(String),
    /// The disk, the memory or the file's permissions: nothing is wrong with what is stored.
    #[error("the database failed: {0}")]
    Failed(#[source] Cause),
}

/// The result of a query.
pub type Reading<T> = Result<T, ReadError>;

impl ReadError {
    /// For what is stored and can't be understood. `what` names the value and the place.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into().into())
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(why: rusqlite::Error) -> Self {
        match &why {
            rusqlite::Error::QueryReturnedNoRows => Self::NotFound("such row".into()),
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => Self::Corrupt(why.into()),
            other => match other.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(why.into()),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(why.into()),
                Some(_) | None => Self::Failed(why.into()),
            },
        }
    }
}

/// It crosses to other threads and processes, so its cause goes along as text.
impl From<ReadError> for StoreError {
    fn from(why: ReadError) -> Self {
        match &why {
            ReadError::Busy(_) => Self::Busy(why.to_string()),
            ReadError::Corrupt(_) | ReadError::NotFound(_) => Self::Corrupt(why.to_string()),
            ReadError::Failed(cause) => Self::Failed(cause.to_string()),
        }
    }
}

impl From<OpenError> for Rejection {
    fn from(why: OpenError) -> Self {
        match why {
            OpenError::Database(why) => why.into(),
            OpenError::Locked { .. }
            | OpenError::Missing(_)
            | OpenError::TakenAway { .. }
            | OpenError::NotAStore { .. }
            | OpenError::Unusable { .. }
            | OpenError::TooNew { .. }
            | OpenError::TooOld { .. }
            | OpenError::Foreign
            | OpenError::OldSqlite(_) => Self::Store(StoreError::Failed(why.to_string())),
        }
    }
}

impl From<ReadError> for Rejection {
    fn from(why: ReadError) -> Self {
        Self::Store(why.into())
    }
}

/// Why an operation was not carried out.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// It may not be: nothing of it stays, and the rest of its group goes on.
    Rejected(Rejection),
    /// The store is of no use to its group: the transaction is rolled back.
    Broken(StoreError),
}

impl ApplyError {
    pub(crate) fn invalid(why: impl std::fmt::Display) -> Self {
        Self::Rejected(Rejection::Invalid(why.to_string()))
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::Rejected(Rejection::NotFound(what.into()))
    }

    /// For what is stored and can't be understood.
    pub(crate) fn corrupt(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Broken(StoreError::Corrupt(format!("{what}: {why}")))
    }
}

impl From<ApplyError> for Rejection {
    fn from(why: ApplyError) -> Self {
        match why {
            ApplyError::Rejected(rejection) => rejection,
            ApplyError::Broken(why) => Self::Store(why),
        }
    }
}

impl From<Rejection> for ApplyError {
    fn from(why: Rejection) -> Self {
        match why {
            Rejection::Store(why) => Self::Broken(why),
            rejection @ (Rejection::NotFound(_)
            | Rejection::Refused(_)
            | Rejection::PlanChanged { .. }
            | Rejection::Invalid(_)
            | Rejection::HeldElsewhere { .. }
            | Rejection::Host(_)) => Self::Rejected(rejection),
        }
    }
}

impl From<Refused> for ApplyError {
    fn from(why: Refused) -> Self {
        Self::Rejected(why.into())
    }
}

impl From<ReadError> for ApplyError {
    fn from(why: ReadError) -> Self {
        Self::Broken(why.into())
    }
}

impl From<rusqlite::Error> for ApplyError {
    fn from(why: rusqlite::Error) -> Self {
        match why.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => {
                Self::invalid(format!("it contradicts what is stored: {why}"))
            }
            Some(_) | None => Self::Broken(ReadError::from(why).into()),
        }
    }
}

/// Why a store, a backup or a bundle can't be used.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the right to write.
    #[error("{} is in use by another baton (process {pid})", folder.display())]
    Locked {
        /// The store's.
        folder: PathBuf,
        /// Of that process, as it wrote it.
        pid: String,
    },
    /// No store was ever made in this folder.
    #[error("there is no store in {}: run a plan first, or name its folder with --store", .0.display())]
    Missing(PathBuf),
    /// There was a store, and its database is gone.
    #[error(
        "there is no store in {}, but {} is there: a restore was cut off, or the store was taken away. `baton db restore` takes it or \
         a backup; to begin anew, move it elsewhere", folder.display(), left.display()
    )]
    TakenAway {
        /// The store's.
        folder: PathBuf,
        /// What remains: a copy that a restore was to replace, or had made so far.
        left: PathBuf,
    },
    /// The file is no database, or not one of Baton's.
    #[error("{} is no store of Baton's: {why}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What the database says of it.
        #[source]
        why: Cause,
    },
    /// The system does not let it be read or written, or what is in it is wrong.
    #[error("{} can't be used: {why}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        why: Cause,
    },
    /// A later version wrote it.
    #[error(
        "the store was written by a newer baton (schema {found}, this one knows {VERSION}): use that one"
    )]
    TooNew {
        /// Its schema.
        found: i64,
    },
    /// A version wrote it that is too early to bring it forward.
    #[error(
        "{} was written by an earlier baton (schema {found}, this one knows {VERSION}), whose record does not vouch for its \
         rows: finish and report its runs with that baton, or move it aside and begin anew", path.display()
    )]
    TooOld {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// A database that Baton did not make.
    #[error(
        "baton.db in the store's folder is somebody else's database: move it aside, or name another folder with --store"
    )]
    Foreign,
    /// A version of SQLite that can corrupt a store.
    #[error("SQLite {0} is linked, and at least 3.51.3 is needed")]
    OldSqlite(&'static str),
    /// It was opened, and then the database failed.
    #[error(transparent)]
    Database(#[from] ReadError),
}

impl OpenError {
    /// For a file or folder of the store that the system, or what is in it, does not let Baton use.
    pub(crate) fn unusable(path: impl Into<PathBuf>, why: impl Into<Cause>) -> Self {
        Self::Unusable { path: path.into(), why: why.into() }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(why: rusqlite::Error) -> Self {
        Self::Database(why.into())
    }
}

#[cfg(test)]
mod tests;
