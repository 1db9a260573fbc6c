//! `baton router promote`: a router decides everything, on probation first.

use baton_core::event::{Fact, TrialEnding};
use baton_core::op::{Op, RouterChoice};
use baton_core::trial::TrialPhase;
use baton_store::Reader;
use baton_store::read::history;
use baton_store::read::routing;

use super::super::{Failure, Global, Outcome, unreadable};
use super::trial::{Bench, said};

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
    let mut bench = Bench::open(global)?;
    let router = match (&args.router, &bench.going_on) {
        (Some(name), _) => bench.chosen(name)?,
        (None, Some(row)) => row.router.clone(),
        (None, None) => return Err(Failure::Usage("no router is on trial: name the one to promote".into())),
    };
    if !args.force {
        required(&bench, &router)?;
    }
    let name = router.name.clone();
    if !args.at_once {
        let holdback = bench.config.ladder.holdback;
        // A trial keeps the probation that it began with.
        let attempts =
            bench.trial_of(&router).map_or(bench.config.ladder.probation, |row| row.terms.probation);
        bench.enter(router, TrialPhase::Probation { holdback })?;
        return said(
            global,
            &format!(
                "{name} decides about all but {:.0} % of the tasks, and about all after {attempts} attempts without a breach",
                holdback * 100.0
            ),
        );
    }
    let why = "a person asked for it".to_owned();
    let op = match bench.trial_of(&router) {
        Some(row) => Op::EndTrial { trial: row.id, ending: TrialEnding::Promoted, why },
        None => Op::Promote { router: Some(router), why },
    };
    bench.door.apply(op)?;
    said(global, &format!("{name} decides from now on, unless a run names another"))
}

/// What the configuration wants a router to have shown before it is promoted.
fn required(bench: &Bench, router: &RouterChoice) -> Result<(), Failure> {
    let ladder = bench.config.ladder;
    let refuse = |why: String| Err(Failure::Refused(why));
    if ladder.require_backtest {
        match judged(&bench.conn, &router.digest)? {
            Some((true, _)) => {}
            Some((false, why)) => {
                return refuse(format!("{} did not win its last backtest: {why}", router.name));
            }
            None => {
                return refuse(format!(
                    "[router] require-backtest: baton router backtest {} comes first",
                    router.name
                ));
            }
        }
    }
    let shadowed = shadowed(&bench.conn, router)?;
    if shadowed < ladder.require_shadow {
        return refuse(format!(
            "[router] require-shadow = {}: it has decided {shadowed} times in the shadow so far (baton router shadow {})",
            ladder.require_shadow, router.name
        ));
    }
    Ok(())
}

/// What the last backtest of exactly this component said.
fn judged(conn: &Reader, digest: &str) -> Result<Option<(bool, String)>, Failure> {
    let events = history::of_kind(conn, "router-judged").map_err(unreadable)?;
    Ok(events.into_iter().rev().find_map(|event| match event.fact {
        Fact::RouterJudged { digest: judged, won, why, .. } if judged == digest => Some((won, why)),
        _ => None,
    }))
}

fn shadowed(conn: &Reader, router: &RouterChoice) -> Result<u64, Failure> {
    let mut count = 0;
    for row in routing::trials(conn).map_err(unreadable)?.iter().filter(|row| row.router == *router) {
        count += routing::shadows(conn, row.id).map_err(unreadable)?.len() as u64;
    }
    Ok(count)
}
