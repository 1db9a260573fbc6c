//! `baton bench route`: one decision, at many agents.

use baton_lab::bench::route::{Options, measure};

use super::super::{Done, Global, Outcome, screen};

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

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let Args { agents, batch, decisions, router } = args;
    let options = Options { router: router.clone(), agents: *agents, batch: *batch, decisions: *decisions };
    let figures = measure(&global.app()?, &options)?;
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
            figures.fuel
        ));
    }
    Ok(Done::Well)
}
