//! All that is known of one task.

use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::task::{State, Task};
use baton_engine::why::Why;
use baton_engine::workspace::{Change, attr};
use baton_store::read::{self, history};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target, why};

/// Which task is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskQuery {
    /// A task of the newest run such as `ws-22`, or of a run such as `r1/ws-22`.
    pub task: String,
}

/// A task, what was asked for, and every attempt at it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskDetails {
    /// Its state.
    pub task: Task,
    /// The workstream as the plan has it, or the task that spawned it.
    pub spec: Workstream,
    /// The tasks that it depends on, and whether each has succeeded.
    pub depends_on: Vec<(String, bool)>,
    /// Oldest first.
    pub attempts: Vec<history::Attempt>,
    /// What it waits for, if it waits.
    #[serde(skip)]
    pub why: Option<Why>,
}

/// All that is known of one task.
///
/// # Errors
/// There is no such task; the store can't be read, or a host does not answer.
pub(crate) fn task(app: &App, query: &TaskQuery) -> Result<TaskDetails, AppError> {
    let reader = &app.reader()?;
    let id = target::task(reader, &query.task)?;
    let gone = || AppError::not_found("the task is gone");
    let task = read::task(reader, id).map_err(AppError::unreadable)?.ok_or_else(gone)?;
    let dependencies = history::dependencies(reader, id).map_err(AppError::unreadable)?;
    let waits = matches!(task.state, State::Waiting { .. });
    Ok(TaskDetails {
        task,
        spec: read::spec(reader, id).map_err(AppError::unreadable)?,
        depends_on: dependencies.into_iter().map(|(_, name, met)| (name, met)).collect(),
        attempts: history::attempts(reader, id).map_err(AppError::unreadable)?,
        why: waits.then(|| why::cause(app, reader, id)).transpose()?.map(|(why, _)| why),
    })
}

/// The paths that an attempt changed in its tree; none if it had no tree.
#[must_use]
pub fn changed_paths(claimed: &Outcome) -> Option<Vec<String>> {
    let changes: Vec<Change> = serde_json::from_str(claimed.attrs.get(attr::CHANGED)?).ok()?;
    Some(changes.into_iter().map(|change| change.path).collect())
}
