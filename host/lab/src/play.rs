//! Runs one router in one world: the real store, board, statistics and plugin, with simulated attempts.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::{Budget, Cap};
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op, RouterChoice};
use baton_core::outcome::Outcome;
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::policy::{Effects, Retry};
use baton_core::usage::Usage;
use baton_engine::ConcurrencyLimits;
use baton_engine::attempt;
use baton_engine::effect::Lesson;
use baton_engine::learning::lesson;
use baton_engine::simulator::{Driver, ScriptedAttempt, Setting, SimulationError, Simulator, Start, Teach};
use baton_plugin::PluginError;
use baton_plugin::router::{Answer, Choice, Routed, Router, Snapshot, least_loaded};
use baton_store::Reader;
use thiserror::Error;

use super::score::Played;
use super::world::{SimTask, World};

/// A router's forecast for one candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foreseen {
    /// Positions in the world.
    pub task: usize,
    pub agent: usize,
    pub success: f64,
}

/// The result of a simulation.
pub struct Performance {
    pub played: Vec<Played>,
    /// For every candidate of every task that was assigned.
    pub foreseen: Vec<Foreseen>,
    /// Its store holds the decisions if they were kept.
    pub simulator: Simulator,
}

/// The router and its settings.
pub struct Cast<'a> {
    pub router: &'a Router,
    pub config: &'a BTreeMap<String, String>,
    pub seed: Seed,
    pub demand: Demand,
    /// Keep every decision in the store.
    pub record: bool,
}

/// How plans express what a task needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// As preferred skills: wrong declarations exclude no agent.
    Preferred,
    /// As required skills, for capability matching: only agents that declare them get the task.
    Required,
}

/// Consecutive moments at which nothing starts or ends before a router counts as postponing for ever.
const IDLE_MOMENTS: u32 = 100_000;

/// Why a world can't be played with a router.
#[derive(Debug, Error)]
pub enum PlayError {
    /// Fix the router: its answer was unusable.
    #[error(transparent)]
    Router(#[from] PluginError),
    /// Fix the router: it answers, and never assigns.
    #[error("the router puts everything off forever")]
    NeverAssigns,
    /// The world removes an agent that it did not add.
    #[error("agent {0} is not registered")]
    Unregistered(String),
    /// The store that was made for it failed.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
}

/// Simulates a whole world with a plugin.
///
/// # Errors
/// The store failed, or the router's answer was unusable: unlike the host, a simulation has no fallback choice.
pub fn play(world: &World, cast: &Cast<'_>) -> Result<Performance, PlayError> {
    let mut failed = None;
    let mut route = |snapshot: &Snapshot| match cast.router.route(snapshot) {
        Ok(routed) => routed,
        Err(why) => {
            failed.get_or_insert(why);
            Routed { answer: least_loaded(snapshot), fuel: 0 }
        }
    };
    let performance = perform(world, cast, &mut route)?;
    match failed {
        Some(why) => Err(why.into()),
        None => Ok(performance),
    }
}

fn perform(
    world: &World,
    cast: &Cast<'_>,
    route: &mut dyn FnMut(&Snapshot) -> Routed,
) -> Result<Performance, PlayError> {
    let Cast { router, config, seed, record, .. } = *cast;
    let simulator = Simulator::new(Setting {
        plan: Plan { name: "simulation".into(), workstreams: Vec::new() },
        agents: &[],
        seed,
        router: RouterChoice { name: router.name().to_owned(), digest: router.digest().to_owned() },
        config: config.clone(),
        budget: Budget::default(),
        limits: ConcurrencyLimits::default(),
        record,
    })?;
    let mut play = Play::new(world, simulator, cast.demand);
    let (names, agents) = (play.names.clone(), play.agents.clone());
    let mut foreseen = Vec::new();
    let mut watched = |snapshot: &Snapshot| {
        let routed = route(snapshot);
        foreseen.extend(foresight(&names, &agents, snapshot, &routed.answer));
        Ok(routed)
    };
    let mut attempt = |spec: &Workstream, agent: &str| attempt(world, names[&spec.id], agents[agent]);
    let teach = |rows: &Reader, Lesson { run, router: choice, config, cursor, aside: _ }: Lesson| {
        lesson::teach(rows, router, &choice, run, config, cursor)
    };
    let teach: Option<Teach<'_>> = router.learns().then_some(&teach);
    let mut driver = Driver { route: &mut watched, teach, attempt: &mut attempt };
    let mut idle = 0;
    while let Some(at) = play.next() {
        let ended = play.advance(at)?;
        play.simulator.teach(&mut driver)?;
        let started = play.simulator.play(&mut driver)?;
        idle = if started.is_empty() && !ended { idle + 1 } else { 0 };
        play.note(started);
        if idle > IDLE_MOMENTS {
            return Err(PlayError::NeverAssigns);
        }
    }
    let Play { simulator, played, .. } = play;
    Ok(Performance { played, foreseen, simulator })
}

/// A running simulation.
struct Play<'w> {
    world: &'w World,
    simulator: Simulator,
    /// The next task to arrive.
    next: usize,
    /// Indices by name.
    names: HashMap<String, usize>,
    agents: HashMap<String, usize>,
    present: Vec<bool>,
    demand: Demand,
    played: Vec<Played>,
}

