//! `baton cancel RUN|TASK`: end a run or a task; what runs is stopped.

use super::target::{Target, Targets, apply};
use super::{Global, Outcome};
use crate::op::Op;

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let why = || "a person cancelled it".to_owned();
    apply(global, args, "cancelled", |target| match target {
        Target::Run(run) => Op::CancelRun { run, why: why() },
        Target::Task(task) => Op::CancelTask { task, why: why() },
    })
}
