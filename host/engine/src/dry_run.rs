//! A run without its work: what `--dry-run` shows, and what tests play by the thousand.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::Budget;
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
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::simulator::{Driver, ScriptedAttempt, Setting, SimulationError, Simulator};
use crate::why::Why;

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
    pub budget: &'a Budget,
    pub limits: &'a ConcurrencyLimits,
    pub router: &'a mut dyn FnMut(&Snapshot) -> Answer,
    /// How long a task takes.
    pub takes: &'a mut dyn FnMut(&Workstream) -> Duration,
}

/// A workstream that would not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    pub task: String,
    /// A clause whose subject is the task.
    pub why: String,
}

/// What would be done, and what would not. No task is in both.
pub type Timeline = (Vec<Slot>, Vec<Undone>);

/// Moments in a row at which nothing starts or ends before a router counts as putting off forever.
const IDLE_MOMENTS: u32 = 10_000;

/// Plays a plan through to the point where nothing more can start. A composite task counts as one piece of work, for
/// whoever is free: its executor is not asked, so how it would divide the task is not known.
///
/// # Errors
/// The store that is made for it failed.
pub fn play(dry_run: DryRun<'_>) -> Result<Timeline, SimulationError> {
    let DryRun { plan, agents, seed, config, budget, limits, router, takes } = dry_run;
    let choice = RouterChoice { name: "dry-run".into(), digest: "dry-run".into() };
    let setting = Setting {
        plan: simple(plan),
        agents,
        seed,
        router: choice,
        config: config.clone(),
        budget: budget.clone(),
        limits: limits.clone(),
        record: false,
    };
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
    let undone = undone(&mut simulator, plan)?;
    slots.retain(|slot| undone.binary_search_by(|undone| undone.task.cmp(&slot.task)).is_err());
    for slot in &mut slots {
        let spec = plan.position(&slot.task).map(|place| &plan.workstreams[place]);
        if let Some(executor) = spec.and_then(|spec| spec.executor.as_ref()) {
            slot.reason = format!("counts as one piece of work: executor {executor} divides it when it runs");
        }
    }
    slots.sort_by(|one, other| (one.start, &one.task).cmp(&(other.start, &other.task)));
    Ok((slots, undone))
}

/// The plan without executors and validators. What a composite task asks of agents is for its children to ask.
fn simple(plan: &Plan) -> Plan {
    let mut simple = plan.clone();
    for workstream in &mut simple.workstreams {
        workstream.validators.clear();
        if workstream.executor.take().is_some() {
            workstream.skills.clear();
            workstream.agent = None;
        }
    }
    simple
}

/// The workstreams that have not succeeded, by name.
fn undone(simulator: &mut Simulator, plan: &Plan) -> Result<Vec<Undone>, SimulationError> {
    let mut undone = Vec::new();
    for workstream in &plan.workstreams {
        let (rows, run) = (simulator.store().reader(), simulator.run);
        let id = read::task_named(rows, run, &workstream.id)?;
        let task = id.map(|id| read::task(rows, id)).transpose()?.flatten();
        let Some(task) = task.filter(|task| !matches!(task.state, State::Succeeded { .. })) else { continue };
        let why = simulator.why(task.id)?.map_or_else(|| "is ready".to_owned(), clause);
        undone.push(Undone { task: workstream.id.clone(), why });
    }
    undone.sort_by(|one, other| one.task.cmp(&other.task));
    Ok(undone)
}

