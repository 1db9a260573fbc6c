//! `baton retry RUN|TASK`: runs failed, cancelled or skipped tasks again, with all of their attempts.

use baton_app::door::Door;
use baton_core::op::Op;
use baton_store::read::{self, history};

use super::target::{Target, target};
use super::{Done, Failure, Global, Outcome, screen, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Tasks (ws-22, r1/ws-22), or runs (r1): all of their failed tasks
    #[arg(required = true)]
    what: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (_, home) = global.here()?;
    let conn = global.reader()?;
    let mut door = Door::open(&home)?;
    for what in &args.what {
        let tasks = match target(&conn, what)? {
            Target::Task(task) => vec![task],
            Target::Run(run) => history::dead(&conn, Some(run))
                .map_err(unreadable)?
                .into_iter()
                .map(|letter| letter.id)
                .collect(),
        };
        if tasks.is_empty() {
            return Err(Failure::Refused(format!("{what} has no failed tasks")));
        }
        for task in tasks {
            door.apply(Op::Redrive { task })?;
            let name = read::name(&conn, task).map_err(unreadable)?;
            if !global.quiet {
                screen::line(&format!("{name} will be run again"));
            }
        }
    }
    if !door.is_host() && !global.quiet {
        screen::note("no host is running: `baton run PLAN` goes on with it");
    }
    Ok(Done::Well)
}
