//! `baton dead list|show|redrive|drop`: tasks that were given up.

use baton_app::operation::{self, DROP};
use baton_app::runs::Tasks;
use baton_app::view::dead::DeadQuery;

use super::{Done, Global, Outcome, done, retry, screen, show, shown};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// All of them
    List {
        /// Only this run's
        run: Option<String>,
    },
    /// One of them, with every attempt
    Show(show::Args),
    /// Run them again, with all of their attempts
    Redrive(retry::Args),
    /// Give them up for good: what depends on them is skipped
    Drop {
        #[arg(required = true)]
        tasks: Vec<String>,
    },
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::List { run } => list(global, run.as_deref()),
        Verb::Show(args) => show::run(global, &args),
        Verb::Redrive(args) => retry::run(global, &args),
        Verb::Drop { tasks } => drop(global, &tasks),
    }
}

fn list(global: &Global, run: Option<&str>) -> Outcome {
    let query = DeadQuery { run: run.map(str::to_owned) };
    shown(global, &operation::DEAD, &query, |letters| {
        let rows = letters.iter().map(|letter| {
            let why = letter.fault.as_ref().map(ToString::to_string).unwrap_or_default();
            let name = format!("{}/{}", letter.run, letter.task);
            vec![name, letter.at.to_string(), letter.attempts.to_string(), why]
        });
        screen::table(&["task", "at", "attempts", "why"], &rows.collect::<Vec<_>>());
    })?;
    Ok(Done::Well)
}

fn drop(global: &Global, tasks: &[String]) -> Outcome {
    done(global, &DROP, &Tasks { tasks: tasks.to_vec() }, |dropped| {
        dropped.iter().for_each(|one| screen::line(&format!("{} dropped", one.name)));
    })
}
