//! `baton host`: hosts the store until told to stop, for runs that others submit.

use baton_app::app::Link;
use baton_app::host::Setup;

use super::{Done, Failure, Global, Outcome, run, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Outcome {
    let app = global.app()?;
    let store = match app.connect()? {
        Link::Own(store) => store,
        Link::Host(host) => {
            let folder = app.home.folder().display();
            return Err(Failure::Infrastructure(format!(
                "{folder} is in use by another baton (process {})",
                host.pid()
            )));
        }
    };
    run::caveats(global, &app, &store);
    let setup = Setup::of(&app.config, app.library()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let host = run::start(&app, setup, store).await?;
        let socket = host.listen()?;
        if !global.quiet {
            let (folder, pid) = (app.home.folder().display(), std::process::id());
            screen::note(&format!("hosting {folder} (process {pid})"));
        }
        tokio::select! {
            () = run::interrupt() => {}
            () = host.ended() => {}
        }
        let ended = run::drained(host, run::interrupt()).await;
        drop(socket);
        ended?;
        Ok(Done::Well)
    })
}
