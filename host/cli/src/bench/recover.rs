//! `baton bench recover`: from opening a store with many live tasks to its first assignment.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use baton_app::App;
use baton_app::config::Config;
use baton_core::agent::Card;
use baton_core::budget::Cap;
use baton_core::clock::Stopwatch;
use baton_core::op::{Op, RouterChange};
use baton_engine::{Host, Options};
use baton_store::{Home, Lock, Store, read, reader};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen};
use super::plan::{chain_of_waves, submit};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,
}

#[derive(Serialize)]
struct Figures {
    live_tasks: usize,
    first_assignment_s: f64,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let folder = std::env::temp_dir().join(format!("baton-bench-recover-{}", std::process::id()));
    let home = Home::at(&folder);
    submit(&home, chain_of_waves(args.tasks))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let first_assignment_s = runtime.block_on(first(global, &home))?;
    runtime.shutdown_background();
    let _ = std::fs::remove_dir_all(&folder);
    let figures = Figures { live_tasks: args.tasks, first_assignment_s };
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{} live tasks: {first_assignment_s:.2} s from opening to the first assignment",
            args.tasks
        ));
    }
    Ok(Done::Well)
}

async fn first(global: &Global, home: &Home) -> Result<f64, Failure> {
    let config = Config { store: home.folder().to_owned(), ..global.config(Path::new("."))? };
    let library = Arc::new(App::new(config).library_of(&[])?);
    let router = baton_app::routers::chosen("capability", &library)?;
    let run = baton_core::id::RunId(1);
    let card = Card {
        name: "agent".into(),
        adapter: "mock".into(),
        skills: vec!["work".into()],
        tracks: Vec::new(),
        capacity: 1,
        config: BTreeMap::from([("latency-ms".into(), "60000".into())]),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    };
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
    loop {
        let started = read::history::attempts_open(&conn).map_err(super::super::unreadable)?;
        if started > 0 {
            break;
        }
        let _ = commits.changed().await;
    }
    let elapsed = watch.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(elapsed)
}
