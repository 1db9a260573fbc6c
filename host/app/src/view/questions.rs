//! What agents ask of people.

use baton_core::people::StoredQuestion;
use baton_store::read::people;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError};

/// Which questions are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionQuery {
    /// Also those that were answered.
    #[serde(default)]
    pub all: bool,
}

/// The questions that tasks wait for, or all, oldest first.
///
/// # Errors
/// The store can't be read.
pub(crate) fn questions(app: &App, query: &QuestionQuery) -> Result<Vec<StoredQuestion>, AppError> {
    let reader = &app.reader()?;
    if query.all { people::questions(reader) } else { people::open(reader) }.map_err(AppError::unreadable)
}
