//! Baton inside another program: `cargo run --example embed`.
//!
//! Runs a plan of three tasks on two mock agents in a temporary store, and prints what became of it.

#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use baton_core::agent::Card;
use baton_core::budget::Cap;
use baton_core::command::Command;
use baton_core::op::{RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_engine::command::Reply;
use baton_engine::{Host, Options};
use baton_plugin::compile::Compiler;
use baton_plugin::library::{Library, Sources};
use baton_store::{Home, Lock, Store, read, reader};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("baton-embed-{}", std::process::id()));
    let home = Home::at(folder.join("store"));
    let library = Library::open(Sources {
        bundled: baton_app::bundled::plugins(),
        folder: home.plugins(),
        cache: folder.join("cache"),
        compiler: Compiler::InProcess,
        installed: Vec::new(),
        settings: BTreeMap::new(),
    })?;
    let router = RouterChoice {
        name: "least-loaded".into(),
        digest: library.router("least-loaded")?.digest().to_owned(),
    };

    let store = Store::open(&home, Lock::take(&home)?)?;
    let host = Host::start(store, &home, Arc::new(library), Options::default()).await?;
    let live = host.live();
    for name in ["ann", "bob"] {
        live.command(Command::PutAgent { card: Box::new(agent(name)) }).await?;
    }
    let submission = Submission { plan: plan(), seed: Seed(1), router, key: None };
    let Reply::Run { run, .. } = live.command(Command::Submit(Box::new(submission))).await? else {
        bail!("a submission opens a run");
    };
    live.wait(run).await.context("the host stopped")?;
    host.drain().await?;

    for line in read::summary::lines(&reader(&home)?, run)? {
        println!("{} {} by {}", line.task, line.state, line.agent.unwrap_or_default());
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn agent(name: &str) -> Card {
    Card {
        name: name.into(),
        adapter: "mock".into(),
        skills: vec!["work".into()],
        tracks: Vec::new(),
        capacity: 1,
        config: BTreeMap::new(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    }
}

fn plan() -> Plan {
    let work = |id: &str, on: &[&str]| Workstream {
        skills: vec!["work".into()],
        depends_on: on.iter().map(|id| (*id).to_owned()).collect(),
        ..Workstream::named(id)
    };
    Plan { name: "embedded".into(), workstreams: vec![work("a", &[]), work("b", &["a"]), work("c", &["a"])] }
}
