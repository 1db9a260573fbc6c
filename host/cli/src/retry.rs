//! `baton retry RUN|TASK`: runs failed, cancelled or skipped tasks again, with all of their attempts.

use baton_app::operation::RETRY;
use baton_app::runs::Targets;

use super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tasks (ws-22, r1/ws-22), or runs (r1): all of their failed tasks
    #[arg(required = true)]
    what: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let app = global.app()?;
    let changed = app.call(&RETRY, &Targets { what: args.what.clone() })?;
    if global.json {
        screen::json(&changed);
    } else if !global.quiet {
        changed.iter().for_each(|one| screen::line(&format!("{} will be run again", one.name)));
        if !app.is_hosted() {
            screen::note("no host is running: `baton run PLAN` goes on with it");
        }
    }
    Ok(Done::Well)
}
