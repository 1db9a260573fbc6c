//! `baton sim`: routers in simulated worlds, on a virtual clock.

mod gates;
mod play;

use super::{Global, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Play worlds with some routers and compare what they come to
    Play(play::Args),
    /// Measure all that is claimed of routing, in worlds that nothing was tuned on
    Gates(gates::Args),
}

pub(super) fn run(global: &Global, verb: &Verb) -> Outcome {
    match verb {
        Verb::Play(args) => play::run(global, args),
        Verb::Gates(args) => gates::run(global, args),
    }
}
