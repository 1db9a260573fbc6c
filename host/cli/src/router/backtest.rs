//! `baton router backtest`: what another router would have meant for the recorded decisions.

use std::str::FromStr as _;

use baton_app::operation::ROUTER_BACKTEST;
use baton_app::routers::BacktestQuery;
use baton_core::span::Span;
use baton_engine::replay::backtest::{Backtest, LeftOut};
use baton_stats::interval::Interval;
use baton_stats::offpolicy::Judgement;

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A bundled or installed router, or the path of a component
    router: String,
    /// How far back, such as 7d [default: all that is recorded]
    #[arg(long, value_parser = Span::from_str)]
    since: Option<Span>,
    /// Of this run only
    #[arg(long)]
    run: Option<String>,
    /// How many points of acceptance it may lose and still count as no worse
    #[arg(long, default_value_t = 2.0)]
    margin: f64,
    /// Of the intervals
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Do not note the outcome for `promote`
    #[arg(long)]
    dry: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = BacktestQuery {
        router: args.router.clone(),
        since: args.since,
        run: args.run.clone(),
        margin: args.margin,
        level: args.level,
        dry: args.dry,
    };
    let found = global.app()?.call(&ROUTER_BACKTEST, &query)?;
    if global.json {
        screen::json(&found);
    } else {
        print(&args.router, &found.backtest);
        screen::line(&format!("{} is {}", args.router, found.text));
    }
    Ok(if found.finding.is_won() { Done::Well } else { Done::Failed })
}

fn print(router: &str, found: &Backtest) {
    screen::line(&format!(
        "{router} on {} recorded decisions, {} assigned tasks",
        found.decisions, found.rows
    ));
    for (why, count) in &found.left_out {
        let why = match why {
            LeftOut::NoVerdict => "their attempts came to no verdict",
            LeftOut::FellBack => "another agent than the chosen one was taken",
            LeftOut::NoPropensities => "the recorded answer does not say every candidate's chance",
            LeftOut::WouldWait => "this router would not have assigned them then",
        };
        screen::line(&format!("  {count} left out: {why}"));
    }
    if let Some(why) = &found.first_failure {
        screen::line(&format!("  {} decisions left out: no usable answer, first {why}", found.failures));
    }
    let points = |interval: Interval| scaled(interval, 100.0, " %");
    let parts: [(&str, _, &dyn Fn(Interval) -> String); 3] = [
        ("acceptance", &found.acceptance, &points),
        ("latency", &found.latency, &|interval| scaled(interval, 0.001, " s")),
        ("cost", &found.cost, &|interval| scaled(interval, 1e-6, "")),
    ];
    for (what, judged, shown) in parts {
        match judged {
            Some(Ok(judgement)) => print_part(what, judgement, shown),
            Some(Err(why)) => screen::line(&format!("  {what}: no estimate, {why}")),
            None => screen::line(&format!("  {what}: not known of every attempt")),
        }
    }
    if let Some(Ok(judgement)) = &found.acceptance {
        print_ground(judgement);
    }
}

fn print_part(what: &str, judgement: &Judgement, shown: &dyn Fn(Interval) -> String) {
    let Judgement { logged, ips, snips, dr, difference, .. } = judgement;
    screen::line(&format!("  {what}: {} was reached", shown(*logged)));
    screen::line(&format!("    would have been {} (doubly robust)", shown(*dr)));
    screen::line(&format!("    difference {}", shown(*difference)));
    screen::line(&format!("    IPS {}, self-normalised {}", shown(*ips), shown(*snips)));
}

fn print_ground(judgement: &Judgement) {
    screen::line(&format!(
        "  agreement {:.0} %, support {:.1} %, effective sample {:.0} of {} tasks, heaviest weight {:.1}",
        judgement.agreement * 100.0,
        judgement.support.covered * 100.0,
        judgement.ess.least(),
        judgement.rows,
        judgement.support.heaviest
    ));
    if !judgement.support.weight.holds(judgement.support.covered) {
        screen::line(
            "  careful: choices were not drawn from the chances on record, as when agents fill up within one \
             decision; the figures may be off",
        );
    }
    for change in judgement.skills.iter().take(5) {
        match change.change {
            Ok(interval) => screen::line(&format!(
                "    {}: {} over {} tasks",
                change.skill,
                scaled(interval, 100.0, " points"),
                change.rows
            )),
            Err(why) => screen::line(&format!("    {}: {why}", change.skill)),
        }
    }
}

/// Such as `74.1 [72.0, 76.3] %`.
fn scaled(interval: Interval, factor: f64, unit: &str) -> String {
    let [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(|value| value * factor);
    if factor < 1e-5 {
        return format!("{estimate:.4} [{low:.4}, {high:.4}]{unit}");
    }
    format!("{estimate:.1} [{low:.1}, {high:.1}]{unit}")
}
