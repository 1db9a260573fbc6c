//! `baton worktrees`: the trees that are there, and whose they are.

use baton_engine::land::{self, Owner};
use baton_engine::workspace::{Key, Tree, Workspaces};
use baton_store::{Reader, read};
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Take those away whose task has ended
    #[arg(long)]
    prune: bool,
}

#[derive(Serialize)]
struct Line {
    task: String,
    state: String,
    base: String,
    path: std::path::PathBuf,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let settings = config.workspace.ok_or_else(|| {
        Failure::Usage("there are no working trees: add [workspace] to baton.toml, and tasks that change files get one each".into())
    })?;
    let conn = global.reader()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let git = |why: baton_engine::workspace::GitError| Failure::Infrastructure(why.to_string());
    let workspaces = runtime.block_on(Workspaces::open(settings)).map_err(git)?;
    let mut lines = Vec::new();
    for Tree { key, path, base } in workspaces.list() {
        let (task, state, over) = owner(&conn, key)?;
        if args.prune && over {
            runtime.block_on(workspaces.sweep(&[key]));
        }
        if !args.prune || over {
            lines.push(Line { task, state, base, path });
        }
    }
    if global.json {
        screen::json(&lines);
        return Ok(Done::Well);
    }
    if lines.is_empty() {
        screen::line(if args.prune { "nothing to take away" } else { "there are none" });
        return Ok(Done::Well);
    }
    let row = |line: &Line| {
        let base: String = line.base.chars().take(12).collect();
        vec![line.task.clone(), line.state.clone(), base, line.path.display().to_string()]
    };
    screen::table(&["task", "state", "base", "path"], &lines.iter().map(row).collect::<Vec<_>>());
    Ok(Done::Well)
}

fn owner(conn: &Reader, key: Key) -> Result<(String, String, bool), Failure> {
    let found = land::owner(conn, key).map_err(unreadable)?;
    let Some(Owner { task, over }) = found else { return Ok((key.to_string(), "unknown".into(), true)) };
    let name = read::name(conn, task.id).map_err(unreadable)?;
    Ok((format!("{}/{name}", task.run), task.state.name().to_string(), over))
}
