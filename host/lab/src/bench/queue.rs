//! No-op tasks from submission to acceptance, beside the same rows written straight into SQLite.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use baton_app::config::Config;
use baton_app::{App, AppError, routers, submit};
use baton_core::clock::Stopwatch;
use baton_core::command::Command;
use baton_core::id::RunId;
use baton_core::learning::Part;
use baton_core::op::Submission;
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_engine::{Host, Live, Options as HostOptions};
use baton_store::{Home, Lock, Store, floor, read, reader};
use serde::Serialize;

use super::meter::{Meter, Start};
use super::{Folder, agent, median, percentile};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Tasks in a round.
    pub tasks: usize,
    /// Agents.
    pub agents: u32,
    /// Tasks that each agent has at once.
    pub capacity: u32,
    /// Tasks submitted at once; 1 = one by one.
    pub bulk: usize,
    /// At least 1.
    pub rounds: usize,
    /// A bundled router.
    pub router: String,
    /// Where the databases are made; none = the temporary folder.
    pub dir: Option<PathBuf>,
}

/// What was measured: medians of the rounds, but for the percentiles, which are of all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Tasks in a round.
    pub tasks: usize,
    /// Tasks submitted at once.
    pub bulk: usize,
    /// Rounds that were asked for.
    pub rounds: usize,
    /// From the first submission to the last acceptance.
    pub tasks_per_s: f64,
    /// For the same rows in SQLite alone.
    pub floor_tasks_per_s: f64,
    /// How much of what SQLite alone would give is reached.
    pub share_of_floor: f64,
    /// From a task's submission until an agent has it, in milliseconds.
    pub submit_to_running_p50_ms: f64,
    /// The same; one task of a hundred waits longer.
    pub submit_to_running_p99_ms: f64,
    /// Size of the database, by task.
    pub bytes_per_task: f64,
    /// Processor time in each part of learning, as a share of all that the process used.
    pub learning: BTreeMap<&'static str, f64>,
}

struct Round {
    tasks_per_s: f64,
    floor: f64,
    waits: Vec<f64>,
    bytes: f64,
    learning: BTreeMap<&'static str, f64>,
}

/// Measures rounds of tasks. It listens to the spans of this process, in place of a log.
///
/// # Errors
/// A store can't be made, there is no such router, or the host broke.
pub fn measure(config: &Config, options: &Options) -> Result<Figures, AppError> {
    let meter = Meter::install();
    let mut rounds = Vec::new();
    for _ in 0..options.rounds.max(1) {
        rounds.push(round(config, options, &meter)?);
    }
    let mut waits: Vec<f64> = rounds.iter().flat_map(|round| round.waits.iter().copied()).collect();
    let tasks_per_s = median(rounds.iter().map(|round| round.tasks_per_s).collect());
    let floor_tasks_per_s = median(rounds.iter().map(|round| round.floor).collect());
    Ok(Figures {
        tasks: options.tasks,
        bulk: options.bulk,
        rounds: options.rounds,
        tasks_per_s,
        floor_tasks_per_s,
        share_of_floor: tasks_per_s / floor_tasks_per_s,
        submit_to_running_p50_ms: percentile(&mut waits, 0.5),
        submit_to_running_p99_ms: percentile(&mut waits, 0.99),
        bytes_per_task: median(rounds.iter().map(|round| round.bytes).collect()),
        learning: Part::ALL.into_iter().map(|part| (part.name(), share(&rounds, part))).collect(),
    })
}

fn share(rounds: &[Round], part: Part) -> f64 {
    median(rounds.iter().map(|round| round.learning.get(part.name()).copied().unwrap_or(0.0)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn round(config: &Config, options: &Options, meter: &Meter) -> Result<Round, AppError> {
    let folder = Folder::new("queue", options.dir.as_deref());
    let home = Home::at(folder.0.join("store"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = Start::now();
    let elapsed = runtime.block_on(carried_out(config, options, &home))?;
    let learning = meter.take(start);
    let waits = read::history::waits(&reader(&home)?).map_err(AppError::unreadable)?;
    let bytes = std::fs::metadata(home.database())?.len() as f64 / options.tasks as f64;
    let floor = floor::measure(&home, &folder.0.join("floor.db"), 1024).map_err(AppError::unreadable)?;
    Ok(Round {
        tasks_per_s: options.tasks as f64 / elapsed,
        floor: options.tasks as f64 / floor.as_secs_f64(),
        waits,
        bytes,
        learning,
    })
}

/// Seconds from the first submission to the last acceptance.
async fn carried_out(config: &Config, options: &Options, home: &Home) -> Result<f64, AppError> {
    let config = Config { store: home.folder().to_owned(), ..config.clone() };
    let library = App::new(config).library_of(&[])?;
    let router = routers::chosen(&options.router, &library)?;
    let store = Store::open(home, Lock::take(home)?)?;
    let host = Host::start(store, home, Arc::new(library), HostOptions::default()).await?;
    let live = host.live();
    let agents = (0..options.agents)
        .map(|index| agent(format!("agent-{index:03}"), options.capacity, BTreeMap::new()));
    live.register(agents.collect()).await?;
    let plan = Plan { name: "bench".into(), workstreams: vec![task(0)] };
    let submission = Submission { plan, seed: Seed(1), router, key: None };
    let (run, _) = submit::opened(live.command(Command::Submit(Box::new(submission))).await?)?;
    live.wait(run).await;
    let watch = Stopwatch::start();
    extend(&live, run, options).await?;
    live.wait(run).await;
    let elapsed = watch.elapsed().as_secs_f64();
    host.drain().await?;
    Ok(elapsed)
}

fn task(index: usize) -> Workstream {
    Workstream { skills: vec!["work".into()], ..Workstream::named(format!("task-{index}")) }
}

/// Hands all tasks over, without waiting for each answer.
async fn extend(live: &Live, run: RunId, options: &Options) -> Result<(), AppError> {
    let mut next = 1;
    let mut last = None;
    while next <= options.tasks {
        let count = options.bulk.max(1).min(options.tasks + 1 - next);
        last = Some(live.extend(run, (next..next + count).map(task).collect()));
        next += count;
    }
    match last {
        Some(answer) => Ok(answer.await?),
        None => Ok(()),
    }
}
