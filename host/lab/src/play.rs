//! One router in one world: the real store, board, statistics and plugin, with attempts that end as the world says.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::Cap;
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op, RouterChoice};
use baton_core::outcome::Outcome;
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::policy::{Effects, Retry};
use baton_core::usage::Usage;
use baton_engine::attempt;
use baton_engine::effect::Lesson;
use baton_engine::learning::lesson;
use baton_engine::simulator::{Driver, ScriptedAttempt, Setting, Simulator, Start, Teach};
use baton_plugin::router::{Answer, Choice, Routed, Router, Snapshot, least_loaded};
use baton_store::Reader;

use super::score::Played;
use super::world::{SimTask, World};

/// What a router foresaw for one candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foreseen {
    /// Positions in the world.
    pub task: usize,
    pub agent: usize,
    pub success: f64,
}

/// What came of a play.
pub struct Performance {
    pub played: Vec<Played>,
    /// For every candidate of every task that was assigned.
    pub foreseen: Vec<Foreseen>,
    /// The decisions are in its store, if they were to be kept.
    pub simulator: Simulator,
}

/// Who plays, and how.
pub struct Cast<'a> {
    pub router: &'a Router,
    pub config: &'a BTreeMap<String, String>,
    pub seed: Seed,
    pub demand: Demand,
    /// Keep every decision in the store.
    pub record: bool,
}

/// How plans say what a task needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// As what would help: declarations that are wrong exclude nobody.
    Preferred,
    /// As what an agent must declare, as matching by capability has it: nobody else gets the task.
    Required,
}

/// Moments in a row at which nothing starts or ends before a router counts as putting off forever.
const IDLE_MOMENTS: u32 = 100_000;

/// Plays a world through with a plugin.
///
/// # Errors
/// The store failed, or the router gave no usable answer: a simulation hides no failure behind the host's own choice.
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
    let Cast { router, config, seed, record, .. } = *cast;
    let simulator = Simulator::new(Setting {
        plan: Plan { name: "simulation".into(), workstreams: Vec::new() },
        agents: &[],
        seed,
        router: RouterChoice { name: router.name().to_owned(), digest: router.digest().to_owned() },
        config: config.clone(),
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
            return Err("the router puts everything off forever".into());
        }
    }
    let Play { simulator, played, .. } = play;
    Ok(Performance { played, foreseen, simulator })
}

/// A play under way.
struct Play<'w> {
    world: &'w World,
    simulator: Simulator,
    /// The next task to arrive.
    next: usize,
    /// Positions by name.
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

    /// Lets time pass and tasks arrive; whether anything ended.
    fn advance(&mut self, at: Time) -> Result<bool, String> {
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

    /// Lets agents come and go as the world says.
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
                let id = self.simulator.agent(&agent.name).ok_or("an agent is not registered")?;
                Op::RemoveAgent { agent: id }
            });
        }
        if ops.is_empty() {
            return Ok(());
        }
        self.simulator.apply(ops)
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

/// A task as a plan would have it.
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

/// All forecasts of one answer.
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
