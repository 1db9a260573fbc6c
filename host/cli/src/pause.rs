//! `baton pause RUN|TASK`: start nothing more of a run or a task; what runs may finish.

use baton_app::operation::PAUSE;

use super::target::{Targets, each};
use super::{Global, Outcome};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    each(global, &PAUSE, args, "paused")
}
