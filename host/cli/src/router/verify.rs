//! `baton router verify`: recorded decisions, made again.

use std::path::PathBuf;

use baton_app::operation;
use baton_app::view::router::{Verification, VerificationQuery};

use super::super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this run only
    #[arg(long, conflicts_with = "bundle")]
    run: Option<String>,
    /// What `baton router export` wrote, here or elsewhere
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = VerificationQuery { run: args.run.clone(), bundle: args.bundle.clone() };
    let found = shown(global, &operation::ROUTER_VERIFY, &query, show)?;
    Ok(if found.is_same() { Done::Well } else { Done::Failed })
}

fn show(found: &Verification) {
    if let Some(difference) = &found.first_difference {
        screen::line(difference);
    } else if found.altered.is_empty() {
        let made = found.decisions + found.lessons - found.unverified;
        screen::line(&format!(
            "{} decisions and {} lessons: {made} came out byte for byte the same",
            found.decisions, found.lessons
        ));
        if found.unverified > 0 {
            let why = found.unusable.as_deref().unwrap_or_default();
            screen::line(&format!("{} could not be made again: {why}", found.unverified));
        }
    }
    found.altered.iter().for_each(|row| screen::line(row));
}
