//! `baton merge`: takes what was accepted into the branch that is checked out.

use baton_app::operation::MERGE;
use baton_app::runs::Nothing;

use super::{Global, Outcome, done, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Outcome {
    done(global, &MERGE, &Nothing {}, |merged| screen::line(&format!("{}: {}", merged.target, merged.said)))
}
