//! `baton bench scale`: whether operations on the store cost more as it grows.

use std::path::PathBuf;

use baton_lab::bench::scale::{Figures, Options, Size, measure};

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many tasks the stores hold, smallest first
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    tasks: Vec<usize>,
    /// The most tasks with terms of their own, or with bills
    #[arg(long, default_value_t = 100_000)]
    special: usize,
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Where the databases are made [default: the temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let Args { tasks, special, rounds, dir } = args;
    let options = Options { tasks: tasks.clone(), special: *special, rounds: *rounds, dir: dir.clone() };
    let figures = measure(&options)?;
    if global.json {
        screen::json(&figures);
    } else {
        figures.iter().for_each(print);
    }
    Ok(Done::Well)
}

fn print(figures: &Figures) {
    let size = |size: &Size| format!("{}: {:.0}/s ({:.2})", size.tasks, size.tasks_per_s, size.ratio);
    let sizes: Vec<String> = figures.sizes.iter().map(size).collect();
    screen::line(&format!("{}: {}", figures.load, sizes.join(", ")));
    screen::line(&format!("  what its bills bind is known after {:.1} ms", figures.start_ms));
}
