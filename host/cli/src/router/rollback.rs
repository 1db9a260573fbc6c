//! `baton router rollback`: the trial ends, or the router before the promoted one comes back.

use baton_app::operation::ROUTER_ROLLBACK;
use baton_app::routers::Rollback;

use super::super::{Global, Outcome};
use super::moved;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For the record
    #[arg(long, default_value = "a person asked for it")]
    why: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    moved(global, &ROUTER_ROLLBACK, &Rollback { why: args.why.clone() })
}