impl<'w> Play<'w> {
    fn new(world: &'w World, simulator: Simulator, demand: Demand) -> Self {
        let names = world.tasks.iter().enumerate().map(|(index, task)| (task.name.clone(), index)).collect();
        let agents =
            world.agents.iter().enumerate().map(|(index, agent)| (agent.name.clone(), index)).collect();
        let present = vec![false; world.agents.len()];
        Self { world, simulator, next: 0, names, agents, present, demand, played: Vec::new() }
    }

    fn next(&self) -> Option<Time> {
        let arrival = self.world.tasks.get(self.next).map(|task| time(task.arrives));
        arrival.into_iter().chain(self.simulator.next()).min()
    }

    /// Advances time and lets tasks arrive; returns whether anything ended.
    fn advance(&mut self, at: Time) -> Result<bool, PlayError> {
        let ended = !self.simulator.advance(at)?.is_empty();
        let mut arrived = Vec::new();
        while let Some(task) = self.world.tasks.get(self.next).filter(|task| time(task.arrives) <= at) {
            arrived.push(workstream(self.world, task, self.demand));
            self.muster(self.next)?;
            self.next += 1;
        }
        if !arrived.is_empty() {
            let run = self.simulator.run;
            self.simulator.apply(vec![Op::Extend { run, workstreams: arrived }])?;
        }
        Ok(ended)
    }

    /// Adds and removes agents as the world says.
    fn muster(&mut self, task: usize) -> Result<(), PlayError> {
        let mut ops = Vec::new();
        for (index, agent) in self.world.agents.iter().enumerate() {
            let here = self.world.present(index, task);
            if here == std::mem::replace(&mut self.present[index], here) {
                continue;
            }
            ops.push(if here {
                Op::PutAgent { card: card(self.world, index) }
            } else {
                let known = self.simulator.agent(&agent.name);
                let id = known.ok_or_else(|| PlayError::Unregistered(agent.name.clone()))?;
                Op::RemoveAgent { agent: id }
            });
        }
        if ops.is_empty() {
            return Ok(());
        }
        Ok(self.simulator.apply(ops)?)
    }

    fn note(&mut self, started: Vec<Start>) {
        for start in started {
            let (task, agent) = (self.names[&start.name], self.agents[&start.agent]);
            self.played.push(Played {
                task,
                agent,
                arrived_ms: self.world.tasks[task].arrives,
                started_ms: start.at.millis(),
                ended_ms: start.until.millis(),
                accepted: self.world.observed(agent, task, 0),
                truth: self.world.truth(agent, task),
            });
        }
    }
}

fn time(ms: u64) -> Time {
    Time(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn card(world: &World, agent: usize) -> Card {
    let known = &world.agents[agent];
    Card {
        name: known.name.clone(),
        adapter: "mock".into(),
        skills: {
            let mut skills: Vec<String> =
                known.declared.iter().map(|skill| world.skills[*skill].clone()).collect();
            skills.sort();
            skills
        },
        tracks: Vec::new(),
        capacity: known.capacity,
        config: BTreeMap::new(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    }
}

/// A task as a workstream.
fn workstream(world: &World, task: &SimTask, demand: Demand) -> Workstream {
    let mut spec = Workstream::named(task.name.clone());
    let skill = vec![world.skills[task.skill].clone()];
    match demand {
        Demand::Preferred => spec.prefers = skill,
        Demand::Required => spec.skills = skill,
    }
    spec.effects = Effects::Pure;
    spec.retry = Retry { attempts: 1, ..Retry::default() };
    for (name, value) in &task.features {
        if name == "estimate-minutes" {
            spec.estimate = Some(Span(Duration::from_secs_f64((value * 60.0).clamp(0.0, 1e9))));
        } else if let Some(number) = serde_json::Number::from_f64(*value) {
            let own = name.strip_prefix("plan.").unwrap_or(name);
            spec.metadata.insert(own.to_owned(), serde_json::Value::Number(number));
        }
    }
    spec
}

fn attempt(world: &World, task: usize, agent: usize) -> ScriptedAttempt {
    let takes = Duration::from_millis(world.service_ms(agent, task));
    let used = Usage { cost_micros: Some(world.cost_micros(agent, task)), ..Usage::default() };
    let result = if world.observed(agent, task, 0) {
        attempt::Result::Claimed(Outcome::default())
    } else {
        let fault = Fault::new(ErrorClass::Unaccepted, "not accepted");
        attempt::Result::Over(End::Failed { fault, checks: Vec::new() })
    };
    ScriptedAttempt { takes, result, used }
}

/// The forecasts of one answer.
fn foresight(
    names: &HashMap<String, usize>,
    agents: &HashMap<String, usize>,
    snapshot: &Snapshot,
    answer: &Answer,
) -> Vec<Foreseen> {
    let mut all = Vec::new();
    for (request, decision) in snapshot.requests.iter().zip(&answer.decisions) {
        let (Some(&task), Choice::Assign(assignment)) = (names.get(&request.task.id), &decision.choice)
        else {
            continue;
        };
        for score in &assignment.scores {
            let agent = snapshot.agents.get(score.agent as usize).map(|agent| agent.id.as_str());
            let agent = agent.and_then(|agent| agents.get(agent)).copied();
            if let (Some(forecast), Some(agent)) = (&score.forecast, agent) {
                all.push(Foreseen { task, agent, success: forecast.p_success });
            }
        }
    }
    all
}
