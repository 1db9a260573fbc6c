//! `baton merge`: takes what was accepted into the branch that is checked out.

use baton_engine::workspace::Workspaces;

use super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let settings = config.workspace.ok_or_else(|| {
        Failure::Usage("there is no [workspace] in baton.toml, so nothing lands on a branch".into())
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let target = settings.target.clone();
    let workspaces = runtime
        .block_on(Workspaces::open(settings))
        .map_err(|why| Failure::Infrastructure(why.to_string()))?;
    let said = runtime.block_on(workspaces.promote()).map_err(|why| Failure::Refused(why.to_string()))?;
    if !global.quiet {
        screen::line(&format!("{target}: {}", said.trim().lines().last().unwrap_or("merged")));
    }
    Ok(Done::Well)
}
