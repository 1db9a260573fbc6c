//! `baton router rollback`: the trial ends, or the router before the promoted one comes back.

use baton_core::event::TrialEnding;
use baton_core::op::Op;

use super::super::{Global, Outcome};
use super::trial::{Bench, said};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For the record
    #[arg(long, default_value = "a person asked for it")]
    why: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let mut bench = Bench::open(global)?;
    let why = args.why.clone();
    let (op, what) = match &bench.going_on {
        Some(row) => {
            let op = Op::EndTrial { trial: row.id, ending: TrialEnding::RolledBack, why };
            (op, format!("{} decides nothing any more", row.router.name))
        }
        None => (Op::Promote { router: None, why }, "the router before is back".to_owned()),
    };
    bench.door.apply(op)?;
    said(global, &what)
}
