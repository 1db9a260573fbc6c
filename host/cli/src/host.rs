//! `baton host`: hosts the store until told to stop, for runs that others submit.

use baton_app::door;
use baton_store::{Home, Lock, Store, reader};

use super::{Done, Global, Outcome, library, run, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(global: &Global, _args: &Args) -> Outcome {
    let config = global.config(std::path::Path::new("."))?;
    let home = Home::at(&config.store);
    let lock = Lock::take(&home)?;
    let store = Store::open(&home, lock)?;
    run::caveats(global, &config, &store);
    let library = library(&config, Some(&reader(&home)?))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let host = run::start(&config, &home, store, library).await?;
        let socket = door::serve(&home, host.live())?;
        if !global.quiet {
            screen::note(&format!("hosting {} (process {})", home.folder().display(), std::process::id()));
        }
        let watched = host.live();
        tokio::select! {
            () = run::interrupt() => {}
            () = watched.ended() => {}
        }
        let live = host.live();
        let again = run::interrupt();
        tokio::spawn(async move {
            again.await;
            live.stop();
        });
        let ended = host.drain().await;
        drop(socket);
        let _ = std::fs::remove_file(home.socket());
        ended?;
        Ok(Done::Well)
    })
}
