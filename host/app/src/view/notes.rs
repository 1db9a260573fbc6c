//! What refusals taught later tasks of a kind.

use baton_store::read::insight::{self, Numbered};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, notes};

/// Which notes are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteQuery {
    /// Only for this kind of task.
    pub kind: Option<String>,
}

/// All notes that were not forgotten, those that count most first. What is new in the record is consolidated first.
///
/// # Errors
/// The store can't be read, or not be written to.
pub(crate) fn notes(app: &App, query: &NoteQuery) -> Result<Vec<Numbered>, AppError> {
    let mut notes = insight::notes(&notes::consolidated(app)?).map_err(AppError::unreadable)?;
    notes.retain(|note| query.kind.as_ref().is_none_or(|kind| note.note.kind == *kind));
    Ok(notes)
}
