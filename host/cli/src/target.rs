//! What a person names on the command line, and the verbs that change it.

use baton_app::operation::Operation;
use baton_app::runs::{self, Changed};

use super::{Global, Outcome, done, screen};

/// What a verb is asked to do something to.
#[derive(Debug, clap::Args)]
pub(super) struct Targets {
    /// Runs (r1) or tasks (ws-22, r1/ws-22)
    #[arg(required = true)]
    what: Vec<String>,
}

/// Asks for an operation on all of them, and says of each that it was done.
pub(super) fn each(
    global: &Global,
    operation: &Operation<runs::Targets, Vec<Changed>>,
    targets: &Targets,
    said: &str,
) -> Outcome {
    let input = runs::Targets { what: targets.what.clone() };
    done(global, operation, &input, |changed| {
        changed.iter().for_each(|one| screen::line(&format!("{} {said}", one.name)));
    })
}
