//! `baton bench`: what this machine gives. Figures are medians of rounds in one process.

mod meter;
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

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    percentile(&mut values, 0.5)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index"
)]
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = ((values.len().saturating_sub(1)) as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}
