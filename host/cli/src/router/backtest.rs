//! `baton router backtest`: what another router would have meant for the recorded decisions.

use std::str::FromStr as _;

use baton_app::operation::ROUTER_BACKTEST;
use baton_app::routers::BacktestQuery;
use baton_app::view::router::backtest_lines;
use baton_core::span::Span;

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
        backtest_lines(&args.router, &found.backtest).iter().for_each(|line| screen::line(line));
        screen::line(&format!("{} is {}", args.router, found.text));
    }
    Ok(if found.finding.is_won() { Done::Well } else { Done::Failed })
}
