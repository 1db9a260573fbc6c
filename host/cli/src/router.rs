//! `baton router`: the routing strategy of runs, and what is known of its decisions.

mod ab;
mod backtest;
mod explain;
mod export;
mod promote;
mod rollback;
mod shadow;
mod status;
mod trial;
mod verify;

use baton_app::door::Door;
use baton_core::op::{Op, RouterChange};
use baton_store::read;

use super::{Done, Failure, Global, Outcome, library, run as run_verb, screen, target, unreadable};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// From the next decision on, this router decides
    Use {
        /// A bundled or installed router, or the path of a component
        router: String,
        /// The run [default: the newest]
        #[arg(long)]
        run: Option<String>,
    },
    /// Why a task went where it went: every candidate with its score, and why the others were none
    Explain { task: String },
    /// Make recorded decisions again, and see that each comes out byte for byte the same
    Verify(verify::Args),
    /// Write recorded decisions with all that they depend on into one file, to be verified elsewhere
    Export(export::Args),
    /// What another router would have meant for recorded decisions; fails unless it is shown to be no worse
    Backtest(backtest::Args),
    /// Ask a router beside every decision, without following it
    Shadow {
        /// A bundled or installed router, or the path of a component
        router: String,
    },
    /// Let a router decide about a share of the tasks, and compare
    Ab(ab::Args),
    /// Let a router decide: on probation first, with a holdback
    Promote(promote::Args),
    /// End the trial, or go back to the router before the promoted one
    Rollback(rollback::Args),
    /// Who decides, and how the router on trial does
    Status,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::Use { router, run } => use_router(global, &router, run.as_deref()),
        Verb::Explain { task } => explain::explain(global, &task),
        Verb::Verify(args) => verify::run(global, &args),
        Verb::Export(args) => export::run(global, &args),
        Verb::Backtest(args) => backtest::run(global, &args),
        Verb::Shadow { router } => shadow::run(global, &router),
        Verb::Ab(args) => ab::run(global, &args),
        Verb::Promote(args) => promote::run(global, &args),
        Verb::Rollback(args) => rollback::run(global, &args),
        Verb::Status => status::run(global),
    }
}

fn use_router(global: &Global, name: &str, run: Option<&str>) -> Outcome {
    let (config, home) = global.here()?;
    let conn = global.reader()?;
    let run = target::run(&conn, run)?;
    if read::run(&conn, run).map_err(unreadable)?.is_some_and(|run| run.settled.is_some()) {
        return Err(Failure::Refused(format!("{run} has ended: there is nothing left to decide in it")));
    }
    let name = named(name);
    let router = run_verb::chosen(&name, &library(&config, Some(&conn))?)?;
    Door::open(&home)?.apply(Op::UseRouter { run, router, why: RouterChange::Asked })?;
    if global.json {
        screen::json(&serde_json::json!({ "run": run.to_string(), "router": name }));
    } else if !global.quiet {
        screen::line(&format!("{run} is routed by {name} from its next decision on"));
    }
    Ok(Done::Well)
}

/// A router's name; a component's path is made absolute, because hosts run elsewhere.
fn named(name: &str) -> String {
    if !name.ends_with(".wasm") {
        return name.to_owned();
    }
    std::path::absolute(name).map_or_else(|_| name.to_owned(), |path| path.to_string_lossy().into_owned())
}
