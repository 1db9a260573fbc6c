//! `baton router shadow`: a router is asked beside every decision, and nothing follows from it.

use baton_core::trial::TrialPhase;

use super::super::{Global, Outcome};
use super::trial::{Bench, said};

pub(super) fn run(global: &Global, name: &str) -> Outcome {
    let mut bench = Bench::open(global)?;
    let router = bench.chosen(name)?;
    bench.enter(router, TrialPhase::Shadow)?;
    said(global, &format!("{name} is asked beside every decision from now on, and nothing follows from it"))
}
