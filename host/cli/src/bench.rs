//! `baton bench`: what this machine gives.

mod plan;
mod plugin;
mod queue;
mod recover;
mod route;
mod scale;

use super::{Global, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// No-op tasks end to end, through a router and an agent in WebAssembly, with full history
    Queue(queue::Args),
    /// One router decision
    Route(route::Args),
    /// Loading, instantiating and calling plugins
    Plugin(plugin::Args),
    /// Loading and checking a large plan, to its first dispatch
    Plan(plan::Args),
    /// Restarting with many live tasks, to the first assignment
    Recover(recover::Args),
    /// The same work in stores that hold more and more
    Scale(scale::Args),
}

impl Verb {
    /// Whether it listens to spans itself, in place of the log.
    pub(super) fn meters(&self) -> bool {
        matches!(self, Self::Queue(_))
    }
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::Queue(args) => queue::run(global, &args),
        Verb::Route(args) => route::run(global, &args),
        Verb::Plugin(args) => plugin::run(global, &args),
        Verb::Plan(args) => plan::run(global, &args),
        Verb::Recover(args) => recover::run(global, &args),
        Verb::Scale(args) => scale::run(global, &args),
    }
}
