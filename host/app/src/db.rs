//! Looking after the store: whether all of it agrees, and copies of it.

use std::path::{Path, PathBuf};

use baton_store::{Lock, backup, check};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runs::Nothing;
use crate::{App, AppError};

/// Whether rows, counters, the record and SQLite's own structures agree: everything that is wrong, a line each; empty if
/// the store is sound.
///
/// # Errors
/// The store can't be read at all.
pub(crate) fn check(app: &App, _: &Nothing) -> Result<Vec<String>, AppError> {
    let reader = &app.reader()?;
    let mut wrong = check::check(reader).map_err(AppError::unreadable)?;
    wrong.extend(check::rested(&app.home, reader).map_err(AppError::unreadable)?);
    Ok(wrong)
}

/// Where a copy goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The file to write; it must not exist.
    pub to: PathBuf,
}

/// Copies the store and its installed plugins into a file, also while a host runs.
///
/// # Errors
/// The file exists or can't be written; the store can't be read.
pub(crate) fn backup(app: &App, asked: &Backup) -> Result<Backup, AppError> {
    backup::backup(&app.home, &app.reader()?, &asked.to)?;
    Ok(asked.clone())
}

/// Puts a copy in the store's place; what was there is kept beside it. There need not be a store yet.
///
/// # Errors
/// A host has the store; the file is no copy of a store, or can't be read.
pub fn restore(app: &App, from: &Path) -> Result<(), AppError> {
    let lock = Lock::take(&app.home)?;
    Ok(backup::restore(&app.home, from, &lock)?)
}
