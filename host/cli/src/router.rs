//! `baton router`: the routing strategy of runs, and what is known of its decisions.

mod ab;
mod backtest;
mod explain;
mod export;
mod promote;
mod rollback;
mod shadow;
mod status;
mod verify;

use baton_app::operation::{Operation, ROUTER_USE};
use baton_app::routers::{RouterMoved, RouterUse, RouterUsed};

use super::{Done, Global, Outcome, done, screen};

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

fn use_router(global: &Global, router: &str, run: Option<&str>) -> Outcome {
    let input = RouterUse { router: router.to_owned(), run: run.map(str::to_owned) };
    done(global, &ROUTER_USE, &input, |RouterUsed { run, router }| {
        screen::line(&format!("{run} is routed by {router} from its next decision on"));
    })
}

/// Moves a router on its way from deciding nothing to deciding everything, and says what it decides now; as JSON, where
/// all routers stand.
fn moved<I>(global: &Global, operation: &Operation<I, RouterMoved>, input: &I) -> Outcome {
    let moved = global.app()?.call(operation, input)?;
    if global.json {
        return status::run(global);
    }
    if !global.quiet {
        screen::line(&said(&moved));
    }
    Ok(Done::Well)
}

fn said(moved: &RouterMoved) -> String {
    match moved {
        RouterMoved::Shadow { router } => {
            format!("{router} is asked beside every decision from now on, and nothing follows from it")
        }
        RouterMoved::Split { router, share } => {
            format!("{router} decides about {:.0} % of the tasks from now on", share * 100.0)
        }
        RouterMoved::Probation { router, holdback, attempts } => format!(
            "{router} decides about all but {:.0} % of the tasks, and about all after {attempts} attempts without a breach",
            holdback * 100.0
        ),
        RouterMoved::Promoted { router } => {
            format!("{router} decides from now on, unless a run names another")
        }
        RouterMoved::RolledBack { router } => format!("{router} decides nothing any more"),
        RouterMoved::Restored => "the router before is back".to_owned(),
    }
}
