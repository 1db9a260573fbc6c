//! `baton cancel RUN|TASK`: ends it; what runs of it is asked to stop.

use baton_app::operation::CANCEL;

use super::target::{Targets, each};
use super::{Global, Outcome};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    each(global, &CANCEL, args, "cancelled")
}
