//! `baton bench scale`: whether operations on the store cost more as it grows. The same work is done in stores of each
//! size, in turn, so that what slows the machine down slows all of them down.

use baton_core::clock::Time;
use baton_lab::scale::{Grown, Load, start};
use baton_store::Home;
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen};
use super::median;

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
    dir: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Figures {
    load: &'static str,
    sizes: Vec<Size>,
    /// To read which bills caps can still bind, in the largest store.
    start_ms: f64,
}

#[derive(Serialize)]
struct Size {
    tasks: usize,
    tasks_per_s: f64,
    /// Of the smallest store's.
    ratio: f64,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let folder = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = folder.join(format!("baton-bench-scale-{}", std::process::id()));
    let figures: Result<Vec<Figures>, Failure> =
        Load::ALL.into_iter().map(|load| measured(args, load, &folder)).collect();
    let _ = std::fs::remove_dir_all(&folder);
    let figures = figures?;
    if global.json {
        screen::json(&figures);
    } else {
        figures.iter().for_each(print);
    }
    Ok(Done::Well)
}

fn measured(args: &Args, load: Load, folder: &std::path::Path) -> Result<Figures, Failure> {
    let most = match load {
        Load::Plain => usize::MAX,
        Load::OwnTerms | Load::Billed => args.special,
    };
    let sizes: Vec<usize> = args.tasks.iter().copied().filter(|size| *size <= most).collect();
    let home = |size: usize| Home::at(folder.join(format!("{load:?}-{size}")));
    let mut stores = Vec::new();
    for size in &sizes {
        let mut store = Grown::open(&home(*size), load)?;
        store.grow(*size)?;
        stores.push((*size, store, Vec::new()));
    }
    for _ in 0..args.rounds.max(1) {
        for (_, store, speeds) in &mut stores {
            speeds.push(store.measure()?);
        }
    }
    let speeds: Vec<(usize, f64)> =
        stores.into_iter().map(|(size, _, speeds)| (size, median(speeds))).collect();
    let smallest = speeds.first().map_or(f64::NAN, |(_, speed)| *speed);
    let size =
        |(tasks, tasks_per_s): (usize, f64)| Size { tasks, tasks_per_s, ratio: tasks_per_s / smallest };
    let start_ms = match sizes.last() {
        Some(largest) => start(&home(*largest), Time(i64::MAX))?.0 * 1000.0,
        None => 0.0,
    };
    Ok(Figures { load: load.name(), sizes: speeds.into_iter().map(size).collect(), start_ms })
}

fn print(figures: &Figures) {
    let size = |size: &Size| format!("{}: {:.0}/s ({:.2})", size.tasks, size.tasks_per_s, size.ratio);
    let sizes: Vec<String> = figures.sizes.iter().map(size).collect();
    screen::line(&format!("{}: {}", figures.load, sizes.join(", ")));
    screen::line(&format!("  what its bills bind is known after {:.1} ms", figures.start_ms));
}
