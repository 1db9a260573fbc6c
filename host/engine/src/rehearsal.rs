//! A run without its work: what `--dry-run` shows, and what tests play by the thousand.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::clock::Time;
use baton_core::op::{End, RouterChoice};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_plugin::router::{Answer, Routed, Snapshot};
use baton_store::read;

use super::stage::{Course, Director, Stage};

/// Who would have done what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub task: String,
    pub agent: String,
    pub start: Duration,
    pub end: Duration,
    pub reason: String,
}

/// What a rehearsal is made with.
pub struct Scene<'a> {
    pub plan: &'a Plan,
    pub agents: &'a [Card],
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
    pub router: &'a mut dyn FnMut(&Snapshot) -> Answer,
    /// How long a task takes.
    pub takes: &'a mut dyn FnMut(&Workstream) -> Duration,
}

/// The timeline, and the workstreams that nobody could do.
pub type Rehearsed = (Vec<Slot>, Vec<String>);

/// Moments in a row at which nothing starts or ends before a router counts as putting off forever.
const PATIENCE: u32 = 10_000;

/// Plays a plan through to the point where nothing more can start. Composite tasks count as one piece of work.
///
/// # Errors
/// The store that is made for it failed.
pub fn rehearse(scene: Scene<'_>) -> Result<Rehearsed, String> {
    let Scene { plan, agents, seed, config, router, takes } = scene;
    let mut plan = plan.clone();
    for workstream in &mut plan.workstreams {
        workstream.executor = None;
        workstream.validators.clear();
    }
    let choice = RouterChoice { name: "rehearsal".into(), digest: "rehearsal".into() };
    let mut stage = Stage::set(plan, agents, seed, choice)?;
    let mut course = |spec: &Workstream, _: &str| Course {
        takes: takes(spec),
        end: End::Accepted { outcome: None, checks: Vec::new() },
        bill: None,
    };
    let mut route = |snapshot: &Snapshot| Routed { answer: router(snapshot), fuel: 0 };
    let mut director = Director { config, route: &mut route, course: &mut course, record: None };
    let mut slots = Vec::new();
    let mut idle = 0;
    while idle < PATIENCE {
        let started = stage.dispatch(&mut director)?;
        idle = if started.is_empty() { idle + 1 } else { 0 };
        for start in started {
            slots.push(Slot {
                task: start.name,
                agent: start.agent,
                start: start.at.since(Time(0)),
                end: start.until.since(Time(0)),
                reason: start.reason,
            });
        }
        let Some(next) = stage.next() else { break };
        if !stage.advance(next)?.is_empty() {
            idle = 0;
        }
    }
    let mut left = Vec::new();
    for task in stage.board().tasks() {
        left.push(read::name(stage.store().reader(), task.id).map_err(|why| why.to_string())?);
    }
    left.sort();
    slots.sort_by(|one, other| (one.start, &one.task).cmp(&(other.start, &other.task)));
    Ok((slots, left))
}
