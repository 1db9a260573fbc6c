//! `baton router ab`: a router decides about a share of the tasks, and both sides are compared.

use baton_app::operation::ROUTER_SPLIT;
use baton_app::routers::RouterShare;

use super::super::{Global, Outcome};
use super::moved;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A bundled or installed router, or the path of a component
    router: String,
    /// The share of the tasks that it decides [default: [router] share, or 0.1]
    #[arg(long)]
    share: Option<f64>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    moved(global, &ROUTER_SPLIT, &RouterShare { router: args.router.clone(), share: args.share })
}
