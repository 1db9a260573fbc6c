//! `baton router export`: decisions with all that they depend on, in one file.

use std::path::PathBuf;

use baton_store::bundle::{self, Component};
use baton_store::check::{self, Extent};
use baton_store::read::routing::{self, Excerpt};

use super::super::{Done, Failure, Global, Outcome, library, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write
    file: PathBuf,
    /// Of this run only
    #[arg(long)]
    run: Option<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (config, _) = global.here()?;
    let conn = global.reader()?;
    let run = args.run.as_deref().map(|run| target::run(&conn, Some(run))).transpose()?;
    let altered = check::sealed(&conn, Extent::Routing(run)).map_err(unreadable)?;
    if !altered.is_empty() {
        altered.iter().for_each(|line| screen::line(line));
        return Err(Failure::Refused("the store is not what was recorded: nothing was exported".into()));
    }
    let library = library(&config, Some(&conn))?;
    let mut components = Vec::new();
    for router in routing::routers(&conn, Excerpt { run, ..Excerpt::default() }).map_err(unreadable)? {
        match library.component_of(&router.name, &router.digest) {
            Ok(wasm) if components.iter().all(|known: &Component| known.digest != router.digest) => {
                components.push(Component { name: router.name, digest: router.digest, wasm });
            }
            Ok(_) => {}
            Err(why) => screen::note(&format!("{why}: its decisions can't be verified elsewhere")),
        }
    }
    let digest = bundle::write(&conn, &args.file, run, &components)?;
    if !global.quiet {
        screen::line(&format!(
            "{} holds the decisions and {} routers; its digest is {digest}",
            args.file.display(),
            components.len()
        ));
    }
    Ok(Done::Well)
}
