//! `baton bench route`: one decision, at many agents.

use baton_core::clock::Stopwatch;
use baton_plugin::conformance::snapshot;
use serde::Serialize;

use super::super::{Done, Global, Outcome, screen};
use super::percentile;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 1000)]
    agents: u32,
    /// Tasks in one decision
    #[arg(long, default_value_t = 256)]
    batch: usize,
    #[arg(long, default_value_t = 100)]
    decisions: usize,
    #[arg(long, default_value = "capability")]
    router: String,
}

#[derive(Serialize)]
struct Figures {
    router: String,
    agents: u32,
    batch: usize,
    per_task_p50_us: f64,
    per_task_p99_us: f64,
    decision_p50_ms: f64,
    fuel: u64,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let router = global.app()?.library_of(&[])?.router(&args.router)?;
    let mut times = Vec::new();
    let mut fuel = 0;
    for seed in 0..args.decisions.max(1) {
        let asked = snapshot(args.agents, args.batch, seed as u64);
        let watch = Stopwatch::start();
        fuel = router.route(&asked)?.fuel;
        times.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    let mut per_task: Vec<f64> = times.iter().map(|time| time / args.batch as f64).collect();
    let figures = Figures {
        router: args.router.clone(),
        agents: args.agents,
        batch: args.batch,
        per_task_p50_us: percentile(&mut per_task, 0.5),
        per_task_p99_us: percentile(&mut per_task, 0.99),
        decision_p50_ms: percentile(&mut times, 0.5) / 1000.0,
        fuel,
    };
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{} at {} agents, {} tasks at once: {:.1} / {:.1} us a task (p50 / p99), {:.2} ms a decision, {} fuel",
            figures.router,
            figures.agents,
            figures.batch,
            figures.per_task_p50_us,
            figures.per_task_p99_us,
            figures.decision_p50_ms,
            fuel
        ));
    }
    Ok(Done::Well)
}
