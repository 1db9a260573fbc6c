//! `baton bench plan`: a large plan from memory to rows that are durable.

use baton_lab::bench::plan::measure;

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let figures = measure(args.tasks)?;
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{} tasks: waves and critical path {:.2} s, submitted durably in {:.2} s, {:.0} bytes a task",
            figures.tasks, figures.shape_s, figures.submit_s, figures.bytes_per_task
        ));
    }
    Ok(Done::Well)
}
