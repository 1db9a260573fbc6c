//! Operations on what refusals taught.

use baton_core::command::Command;
use baton_engine::learning::consolidation;
use baton_store::Reader;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError};

/// A note by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteNumber {
    /// As `baton notes list` shows it.
    pub note: i64,
}

pub(crate) fn forget(app: &App, note: &NoteNumber) -> Result<NoteNumber, AppError> {
    app.command(Command::ForgetNote { note: note.note })?;
    Ok(*note)
}

/// The record, with what is new in it taken over into what the analyses read. Nothing is asked for where nothing is new.
///
/// # Errors
/// The store can't be read, or the process that has it does not answer.
pub fn consolidated(app: &App) -> Result<Reader, AppError> {
    let conn = app.reader()?;
    if consolidation::next(&conn).map_err(AppError::unreadable)?.is_some() {
        app.command(Command::Consolidate)?;
    }
    Ok(conn)
}
