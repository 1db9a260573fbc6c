//! `baton drain`: the host ends once what runs has ended, and starts nothing more.

use baton_app::operation::DRAIN;
use baton_app::runs::Nothing;

use super::{Global, Outcome, done, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Outcome {
    done(global, &DRAIN, &Nothing {}, |host| {
        screen::line(&format!("the host (process {}) ends once what runs has ended", host.pid));
    })
}
