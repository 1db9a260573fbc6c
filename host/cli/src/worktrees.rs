//! `baton worktrees`: the trees that are there, and whose they are.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::view::worktrees::Worktree;

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Take those away whose task has ended
    #[arg(long)]
    prune: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let operation = if args.prune { &operation::WORKTREES_PRUNE } else { &operation::WORKTREES };
    shown(global, operation, &Nothing {}, |trees| show(trees, args.prune))?;
    Ok(Done::Well)
}

fn show(trees: &[Worktree], pruned: bool) {
    if trees.is_empty() {
        screen::line(if pruned { "nothing to take away" } else { "there are none" });
        return;
    }
    let row = |tree: &Worktree| {
        let base: String = tree.base.chars().take(12).collect();
        vec![tree.task.clone(), tree.state.clone(), base, tree.path.display().to_string()]
    };
    screen::table(&["task", "state", "base", "path"], &trees.iter().map(row).collect::<Vec<_>>());
}
