//! `baton router ab`: a router decides about a share of the tasks, and both sides are compared.

use baton_core::trial::TrialPhase;

use super::super::{Failure, Global, Outcome};
use super::trial::{Bench, said};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A bundled or installed router, or the path of a component
    router: String,
    /// The share of the tasks that it decides [default: [router] share, or 0.1]
    #[arg(long)]
    share: Option<f64>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let mut bench = Bench::open(global)?;
    let share = args.share.unwrap_or(bench.config.ladder.share);
    if !(share > 0.0 && share < 1.0) {
        return Err(Failure::Usage(format!("a share is above 0 and below 1, not {share}")));
    }
    let router = bench.chosen(&args.router)?;
    bench.enter(router, TrialPhase::Split { share })?;
    let percent = share * 100.0;
    said(global, &format!("{} decides about {percent:.0} % of the tasks from now on", args.router))
}
