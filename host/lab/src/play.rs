//! Runs one router in one world: the real store, board, statistics and plugin, with simulated attempts.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::{Basis, Bill, Cap, Money};
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op, RouterChoice};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::policy::{Effects, Retry};
use baton_core::usage::Usage;
use baton_engine::school;
use baton_engine::stage::{Course, Director, Stage, Start};
use baton_plugin::router::{Answer, Attr, Choice, Routed, Router, Snapshot, attrs, least_loaded};
use baton_store::read::routing::Line;

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
    /// The store, which holds the decisions if they were kept.
    pub stage: Stage,
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
const PATIENCE: u32 = 100_000;

/// Simulates a whole world with a plugin.
///
/// # Errors
/// The store failed, or the router's answer was unusable: unlike the host, a simulation has no fallback choice.
pub fn play(world: &World, cast: &Cast<'_>) -> Result<Performance, String> {
    let mut failed = None;
    let mut route = |snapshot: &Snapshot| match cast.router.route(snapshot) {
        Ok(routed) => routed,
        Err(why) => {
            failed.get_or_insert(why.to_string());
            Routed { answer: least_loaded(snapshot), fuel: 0 }
        }
    };
    let performance = perform(world, cast, &mut route)?;
    match failed {
        Some(why) => Err(why),
        None => Ok(performance),
    }
}

fn perform(
    world: &World,
    cast: &Cast<'_>,
    route: &mut dyn FnMut(&Snapshot) -> Routed,
) -> Result<Performance, String> {
    let Cast { router, config, seed, .. } = *cast;
    let choice = RouterChoice { name: router.name().to_owned(), digest: router.digest().to_owned() };
    let stage =
        Stage::set(Plan { name: "simulation".into(), workstreams: Vec::new() }, &[], seed, choice.clone())?;
    let mut play = Play::new(world, stage, cast.demand);
    let (names, agents) = (play.names.clone(), play.agents.clone());
    let mut foreseen = Vec::new();
    let mut watched = |snapshot: &Snapshot| {
        let routed = route(snapshot);
        foreseen.extend(foresight(&names, &agents, snapshot, &routed.answer));
        routed
    };
    let mut course = |spec: &Workstream, agent: &str| course(world, names[&spec.id], agents[agent]);
    let record = cast.record.then(|| choice.clone());
    let mut director = Director { config, route: &mut watched, course: &mut course, record };
    let learner = Some(router).filter(|router| router.learns());
    let attrs = attrs(config);
    let mut learned = 0;
    let mut idle = 0;
    while let Some(at) = play.next() {
        let ended = play.advance(at)?;
        if let Some(router) = learner {
            learned = teach(&mut play.stage, router, &choice, &attrs, learned)?;
        }
        let started = play.stage.dispatch(&mut director)?;
        idle = if started.is_empty() && !ended { idle + 1 } else { 0 };
        play.note(started);
        if idle > PATIENCE {
            return Err("the router puts everything off forever".into());
        }
    }
    let Play { stage, played, .. } = play;
    Ok(Performance { played, foreseen, stage })
}

/// Passes the router all attempts that ended since the last call.
fn teach(
    stage: &mut Stage,
    router: &Router,
    choice: &RouterChoice,
    config: &[Attr],
    mut learned: i64,
) -> Result<i64, String> {
    loop {
        let line = Line { state: std::mem::take(&mut stage.state), learned };
        let taught =
            school::teach(stage.store().connection(), router, choice, stage.run, config.to_vec(), line)
                .map_err(|why| why.to_string())?;
        stage.state = taught.line.state;
        learned = taught.line.learned;
        match taught.op {
            Some(op) => stage.apply(vec![op])?,
            None => return Ok(learned),
        }
    }
}

/// A running simulation.
struct Play<'w> {
    world: &'w World,
    stage: Stage,
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
    fn new(world: &'w World, stage: Stage, demand: Demand) -> Self {
        let names = world.tasks.iter().enumerate().map(|(index, task)| (task.name.clone(), index)).collect();
        let agents =
            world.agents.iter().enumerate().map(|(index, agent)| (agent.name.clone(), index)).collect();
        let present = vec![false; world.agents.len()];
        Self { world, stage, next: 0, names, agents, present, demand, played: Vec::new() }
    }

    fn next(&self) -> Option<Time> {
        let arrival = self.world.tasks.get(self.next).map(|task| time(task.arrives));
        arrival.into_iter().chain(self.stage.next()).min()
    }

    /// Advances time and lets tasks arrive; returns whether anything ended.
    fn advance(&mut self, at: Time) -> Result<bool, String> {
        let ended = !self.stage.advance(at)?.is_empty();
        let mut arrived = Vec::new();
        while let Some(task) = self.world.tasks.get(self.next).filter(|task| time(task.arrives) <= at) {
            arrived.push(workstream(self.world, task, self.demand));
            self.muster(self.next)?;
            self.next += 1;
        }
        if !arrived.is_empty() {
            let run = self.stage.run;
            self.stage.apply(vec![Op::Extend { run, workstreams: arrived }])?;
        }
        Ok(ended)
    }

    /// Adds and removes agents as the world says.
    fn muster(&mut self, task: usize) -> Result<(), String> {
        let mut ops = Vec::new();
        for (index, agent) in self.world.agents.iter().enumerate() {
            let here = self.world.present(index, task);
            if here == std::mem::replace(&mut self.present[index], here) {
                continue;
            }
            ops.push(if here {
                Op::PutAgent { card: card(self.world, index) }
            } else {
                let id = self.stage.agent(&agent.name).ok_or("an agent is not registered")?;
                Op::RemoveAgent { agent: id }
            });
        }
        if ops.is_empty() {
            return Ok(());
        }
        self.stage.apply(ops)?;
        self.stage.call_agents()
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

fn course(world: &World, task: usize, agent: usize) -> Course {
    let takes = Duration::from_millis(world.service_ms(agent, task));
    let cost = Money(world.cost_micros(agent, task));
    let wall_ms = world.service_ms(agent, task);
    let bill = Bill { usage: Usage::default(), cost, basis: Basis::Reported, wall_ms };
    let end = if world.observed(agent, task, 0) {
        End::Accepted { outcome: None, checks: Vec::new() }
    } else {
        let fault = Fault::new(ErrorClass::Unaccepted, "not accepted");
        End::Failed { fault, checks: Vec::new() }
    };
    Course { takes, end, bill: Some(bill) }
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
