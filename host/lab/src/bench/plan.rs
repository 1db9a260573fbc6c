//! A large plan from memory to rows that are durable.

use baton_app::AppError;
use baton_core::clock::Stopwatch;
use baton_core::op::{Op, RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream, graph};
use baton_core::seed::Seed;
use baton_store::{Home, Lock, Store};
use serde::Serialize;

use super::Folder;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Tasks of the plan.
    pub tasks: usize,
    /// Seconds to find its waves and its critical path.
    pub shape_s: f64,
    /// Seconds until it is durable.
    pub submit_s: f64,
    /// Size of the database, by task.
    pub bytes_per_task: f64,
}

/// Measures a plan of this many tasks.
///
/// # Errors
/// A store can't be made in the temporary folder.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub fn measure(tasks: usize) -> Result<Figures, AppError> {
    let plan = chain_of_waves(tasks);
    let watch = Stopwatch::start();
    let shape = graph::shape(&plan);
    let shape_s = watch.elapsed().as_secs_f64();
    drop(shape);
    let folder = Folder::new("plan", None);
    let home = Home::at(&folder.0);
    let submit_s = submit(&home, plan)?;
    let bytes = std::fs::metadata(home.database())?.len();
    Ok(Figures { tasks, shape_s, submit_s, bytes_per_task: bytes as f64 / tasks as f64 })
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

/// Seconds until the plan is durable, in a new store.
pub(super) fn submit(home: &Home, plan: Plan) -> Result<f64, AppError> {
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
