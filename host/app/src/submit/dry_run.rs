//! Who would do what, and when, if a plan were run now: the live router decides, and nothing is written.

use std::time::Duration;

use baton_core::op::Submission;
use baton_engine::dry_run;
use baton_plugin::library::Library;
use baton_plugin::router::least_loaded;
use serde::Serialize;

use crate::AppError;
use crate::config::Config;

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// In the order in which they would start; after them those that would not be done, by name.
    pub tasks: Vec<PlannedTask>,
    /// Why the router gave no usable answer, the first time that it did not: the least loaded agent was taken.
    pub degraded: Option<String>,
}

/// When a task would be done, and by whom. One that would not be done has neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedTask {
    /// Its name in the plan.
    pub task: String,
    /// Who would do it.
    pub agent: Option<String>,
    /// From the start of the run, in milliseconds.
    pub start_ms: Option<u64>,
    /// From the start of the run, in milliseconds.
    pub end_ms: Option<u64>,
    /// The router's, or why the task would not be done.
    pub reason: String,
}

impl DryRun {
    /// How many tasks would not be done.
    #[must_use]
    pub fn undone(&self) -> usize {
        self.tasks.iter().filter(|task| task.agent.is_none()).count()
    }
}

pub(super) fn play(submission: &Submission, config: &Config, library: &Library) -> Result<DryRun, AppError> {
    let Submission { plan, seed, router: choice, .. } = submission;
    let router = library.router(&choice.name)?;
    let mut degraded = None;
    let settings = library.settings(&choice.name).config;
    let (slots, undone) = dry_run::play(dry_run::DryRun {
        plan,
        agents: &config.agents,
        seed: *seed,
        config: &settings,
        budget: &config.budget,
        limits: &config.limits,
        router: &mut |snapshot| match router.route(snapshot) {
            Ok(routed) => routed.answer,
            Err(why) => {
                degraded.get_or_insert(why.to_string());
                least_loaded(snapshot)
            }
        },
        takes: &mut |workstream| workstream.expected().0,
    })?;
    let tasks = slots.into_iter().map(done).chain(undone.into_iter().map(not_done)).collect();
    Ok(DryRun { tasks, degraded })
}

fn done(slot: dry_run::Slot) -> PlannedTask {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    PlannedTask {
        task: slot.task,
        agent: Some(slot.agent),
        start_ms: Some(millis(slot.start)),
        end_ms: Some(millis(slot.end)),
        reason: slot.reason,
    }
}

fn not_done(undone: dry_run::Undone) -> PlannedTask {
    PlannedTask { task: undone.task, agent: None, start_ms: None, end_ms: None, reason: undone.why }
}
