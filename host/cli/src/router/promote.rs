//! `baton router promote`: a router decides everything, on probation first.

use baton_app::operation::ROUTER_PROMOTE;
use baton_app::routers::Promotion;

use super::super::{Global, Outcome};
use super::moved;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The router [default: the one on trial]
    router: Option<String>,
    /// Without probation: it decides everything from now on
    #[arg(long)]
    at_once: bool,
    /// Although it has not shown what the configuration requires
    #[arg(long)]
    force: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let Args { router, at_once, force } = args;
    let promotion = Promotion { router: router.clone(), at_once: *at_once, force: *force };
    moved(global, &ROUTER_PROMOTE, &promotion)
}
