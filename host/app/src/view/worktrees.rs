//! The working trees of tasks, and whose they are.

use std::path::PathBuf;

use baton_engine::land::{self, Owner};
use baton_engine::workspace::{Key, Tree, Workspaces};
use baton_store::{Reader, read};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::runs::Nothing;
use crate::{App, AppError};

/// A tree, and the task that works in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Worktree {
    /// Such as `r1/ws-22`.
    pub task: String,
    /// Of the task; `unknown` where the store has no such task.
    pub state: String,
    /// The commit that the tree was made from.
    pub base: String,
    /// Its folder.
    pub path: PathBuf,
}

/// The trees that are there.
///
/// # Errors
/// The configuration has no repository; the store or the repository can't be read.
pub(crate) fn worktrees(app: &App, _: &Nothing) -> Result<Vec<Worktree>, AppError> {
    Ok(found(&app.reader()?, &opened(app)?)?.into_iter().map(|found| found.tree).collect())
}

/// Takes those trees away whose task has ended; what is returned is gone.
///
/// # Errors
/// As [`worktrees`].
pub(crate) fn prune(app: &App, _: &Nothing) -> Result<Vec<Worktree>, AppError> {
    let workspaces = opened(app)?;
    let mut over = found(&app.reader()?, &workspaces)?;
    over.retain(|found| found.is_over);
    let keys: Vec<Key> = over.iter().map(|found| found.key).collect();
    runtime()?.block_on(workspaces.sweep(&keys));
    Ok(over.into_iter().map(|found| found.tree).collect())
}

struct Found {
    key: Key,
    tree: Worktree,
    /// Whether its task has ended, or is not known.
    is_over: bool,
}

fn found(reader: &Reader, workspaces: &Workspaces) -> Result<Vec<Found>, AppError> {
    let found = |Tree { key, path, base }| {
        let (task, state, is_over) = owner(reader, key)?;
        Ok(Found { key, tree: Worktree { task, state, base, path }, is_over })
    };
    workspaces.list().into_iter().map(found).collect()
}

fn opened(app: &App) -> Result<Workspaces, AppError> {
    let none =
        "there are no working trees: add [workspace] to baton.toml, and tasks that change files get one each";
    let settings = app.config.workspace.clone().ok_or_else(|| AppError::invalid(none))?;
    Ok(runtime()?.block_on(Workspaces::open(settings))?)
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The task's name and state, and whether it has ended.
fn owner(reader: &Reader, key: Key) -> Result<(String, String, bool), AppError> {
    let found = land::owner(reader, key).map_err(AppError::unreadable)?;
    let Some(Owner { task, over }) = found else { return Ok((key.to_string(), "unknown".into(), true)) };
    let name = read::name(reader, task.id).map_err(AppError::unreadable)?;
    Ok((format!("{}/{name}", task.run), task.state.name().to_string(), over))
}
