//! `baton worktrees`: the trees that are there, and whose they are.

use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, unreadable};
use crate::store::read;
use crate::workspace::{Tree, Workspaces};

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
    branch: String,
    path: std::path::PathBuf,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let settings = config.workspace.ok_or_else(|| {
        Failure::Usage("there are no working trees: add [workspace] to baton.toml, and tasks that change files get one each".into())
    })?;
    let conn = global.reader()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let git = |why: crate::workspace::GitError| Failure::Infrastructure(why.to_string());
    let workspaces = runtime.block_on(Workspaces::open(settings)).map_err(git)?;
    let mut lines = Vec::new();
    for (path, branch) in runtime.block_on(workspaces.list()).map_err(git)? {
        let (task, state) = owner(&conn, &branch)?;
        let over = state.is_none_or(|state| state.is_terminal());
        if args.prune && over {
            let tree = Tree { path: path.clone(), branch: branch.clone(), base: String::new() };
            runtime.block_on(workspaces.discard(&tree));
        }
        let state = state.map_or_else(|| "unknown".into(), |state| state.name().to_string());
        if !args.prune || over {
            lines.push(Line { task, state, branch, path });
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
        vec![line.task.clone(), line.state.clone(), line.branch.clone(), line.path.display().to_string()]
    };
    screen::table(&["task", "state", "branch", "path"], &lines.iter().map(row).collect::<Vec<_>>());
    Ok(Done::Well)
}

/// The task that a branch `baton/r1/parent__child` belongs to, and where it stands.
fn owner(conn: &crate::store::Reader, branch: &str) -> Result<(String, Option<crate::task::State>), Failure> {
    let mut parts = branch.splitn(3, '/').skip(1);
    let (run, flat) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = flat.replace("__", "/").replace('+', "~");
    let shown = format!("{run}/{name}");
    let Ok(run) = run.parse() else { return Ok((shown, None)) };
    let Some(id) = read::task_named(conn, run, &name).map_err(unreadable)? else { return Ok((shown, None)) };
    Ok((shown, read::task(conn, id).map_err(unreadable)?.map(|task| task.state)))
}
