//! Tasks that were given up.

use baton_store::read::history::{self, DeadLetter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// Whose dead letters are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadQuery {
    /// Only of this run, such as `r2`.
    pub run: Option<String>,
}

/// Tasks that were given up and neither redriven nor dropped.
///
/// # Errors
/// There is no such run; the store can't be read.
pub(crate) fn dead(app: &App, query: &DeadQuery) -> Result<Vec<DeadLetter>, AppError> {
    let reader = &app.reader()?;
    let run = target::only_run(reader, query.run.as_deref())?;
    history::dead(reader, run).map_err(AppError::unreadable)
}
