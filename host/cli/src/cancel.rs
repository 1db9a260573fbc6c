//! `baton cancel RUN|TASK`: end a run or a task; what runs is stopped.

use baton_core::op::Op;
use baton_store::{Reader, read};

use super::target::{self, Target, Targets, apply};
use super::{Failure, Global, Outcome, unreadable};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let conn = global.reader()?;
    for what in args.names() {
        goes_on(&conn, what)?;
    }
    let why = || "a person cancelled it".to_owned();
    apply(global, args, "cancelled", |target| match target {
        Target::Run(run) => Op::CancelRun { run, why: why() },
        Target::Task(task) => Op::CancelTask { task, why: why() },
    })
}

/// What is over can't be cancelled, and its end is said.
fn goes_on(conn: &Reader, what: &str) -> Result<(), Failure> {
    let over = |how: &str| Err(Failure::Refused(format!("{what} {how}: there is nothing to cancel")));
    match target::target(conn, what)? {
        Target::Run(run) => match read::run(conn, run).map_err(unreadable)? {
            Some(run) if run.settled.is_some() => over("has ended"),
            Some(_) | None => Ok(()),
        },
        Target::Task(task) => match read::task(conn, task).map_err(unreadable)? {
            Some(task) if task.state.is_terminal() => over(&format!("is {} already", task.state.name())),
            Some(_) | None => Ok(()),
        },
    }
}
