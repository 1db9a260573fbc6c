//! What a person names: a run (`r2`), a task (`ws-22`, in the newest run that has it), a task of a run (`r2/ws-22`),
//! an agent.

use baton_core::agent::Agent;
use baton_core::command::Target;
use baton_core::id::{RunId, TaskId};
use baton_core::nearest::did_you_mean;
use baton_store::Reader;
use baton_store::read::{self, live, summary};

use crate::AppError;

/// A run such as `r1`, or a task.
///
/// # Errors
/// There is no such run or task, or the store can't be read.
pub fn target(conn: &Reader, text: &str) -> Result<Target, AppError> {
    match text.parse::<RunId>() {
        Ok(run) => known(conn, run).map(Target::Run),
        Err(_) => task(conn, text).map(Target::Task),
    }
}

fn known(conn: &Reader, run: RunId) -> Result<RunId, AppError> {
    match read::run(conn, run).map_err(AppError::unreadable)? {
        Some(run) => Ok(run.id),
        None => Err(AppError::not_found(format!("there is no run {run}: `baton status` lists them"))),
    }
}

/// The run that is named, or the newest.
///
/// # Errors
/// There is no such run, or the store can't be read.
pub fn run(conn: &Reader, text: Option<&str>) -> Result<RunId, AppError> {
    match text {
        Some(text) => known(conn, text.parse::<RunId>()?),
        None => {
            let newest = read::runs(conn).map_err(AppError::unreadable)?.pop();
            newest
                .map(|run| run.id)
                .ok_or_else(|| AppError::not_found("there are no runs yet: `baton run PLAN`"))
        }
    }
}

/// The run that is named; none where none is.
///
/// # Errors
/// There is no such run, or the store can't be read.
pub fn only_run(conn: &Reader, text: Option<&str>) -> Result<Option<RunId>, AppError> {
    text.map(|text| run(conn, Some(text))).transpose()
}

/// A task of the newest run such as `ws-22`, or of a run such as `r1/ws-22`.
///
/// # Errors
/// There is no such task, or the store can't be read.
pub fn task(conn: &Reader, text: &str) -> Result<TaskId, AppError> {
    let (run_text, name) = match text.split_once('/') {
        Some((run, name)) if run.parse::<RunId>().is_ok() => (Some(run), name),
        Some(_) | None => (None, text),
    };
    let run = run(conn, run_text)?;
    if let Some(task) = read::task_named(conn, run, name).map_err(AppError::unreadable)? {
        return Ok(task);
    }
    let lines = summary::lines(conn, run).map_err(AppError::unreadable)?;
    let hint = did_you_mean(name, lines.iter().map(|line| line.task.as_str()));
    Err(AppError::not_found(format!("{run} has no task {name:?}{hint}")))
}

/// # Errors
/// There is no such agent, or the store can't be read.
pub fn agent(conn: &Reader, name: &str) -> Result<Agent, AppError> {
    let agents = live::agents(conn).map_err(AppError::unreadable)?;
    let hint = did_you_mean(name, agents.iter().map(|agent| agent.card.name.as_str()));
    let missing = format!("there is no agent {name:?}{hint}");
    agents.into_iter().find(|agent| agent.card.name == name).ok_or_else(|| AppError::not_found(missing))
}
