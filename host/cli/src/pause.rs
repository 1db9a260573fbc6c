//! `baton pause RUN|TASK`: start nothing more of a run or a task; what runs may finish.

use baton_core::op::Op;

use super::target::{Target, Targets, apply};
use super::{Global, Outcome};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    apply(global, args, "paused", |target| match target {
        Target::Run(run) => Op::HoldRun { run },
        Target::Task(task) => Op::HoldTask { task },
    })
}
