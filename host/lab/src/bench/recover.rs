//! From opening a store with many live tasks to its first assignment.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_app::config::Config;
use baton_app::{App, AppError, routers};
use baton_core::clock::Stopwatch;
use baton_core::id::RunId;
use baton_core::op::{Op, RouterChange};
use baton_engine::{Host, Options};
use baton_store::{Home, Lock, Store, read, reader};
use serde::Serialize;

use super::plan::{chain_of_waves, submit};
use super::{Folder, agent};

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Tasks that are not over.
    pub live_tasks: usize,
    /// Seconds from opening the store until an attempt is recorded.
    pub first_assignment_s: f64,
}

/// Measures the restart of a store with this many live tasks.
///
/// # Errors
/// A store can't be made in the temporary folder, or its host broke.
pub fn measure(config: &Config, tasks: usize) -> Result<Figures, AppError> {
    let folder = Folder::new("recover", None);
    let home = Home::at(&folder.0);
    submit(&home, chain_of_waves(tasks))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let first_assignment_s = runtime.block_on(first(config, &home))?;
    runtime.shutdown_background();
    Ok(Figures { live_tasks: tasks, first_assignment_s })
}

async fn first(config: &Config, home: &Home) -> Result<f64, AppError> {
    let config = Config { store: home.folder().to_owned(), ..config.clone() };
    let library = Arc::new(App::new(config).library_of(&[])?);
    let router = routers::chosen("capability", &library)?;
    let run = RunId(1);
    // Work that is not over before this is.
    let card = agent("agent".into(), 1, BTreeMap::from([("latency-ms".into(), "60000".into())]));
    {
        let mut store = Store::open(home, Lock::take(home)?)?;
        for answer in
            store.apply(vec![Op::PutAgent { card }, Op::UseRouter { run, router, why: RouterChange::Asked }])
        {
            answer?;
        }
    }
    let watch = Stopwatch::start();
    let store = Store::open(home, Lock::take(home)?)?;
    let host = Host::start(store, home, library, Options::default()).await?;
    let mut commits = host.live().commits();
    let conn = reader(home)?;
    while read::history::attempts_open(&conn).map_err(AppError::unreadable)? == 0 {
        let _ = commits.changed().await;
    }
    let elapsed = watch.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(elapsed)
}
