//! One decision, at many agents.

use baton_app::{App, AppError};
use baton_core::clock::Stopwatch;
use baton_plugin::conformance::snapshot;
use serde::Serialize;

use super::percentile;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A bundled router.
    pub router: String,
    /// Agents to choose from.
    pub agents: u32,
    /// Tasks in one decision, at least 1.
    pub batch: usize,
    /// How many decisions are made, at least 1.
    pub decisions: usize,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The router.
    pub router: String,
    /// Agents to choose from.
    pub agents: u32,
    /// Tasks in one decision.
    pub batch: usize,
    /// A decision by the number of its tasks, in microseconds.
    pub per_task_p50_us: f64,
    /// The same; one decision of a hundred takes longer.
    pub per_task_p99_us: f64,
    /// A whole decision, in milliseconds.
    pub decision_p50_ms: f64,
    /// What wasmtime counts as executed in one decision.
    pub fuel: u64,
}

/// Measures a router's decisions.
///
/// # Errors
/// There is no such router, it failed, or this machine can't run plugins.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn measure(app: &App, options: &Options) -> Result<Figures, AppError> {
    let router = app.library_of(&[])?.router(&options.router)?;
    let mut times = Vec::new();
    let mut fuel = 0;
    for seed in 0..options.decisions.max(1) {
        let asked = snapshot(options.agents, options.batch, seed as u64);
        let watch = Stopwatch::start();
        fuel = router.route(&asked)?.fuel;
        times.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    let mut per_task: Vec<f64> = times.iter().map(|time| time / options.batch as f64).collect();
    Ok(Figures {
        router: options.router.clone(),
        agents: options.agents,
        batch: options.batch,
        per_task_p50_us: percentile(&mut per_task, 0.5),
        per_task_p99_us: percentile(&mut per_task, 0.99),
        decision_p50_ms: percentile(&mut times, 0.5) / 1000.0,
        fuel,
    })
}
