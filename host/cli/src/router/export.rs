//! `baton router export`: decisions with all that they depend on, in one file.

use std::path::PathBuf;

use baton_app::operation;
use baton_app::view::router::ExportQuery;

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write
    file: PathBuf,
    /// Of this run only
    #[arg(long)]
    run: Option<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = ExportQuery { file: args.file.clone(), run: args.run.clone() };
    let written = global.app()?.call(&operation::ROUTER_EXPORT, &query)?;
    for why in &written.missing {
        screen::note(&format!("{why}: its decisions can't be verified elsewhere"));
    }
    if global.json {
        screen::json(&written);
    } else {
        written.altered.iter().for_each(|line| screen::line(line));
    }
    let Some(digest) = &written.digest else {
        return Err(Failure::Refused("the store is not what was recorded: nothing was exported".into()));
    };
    if !global.quiet && !global.json {
        screen::line(&format!(
            "{} holds the decisions and {} routers; its digest is {digest}",
            args.file.display(),
            written.routers
        ));
    }
    Ok(Done::Well)
}
