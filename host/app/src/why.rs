//! Why a task is not running.

use baton_core::clock::Clock;
use baton_core::command::CommandError;
use baton_core::id::{RunId, TaskId};
use baton_core::kind::Kind;
use baton_engine::waits::Wait;
use baton_engine::why::{self, Offline, Rules, Why};
use baton_store::Reader;
use baton_store::read;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhyQuery {
    /// Such as `ws-22` or `r1/ws-22`.
    pub task: String,
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhyAnswer {
    /// As it was called in the request.
    pub task: String,
    /// The cause, and what it is about.
    pub why: Why,
    /// The same as a sentence whose subject is the task.
    pub text: String,
    /// Whether a host runs.
    #[serde(skip)]
    pub hosted: bool,
}

impl WhyAnswer {
    /// Whether what the task waits for is a host, and none runs.
    #[must_use]
    pub fn needs_host(&self) -> bool {
        !self.hosted && matches!(self.why, Why::Running { .. } | Why::Stage { .. } | Why::MergeQueue)
    }
}

pub(crate) fn why(app: &App, asked: &WhyQuery) -> Result<WhyAnswer, AppError> {
    let conn = app.reader()?;
    let task = target::task(&conn, &asked.task)?;
    let (why, hosted) = cause(app, &conn, task)?;
    Ok(WhyAnswer { task: asked.task.clone(), text: why.to_string(), why, hosted })
}

/// Times that host and rows are asked again because they were of different moments.
const ATTEMPTS: u32 = 3;

/// The cause, and whether a host told what it knows of it.
///
/// # Errors
/// The host does not answer, or the store can't be read.
pub(crate) fn cause(app: &App, conn: &Reader, task: TaskId) -> Result<(Why, bool), AppError> {
    let mut host = app.host()?;
    for _ in 0..ATTEMPTS {
        let known = match host.as_mut().map(|host| host.why(task)) {
            Some(Ok(known)) => known,
            // It is ending: what its rows say is left.
            Some(Err(CommandError::Unavailable { .. } | CommandError::Ending)) => {
                host = None;
                offline(app, conn)?.known(task)
            }
            Some(Err(why)) => return Err(why.into()),
            None => offline(app, conn)?.known(task),
        };
        if let Some(why) = why::explained(conn, task, known).map_err(AppError::unreadable)? {
            return Ok((why, host.is_some()));
        }
    }
    let why = "the host and the store were of different moments each time: ask again".to_owned();
    Err(AppError::Busy { why, source: None })
}

/// What a host would decide by if one started now.
fn offline(app: &App, conn: &Reader) -> Result<Offline, AppError> {
    Offline::read(conn, rules(app)?, Clock::system().now()).map_err(AppError::unreadable)
}

/// What the ready and the accepted tasks of a run wait for.
///
/// # Errors
/// The host does not answer, or the store can't be read.
pub(crate) fn waits(app: &App, conn: &Reader, run: RunId) -> Result<Vec<Wait>, AppError> {
    if let Some(mut host) = app.host()? {
        return Ok(host.waits(run)?.0);
    }
    let offline = offline(app, conn)?;
    let name = |id: TaskId| read::name(conn, id).unwrap_or_else(|_| id.to_string());
    let mut waits = offline.waits(run, name);
    for task in offline.board().claimed(run).filter_map(|id| offline.board().task(id)) {
        let why = why::claimed(conn, task).map_err(AppError::unreadable)?;
        if matches!(why, Why::Landing { .. }) {
            waits.push(Wait { why, task: task.id, tasks: 1 });
        }
    }
    Ok(waits)
}

/// What a host of this configuration decides by.
///
/// # Errors
/// This machine can't run plugins.
pub(crate) fn rules(app: &App) -> Result<Rules, AppError> {
    let library = app.library()?;
    let missing = |adapter: &str| library.inspect(adapter, Kind::Agent).err().map(|why| why.to_string());
    let agents = app.config.agents.iter();
    Ok(Rules {
        limits: app.config.limits.clone(),
        budget: app.config.budget.clone(),
        unusable: agents.filter_map(|card| Some((card.name.clone(), missing(&card.adapter)?))).collect(),
    })
}
