//! `baton bench recover`: from opening a store with many live tasks to its first assignment.

use std::path::Path;

use baton_lab::bench::recover::measure;

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let figures = measure(&global.config(Path::new("."))?, args.tasks)?;
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{} live tasks: {:.2} s from opening to the first assignment",
            figures.live_tasks, figures.first_assignment_s
        ));
    }
    Ok(Done::Well)
}
