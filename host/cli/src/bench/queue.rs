//! `baton bench queue`: no-op tasks from submission to acceptance, beside the same rows written straight into SQLite.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use baton_app::App;
use baton_app::config::Config;
use baton_core::agent::Card;
use baton_core::budget::Cap;
use baton_core::clock::Stopwatch;
use baton_core::id::RunId;
use baton_core::learning::Part;
use baton_core::op::{Op, Reply, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_engine::{Host, Live, Options};
use baton_store::{Home, Lock, Store, floor, read, reader};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen, unreadable};
use super::meter::{Meter, Start};
use super::{median, percentile};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Tasks in a round
    #[arg(long, default_value_t = 20_000)]
    tasks: usize,
    /// Agents, each of this capacity
    #[arg(long, default_value_t = 16)]
    agents: u32,
    #[arg(long, default_value_t = 64)]
    capacity: u32,
    /// Tasks submitted at once; 1 = one by one
    #[arg(long, default_value_t = 1000)]
    bulk: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value = "capability")]
    router: String,
    /// Where the databases are made [default: the temporary folder]
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Figures {
    tasks: usize,
    bulk: usize,
    rounds: usize,
    tasks_per_s: f64,
    floor_tasks_per_s: f64,
    /// How much of what SQLite alone would give is reached.
    share_of_floor: f64,
    submit_to_running_p50_ms: f64,
    submit_to_running_p99_ms: f64,
    bytes_per_task: f64,
    /// Processor time in each part of learning, as a share of all that the process used.
    learning: BTreeMap<&'static str, f64>,
}

struct Round {
    tasks_per_s: f64,
    floor: f64,
    waits: Vec<f64>,
    bytes: f64,
    learning: BTreeMap<&'static str, f64>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let meter = Meter::install();
    let mut rounds = Vec::new();
    for _ in 0..args.rounds.max(1) {
        rounds.push(round(global, args, &meter)?);
    }
    let mut waits: Vec<f64> = rounds.iter().flat_map(|round| round.waits.iter().copied()).collect();
    let tasks_per_s = median(rounds.iter().map(|round| round.tasks_per_s).collect());
    let floor_tasks_per_s = median(rounds.iter().map(|round| round.floor).collect());
    let figures = Figures {
        tasks: args.tasks,
        bulk: args.bulk,
        rounds: args.rounds,
        tasks_per_s,
        floor_tasks_per_s,
        share_of_floor: tasks_per_s / floor_tasks_per_s,
        submit_to_running_p50_ms: percentile(&mut waits, 0.5),
        submit_to_running_p99_ms: percentile(&mut waits, 0.99),
        bytes_per_task: median(rounds.iter().map(|round| round.bytes).collect()),
        learning: Part::ALL.into_iter().map(|part| (part.name(), share(&rounds, part))).collect(),
    };
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!("{:.0} tasks/s end to end ({} at once)", figures.tasks_per_s, args.bulk));
        screen::line(&format!(
            "{:.0} tasks/s for the same rows in SQLite alone ({:.0} %)",
            floor_tasks_per_s,
            figures.share_of_floor * 100.0
        ));
        screen::line(&format!(
            "submit to running {:.0} / {:.0} ms (p50 / p99)",
            figures.submit_to_running_p50_ms, figures.submit_to_running_p99_ms
        ));
        screen::line(&format!("{:.0} bytes a task", figures.bytes_per_task));
        let part = |part: Part| format!("{} {:.1} %", part.name(), figures.learning[part.name()] * 100.0);
        let parts: Vec<String> = Part::ALL.into_iter().map(part).collect();
        screen::line(&format!("{} of the processor time", parts.join(", ")));
    }
    Ok(Done::Well)
}

fn share(rounds: &[Round], part: Part) -> f64 {
    median(rounds.iter().map(|round| round.learning.get(part.name()).copied().unwrap_or(0.0)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn round(global: &Global, args: &Args, meter: &Meter) -> Result<Round, Failure> {
    let folder = args
        .dir
        .clone()
        .unwrap_or_else(std::env::temp_dir)
        .join(format!("baton-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let home = Home::at(folder.join("store"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = Start::now();
    let elapsed = runtime.block_on(conduct(global, args, &home))?;
    let learning = meter.take(start);
    let waits = {
        let conn = reader(&home)?;
        read::history::waits(&conn).map_err(unreadable)?
    };
    let bytes = std::fs::metadata(home.database())?.len() as f64 / args.tasks as f64;
    let floor = floor::measure(&home, &folder.join("floor.db"), 1024).map_err(unreadable)?;
    let _ = std::fs::remove_dir_all(&folder);
    Ok(Round {
        tasks_per_s: args.tasks as f64 / elapsed,
        floor: args.tasks as f64 / floor.as_secs_f64(),
        waits,
        bytes,
        learning,
    })
}

/// Seconds from the first submission to the last acceptance.
async fn conduct(global: &Global, args: &Args, home: &Home) -> Result<f64, Failure> {
    let config = Config { store: home.folder().to_owned(), ..global.config(Path::new("."))? };
    let library = App::new(config).library_of(&[])?;
    let router = baton_app::routers::chosen(&args.router, &library)?;
    let store = Store::open(home, Lock::take(home)?)?;
    let host = Host::start(store, home, Arc::new(library), Options::default()).await?;
    let live = host.live();
    let card = |index| Card {
        name: format!("agent-{index:03}"),
        adapter: "mock".into(),
        skills: vec!["work".into()],
        tracks: Vec::new(),
        capacity: args.capacity,
        config: BTreeMap::new(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    };
    for answer in
        live.apply_all((0..args.agents).map(|index| Op::PutAgent { card: card(index) }).collect()).await
    {
        answer?;
    }
    let one = |index: usize| Workstream {
        skills: vec!["work".into()],
        ..Workstream::named(format!("task-{index}"))
    };
    let plan = Plan { name: "bench".into(), workstreams: vec![one(0)] };
    let applied =
        live.apply(Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }))).await?;
    let Reply::Run { run, .. } = applied.reply else { return Err(Failure::Infrastructure("no run".into())) };
    live.wait(run).await;
    let watch = Stopwatch::start();
    submit(&live, run, args, one).await?;
    live.wait(run).await;
    let elapsed = watch.elapsed().as_secs_f64();
    host.drain().await?;
    Ok(elapsed)
}

/// Hands all tasks over, without waiting for each answer.
async fn submit(
    live: &Live,
    run: RunId,
    args: &Args,
    one: impl Fn(usize) -> Workstream,
) -> Result<(), Failure> {
    let mut next = 1;
    let mut last = None;
    while next <= args.tasks {
        let count = args.bulk.max(1).min(args.tasks + 1 - next);
        let workstreams = (next..next + count).map(&one).collect();
        next += count;
        last = Some(live.submit(vec![Op::Extend { run, workstreams }]));
    }
    match last {
        Some(answers) => {
            for answer in answers.await {
                answer?;
            }
            Ok(())
        }
        None => Ok(()),
    }
}
