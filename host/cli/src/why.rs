//! `baton why TASK`: the one thing that a task waits for.

use baton_app::operation::WHY;
use baton_app::why::WhyQuery;

use super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task, such as ws-22 or r1/ws-22
    task: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let answer = global.app()?.call(&WHY, &WhyQuery { task: args.task.clone() })?;
    if global.json {
        screen::json(&answer);
        return Ok(Done::Well);
    }
    screen::line(&format!("{} {}", answer.task, answer.text));
    if answer.needs_host() {
        screen::note("no host is running: `baton run PLAN` or `baton host` goes on with it");
    }
    Ok(Done::Well)
}