/// A cause as it is before a run: without what could be done about it while one goes on.
fn clause(why: Why) -> String {
    match why {
        Why::Over { fault: Some(fault), .. } => format!("fails: {fault}"),
        Why::Dependency { on, root: Some(root), .. } if on != root => {
            format!("depends on {on}, behind {root}")
        }
        Why::Dependency { on, .. } => format!("depends on {on}"),
        Why::NextDecision | Why::Deciding { .. } => "is put off by the router each time".to_owned(),
        other @ (Why::Over { fault: None, .. }
        | Why::Running { .. }
        | Why::Paused { .. }
        | Why::Person { .. }
        | Why::MergeQueue
        | Why::Landing { .. }
        | Why::Backoff { .. }
        | Why::Lock { .. }
        | Why::NoCapableAgent { .. }
        | Why::Budget { .. }
        | Why::Limit { .. }
        | Why::Breaker { .. }
        | Why::Busy { .. }
        | Why::Children { .. }
        | Why::Stage { .. }
        | Why::Stopping
        | Why::Draining
        | Why::NoHost) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::budget::{Cap, Caps};
    use baton_core::span::Span;
    use baton_plugin::router::least_loaded;

    use super::*;
    use crate::testing::agent;

    const NOBODY: &str = "ghost has no capable agent: ann does not declare ghost; add \"ghost\" to the skills of an agent in baton.toml, or change the plan";

    fn task(id: &str, after: &[&str], deadline: Option<u64>) -> Workstream {
        let mut spec = Workstream::named(id.to_owned());
        spec.skills = vec!["work".into()];
        spec.depends_on = after.iter().map(|name| (*name).to_owned()).collect();
        spec.timeouts.deadline = deadline.map(|seconds| Span(Duration::from_secs(seconds)));
        spec
    }

    fn timeline(workstreams: Vec<Workstream>) -> (Vec<(String, u64, u64)>, Vec<String>) {
        under(&Budget::default(), workstreams)
    }

    fn under(budget: &Budget, workstreams: Vec<Workstream>) -> (Vec<(String, u64, u64)>, Vec<String>) {
        let plan = Plan { name: "test".into(), workstreams };
        let (slots, left) = play(DryRun {
            plan: &plan,
            agents: &[agent(1, "ann", &["work"]).card],
            seed: Seed(1),
            config: &BTreeMap::new(),
            budget,
            limits: &ConcurrencyLimits::default(),
            router: &mut |snapshot| least_loaded(snapshot),
            takes: &mut |_| Duration::from_secs(60),
        })
        .expect("a deadline ends tasks and not the dry run");
        let slots = slots.into_iter().map(|slot| (slot.task, slot.start.as_secs(), slot.end.as_secs()));
        (slots.collect(), left.into_iter().map(|undone| format!("{} {}", undone.task, undone.why)).collect())
    }

    #[test]
    fn tasks_follow_each_other() {
        let slots = [("a".to_owned(), 0, 60), ("b".to_owned(), 60, 120)];
        assert_eq!(timeline(vec![task("a", &[], None), task("b", &["a"], None)]), (slots.into(), vec![]));
    }

    #[test]
    fn a_deadline_that_a_task_misses_before_it_begins_is_told() {
        let left = vec!["b fails: deadline: its deadline passed before it was done".to_owned()];
        let found = timeline(vec![task("a", &[], None), task("b", &["a"], Some(30))]);
        assert_eq!(found, (vec![("a".to_owned(), 0, 60)], left));
    }

    #[test]
    fn a_deadline_that_a_task_misses_while_it_runs_ends_it() {
        let (slots, left) = timeline(vec![task("a", &[], Some(30)), task("b", &["a"], Some(90))]);
        assert_eq!(slots, []);
        let late = "b fails: deadline: its deadline passed before it was done";
        assert_eq!(left, ["a fails: timeout: no answer before the deadline", late]);
    }

    #[test]
    fn what_budgets_leave_undone_is_told_as_such() {
        let mut poor = task("poor", &[], None);
        poor.budget.tokens = Some(0);
        let (slots, left) = timeline(vec![poor, task("a", &[], None)]);
        assert_eq!(slots, [("a".to_owned(), 0, 60)]);
        assert_eq!(left, ["poor fails: budget: its attempts have used up its cap of 0 tokens"]);
        let run = Cap { tokens: Some(0), ..Cap::default() };
        let none = Budget { caps: Caps { run, ..Caps::default() }, ..Budget::default() };
        let left = "a waits for money: the 0 tokens of run r1 is used up or set aside; raise it under [budget] in baton.toml";
        assert_eq!(under(&none, vec![task("a", &[], None)]), (vec![], vec![left.to_owned()]));
    }

    #[test]
    fn a_composite_task_is_for_anybody_and_a_simple_one_for_who_is_able() {
        let mut composite = task("composite", &[], None);
        (composite.skills, composite.executor) = (vec!["ghost".into()], Some("parallel".into()));
        let mut ghost = task("ghost", &[], None);
        ghost.skills = vec!["ghost".into()];
        let (slots, left) = timeline(vec![composite, ghost, task("after", &["ghost"], None)]);
        assert_eq!(slots, [("composite".to_owned(), 0, 60)]);
        assert_eq!(left, ["after depends on ghost", NOBODY]);
    }
}
