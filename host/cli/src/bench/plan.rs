//! `baton bench plan`: a large plan from memory to its first assignment.

use std::path::Path;

use baton_core::clock::Stopwatch;
use baton_core::op::{Op, RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream, graph};
use baton_core::seed::Seed;
use baton_store::{Home, Lock, Store};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 100_000)]
    tasks: usize,
}

#[derive(Serialize)]
struct Figures {
    tasks: usize,
    shape_s: f64,
    submit_s: f64,
    bytes_per_task: f64,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let plan = chain_of_waves(args.tasks);
    let watch = Stopwatch::start();
    let shape = graph::shape(&plan);
    let shape_s = watch.elapsed().as_secs_f64();
    drop(shape);
    let folder = std::env::temp_dir().join(format!("baton-bench-plan-{}", std::process::id()));
    let home = Home::at(&folder);
    let submit_s = submit(&home, plan)?;
    let bytes = std::fs::metadata(home.database())?.len();
    let _ = std::fs::remove_dir_all(&folder);
    let figures =
        Figures { tasks: args.tasks, shape_s, submit_s, bytes_per_task: bytes as f64 / args.tasks as f64 };
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{} tasks: waves and critical path {shape_s:.2} s, submitted durably in {submit_s:.2} s, {:.0} bytes a task",
            args.tasks, figures.bytes_per_task
        ));
    }
    Ok(Done::Well)
}

/// Waves of a hundred, each task depending on one of the wave before.
pub(super) fn chain_of_waves(tasks: usize) -> Plan {
    let one = |index: usize| Workstream {
        skills: vec!["work".into()],
        depends_on: index.checked_sub(100).map(|parent| format!("task-{parent:08}")).into_iter().collect(),
        ..Workstream::named(format!("task-{index:08}"))
    };
    Plan { name: "bench".into(), workstreams: (0..tasks).map(one).collect() }
}

/// Seconds until the plan is durable.
pub(super) fn submit(home: &Home, plan: Plan) -> Result<f64, Failure> {
    let _ = std::fs::remove_dir_all(Path::new(home.folder()));
    let mut store = Store::open(home, Lock::take(home)?)?;
    let router = RouterChoice { name: "capability".into(), digest: "bench".into() };
    let watch = Stopwatch::start();
    for answer in
        store.apply(vec![Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }))])
    {
        answer?;
    }
    Ok(watch.elapsed().as_secs_f64())
}
