//! `baton resume RUN|TASK`: lift a pause.

use baton_app::operation::RESUME;

use super::target::{Targets, each};
use super::{Global, Outcome};

pub(super) type Args = Targets;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    each(global, &RESUME, args, "goes on")
}
