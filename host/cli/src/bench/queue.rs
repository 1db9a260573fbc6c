//! `baton bench queue`: no-op tasks from submission to acceptance, beside the same rows written straight into SQLite.

use std::path::{Path, PathBuf};

use baton_core::learning::Part;
use baton_lab::bench::queue::{Figures, Options, measure};

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Tasks in a round
    #[arg(long, default_value_t = 20_000)]
    tasks: usize,
    /// Agents, each of this capacity
    #[arg(long, default_value_t = 16)]
    agents: u32,
    #[arg(long, default_value_t = 64)]
    capacity: u32,
    /// Tasks submitted at once; 1 = one by one
    #[arg(long, default_value_t = 1000)]
    bulk: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value = "capability")]
    router: String,
    /// Where the databases are made [default: the temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Args {
    fn options(&self) -> Options {
        let Self { tasks, agents, capacity, bulk, rounds, router, dir } = self;
        Options {
            tasks: *tasks,
            agents: *agents,
            capacity: *capacity,
            bulk: *bulk,
            rounds: *rounds,
            router: router.clone(),
            dir: dir.clone(),
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let figures = measure(&global.config(Path::new("."))?, &args.options())?;
    if global.json {
        screen::json(&figures);
    } else {
        print(&figures);
    }
    Ok(Done::Well)
}

fn print(figures: &Figures) {
    screen::line(&format!("{:.0} tasks/s end to end ({} at once)", figures.tasks_per_s, figures.bulk));
    screen::line(&format!(
        "{:.0} tasks/s for the same rows in SQLite alone ({:.0} %)",
        figures.floor_tasks_per_s,
        figures.share_of_floor * 100.0
    ));
    screen::line(&format!(
        "submit to running {:.0} / {:.0} ms (p50 / p99)",
        figures.submit_to_running_p50_ms, figures.submit_to_running_p99_ms
    ));
    screen::line(&format!("{:.0} bytes a task", figures.bytes_per_task));
    let part = |part: Part| format!("{} {:.1} %", part.name(), figures.learning[part.name()] * 100.0);
    let parts: Vec<String> = Part::ALL.into_iter().map(part).collect();
    screen::line(&format!("{} of the processor time", parts.join(", ")));
}
