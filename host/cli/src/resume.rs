//! `baton resume RUN|TASK`: lift a pause.

use baton_core::op::Op;

use super::target::{Target, Targets, apply};
use super::{Global, Outcome};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    apply(global, args, "goes on", |target| match target {
        Target::Run(run) => Op::UnholdRun { run },
        Target::Task(task) => Op::UnholdTask { task },
    })
}
