//! A run without its work: what `--dry-run` shows, and what tests play by the thousand.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::clock::Time;
use baton_core::op::RouterChoice;
use baton_core::outcome::Outcome;
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::State;
use baton_core::usage::Usage;
use baton_plugin::router::{Answer, Routed, Snapshot};
use baton_store::read;

use crate::attempt;
use crate::simulator::{Driver, ScriptedAttempt, Setting, Simulator};

/// Who would have done what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub task: String,
    pub agent: String,
    pub start: Duration,
    pub end: Duration,
    pub reason: String,
}

/// What a dry run is made with.
pub struct DryRun<'a> {
    pub plan: &'a Plan,
    pub agents: &'a [Card],
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
    pub router: &'a mut dyn FnMut(&Snapshot) -> Answer,
    /// How long a task takes.
    pub takes: &'a mut dyn FnMut(&Workstream) -> Duration,
}

/// The timeline, and the workstreams that would not be done: nobody could do them, or they missed their deadline.
pub type Timeline = (Vec<Slot>, Vec<String>);

/// Moments in a row at which nothing starts or ends before a router counts as putting off forever.
const IDLE_MOMENTS: u32 = 10_000;

/// Plays a plan through to the point where nothing more can start. Composite tasks count as one piece of work.
///
/// # Errors
/// The store that is made for it failed.
pub fn play(dry_run: DryRun<'_>) -> Result<Timeline, String> {
    let DryRun { plan, agents, seed, config, router, takes } = dry_run;
    let mut simple = plan.clone();
    for workstream in &mut simple.workstreams {
        workstream.executor = None;
        workstream.validators.clear();
    }
    let choice = RouterChoice { name: "dry-run".into(), digest: "dry-run".into() };
    let setting =
        Setting { plan: simple, agents, seed, router: choice, config: config.clone(), record: false };
    let mut simulator = Simulator::new(setting)?;
    let mut attempt = |spec: &Workstream, _: &str| ScriptedAttempt {
        takes: takes(spec),
        result: attempt::Result::Claimed(Outcome::default()),
        used: Usage::default(),
    };
    let mut route = |snapshot: &Snapshot| Ok(Routed { answer: router(snapshot), fuel: 0 });
    let mut driver = Driver { route: &mut route, teach: None, attempt: &mut attempt };
    let mut slots = Vec::new();
    let mut idle = 0;
    while idle < IDLE_MOMENTS {
        let started = simulator.play(&mut driver)?;
        idle = if started.is_empty() { idle + 1 } else { 0 };
        slots.extend(started.into_iter().map(|start| Slot {
            task: start.name,
            agent: start.agent,
            start: start.at.since(Time(0)),
            end: start.until.since(Time(0)),
            reason: start.reason,
        }));
        let Some(next) = simulator.next() else { break };
        if !simulator.advance(next)?.is_empty() {
            idle = 0;
        }
    }
    slots.sort_by(|one, other| (one.start, &one.task).cmp(&(other.start, &other.task)));
    Ok((slots, left(&simulator, plan)?))
}

/// The workstreams that have not succeeded, by name.
fn left(simulator: &Simulator, plan: &Plan) -> Result<Vec<String>, String> {
    let (rows, run) = (simulator.store().reader(), simulator.run);
    let mut left = Vec::new();
    for workstream in &plan.workstreams {
        let id = read::task_named(rows, run, &workstream.id).map_err(|why| why.to_string())?;
        let task = id.map(|id| read::task(rows, id)).transpose().map_err(|why| why.to_string())?.flatten();
        if !task.is_some_and(|task| matches!(task.state, State::Succeeded { .. })) {
            left.push(workstream.id.clone());
        }
    }
    left.sort();
    Ok(left)
}

#[cfg(test)]
mod tests {
    use baton_core::span::Span;
    use baton_plugin::router::least_loaded;

    use super::*;
    use crate::testing::agent;

    fn task(id: &str, after: &[&str], deadline: Option<u64>) -> Workstream {
        let mut spec = Workstream::named(id.to_owned());
        spec.skills = vec!["work".into()];
        spec.depends_on = after.iter().map(|name| (*name).to_owned()).collect();
        spec.timeouts.deadline = deadline.map(|seconds| Span(Duration::from_secs(seconds)));
        spec
    }

    fn timeline(workstreams: Vec<Workstream>) -> (Vec<(String, u64, u64)>, Vec<String>) {
        let plan = Plan { name: "test".into(), workstreams };
        let (slots, left) = play(DryRun {
            plan: &plan,
            agents: &[agent(1, "ann", &["work"]).card],
            seed: Seed(1),
            config: &BTreeMap::new(),
            router: &mut |snapshot| least_loaded(snapshot),
            takes: &mut |_| Duration::from_secs(60),
        })
        .expect("a deadline ends tasks and not the dry run");
        (slots.into_iter().map(|slot| (slot.task, slot.start.as_secs(), slot.end.as_secs())).collect(), left)
    }

    #[test]
    fn tasks_follow_each_other() {
        let slots = [("a".to_owned(), 0, 60), ("b".to_owned(), 60, 120)];
        assert_eq!(timeline(vec![task("a", &[], None), task("b", &["a"], None)]), (slots.into(), vec![]));
    }

    #[test]
    fn a_deadline_that_a_task_misses_before_it_begins_is_told() {
        let left = vec!["b".to_owned()];
        let found = timeline(vec![task("a", &[], None), task("b", &["a"], Some(30))]);
        assert_eq!(found, (vec![("a".to_owned(), 0, 60)], left));
    }

    #[test]
    fn a_deadline_that_a_task_misses_while_it_runs_ends_it() {
        let (slots, left) = timeline(vec![task("a", &[], Some(30)), task("b", &["a"], Some(90))]);
        assert_eq!(slots, [("a".to_owned(), 0, 30)]);
        assert_eq!(left, ["a", "b"]);
    }
}
