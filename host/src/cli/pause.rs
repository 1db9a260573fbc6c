//! `baton pause RUN|TASK`: start nothing more of a run or a task; what runs may finish.

use super::target::{Target, target};
use super::{Done, Global, Outcome, screen};
use crate::door::Door;
use crate::op::Op;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Runs (r1) or tasks (ws-22, r1/ws-22)
    #[arg(required = true)]
    what: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (_, home) = global.here()?;
    let conn = global.reader()?;
    let mut door = Door::open(&home)?;
    for what in &args.what {
        let op = match target(&conn, what)? {
            Target::Run(run) => Op::HoldRun { run },
            Target::Task(task) => Op::HoldTask { task },
        };
        door.apply(op)?;
        if !global.quiet {
            screen::line(&format!("{what} paused"));
        }
    }
    Ok(Done::Well)
}
