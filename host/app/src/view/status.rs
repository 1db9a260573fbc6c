//! Where runs and their tasks stand.

use std::collections::BTreeMap;

use baton_core::id::RunId;
use baton_core::task::StateName;
use baton_engine::waits::Wait;
use baton_store::Reader;
use baton_store::read::{self, summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::Client;
use crate::{App, AppError, target, why};

/// Which runs and tasks are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusQuery {
    /// Only this run, such as `r2`. Without it all runs are listed, and the tasks of the newest.
    pub run: Option<String>,
    /// Only tasks in this state.
    pub state: Option<StateName>,
}

/// Where runs stand, and the tasks of one of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Status {
    /// The run that was asked for, or all.
    pub runs: Vec<RunStatus>,
    /// The tasks of the run that was asked for, or of the newest.
    pub tasks: Vec<summary::Line>,
    /// What the same run waits for.
    pub waits: Vec<NamedWait>,
    /// Whether a host carries runs out now.
    #[serde(skip)]
    pub is_hosted: bool,
}

/// A run, and how many of its tasks are in which state.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunStatus {
    /// The run.
    #[serde(flatten)]
    pub run: read::Run,
    /// The plan's tasks by state; states that none is in are left out.
    pub counts: BTreeMap<StateName, u64>,
}

/// What a run waits for, and the name of the first task that it holds up.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NamedWait {
    /// The cause.
    #[serde(flatten)]
    pub wait: Wait,
    /// The task's name in its run.
    #[serde(skip)]
    pub name: String,
}

impl NamedWait {
    /// Such as `a (and 2 more like it) has no capable agent: …`.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { wait, name } = self;
        match wait.tasks {
            0 | 1 => format!("{name} {}", wait.why),
            more => format!("{name} (and {} more like it) {}", more - 1, wait.why),
        }
    }
}

/// Where runs and their tasks stand.
///
/// # Errors
/// There is no such run; the store can't be read.
pub(crate) fn status(app: &App, query: &StatusQuery) -> Result<Status, AppError> {
    let reader = &app.reader()?;
    let id = target::run(reader, query.run.as_deref())?;
    let runs = match query.run {
        Some(_) => read::run(reader, id).map_err(AppError::unreadable)?.into_iter().collect(),
        None => read::runs(reader).map_err(AppError::unreadable)?,
    };
    let mut tasks = summary::lines(reader, id).map_err(AppError::unreadable)?;
    tasks.retain(|line| query.state.is_none_or(|state| line.state == state));
    Ok(Status {
        runs: runs.into_iter().map(|run| counted(reader, run)).collect::<Result<_, _>>()?,
        tasks,
        waits: named_waits(app, reader, id)?,
        is_hosted: Client::is_there(&app.home),
    })
}

impl Status {
    /// Whether a run is open and no host carries it out.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        !self.is_hosted && self.runs.iter().any(|status| status.run.settled.is_none())
    }
}

fn counted(reader: &Reader, run: read::Run) -> Result<RunStatus, AppError> {
    let counts = summary::counts(reader, run.id).map_err(AppError::unreadable)?;
    Ok(RunStatus { run, counts })
}

fn named_waits(app: &App, reader: &Reader, run: RunId) -> Result<Vec<NamedWait>, AppError> {
    let named = |wait: Wait| {
        let name = read::name(reader, wait.task).map_err(AppError::unreadable)?;
        Ok(NamedWait { wait, name })
    };
    why::waits(app, reader, run)?.into_iter().map(named).collect()
}
