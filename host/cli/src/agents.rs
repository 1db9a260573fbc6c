//! `baton agents`: who there is to do the work.

use std::collections::{BTreeMap, BTreeSet};

use baton_app::agents::{AgentCard, AgentChanged, AgentName, trial};
use baton_app::config::Config;
use baton_app::operation::{AGENT_ADD, AGENT_DRAIN, AGENT_REMOVE, AGENT_RESUME, Operation};
use baton_core::agent::breaker::Breaker;
use baton_core::agent::{Agent, Card, Standing};
use baton_core::budget::Money;
use baton_core::clock::{Clock, Time};
use baton_core::knowledge::{Tally, Trend};
use baton_engine::attempt::HostContext;
use baton_engine::probe;
use baton_engine::why::projection;
use baton_learn::pooled::{Expectation, Pooled};
use baton_plugin::agent::ProbeResult;
use baton_plugin::capability::StateClient;
use baton_plugin::conformance::RuleResult;
use baton_plugin::lease::HostLease;
use baton_plugin::library::Library;
use baton_store::Reader;
use baton_store::read::live;
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, done, library, screen, unreadable};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// All of them, with load and breaker
    List,
    /// Register one, or give it a new card
    Add(Add),
    /// One of them, with its statistics
    Show { name: String },
    /// Let it finish what it has and give it nothing more
    Drain { name: String },
    /// Give it work again
    Resume { name: String },
    /// Take it out of the registry
    Remove { name: String },
    /// Ask its adapter whether it could work now
    Test {
        name: String,
        /// Also give it two small tasks, in a store of their own. Whatever they cost is spent
        #[arg(long)]
        work: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    name: String,
    /// The plugin that drives it
    #[arg(long)]
    adapter: String,
    #[arg(long = "skill", value_name = "SKILL", value_delimiter = ',')]
    skills: Vec<String>,
    #[arg(long = "track", value_name = "TRACK", value_delimiter = ',')]
    tracks: Vec<String>,
    #[arg(long, default_value_t = 1)]
    capacity: u32,
    /// Handed to the adapter, as key=value
    #[arg(long = "set", value_name = "SET")]
    config: Vec<String>,
}

#[derive(Serialize)]
struct Shown {
    agent: Agent,
    running: u32,
    /// By skill; the empty one stands for all of its work.
    skills: BTreeMap<String, Skill>,
}

/// What is known of an agent on a skill.
#[derive(Serialize)]
struct Skill {
    declared: bool,
    expected: Expectation,
    trend: Trend,
    #[serde(flatten)]
    tally: Tally,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::List => list(global),
        Verb::Add(add) => put(global, add),
        Verb::Show { name } => show(global, &name),
        Verb::Drain { name } => change(global, &AGENT_DRAIN, &name, "drains"),
        Verb::Resume { name } => change(global, &AGENT_RESUME, &name, "is given work again"),
        Verb::Remove { name } => change(global, &AGENT_REMOVE, &name, "is removed"),
        Verb::Test { name, work } => test(global, &name, work),
    }
}

fn find(conn: &Reader, name: &str) -> Result<Agent, Failure> {
    Ok(baton_app::target::agent(conn, name)?)
}

fn change(
    global: &Global,
    operation: &Operation<AgentName, AgentChanged>,
    name: &str,
    said: &str,
) -> Outcome {
    done(global, operation, &AgentName { name: name.to_owned() }, |agent| {
        screen::line(&format!("{} {said}", agent.name));
    })
}

fn put(global: &Global, add: Add) -> Outcome {
    let mut config = BTreeMap::new();
    for pair in &add.config {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("expected key=value, not {pair:?}")))?;
        config.insert(key.to_owned(), value.to_owned());
    }
    let Add { name, adapter, skills, tracks, capacity, .. } = add;
    let card = AgentCard { name, adapter, skills, tracks, capacity, config };
    done(global, &AGENT_ADD, &card, |agent| screen::line(&format!("{} is registered", agent.name)))
}

fn shown(conn: &Reader) -> Result<Vec<Shown>, Failure> {
    let (_, pool) = projection(conn).map_err(unreadable)?;
    let tallies = live::tallies(conn).map_err(unreadable)?;
    let agents: Vec<Agent> = pool.workers.iter().map(|worker| worker.agent.clone()).collect();
    let pooled = Pooled::of(&agents, &tallies);
    let of = |agent: &Agent| {
        let own = tallies.iter().filter(|(id, ..)| *id == agent.id).map(|(_, skill, _)| skill);
        let skills: BTreeSet<&String> = own.chain(&agent.card.skills).collect();
        let known = |skill: &str| {
            tallies
                .iter()
                .find(|(id, own, _)| *id == agent.id && own == skill)
                .map(|(.., tally)| tally.clone())
        };
        let one = |skill: &String| {
            let tally = known(skill).unwrap_or_default();
            let declared = agent.card.skills.contains(skill);
            let expected = pooled.expect(agent, skill);
            (skill.clone(), Skill { declared, expected, trend: tally.trend(), tally })
        };
        skills.into_iter().map(one).collect()
    };
    Ok(pool
        .workers
        .into_iter()
        .map(|worker| Shown { running: worker.running, skills: of(&worker.agent), agent: worker.agent })
        .collect())
}

fn breaker(breaker: Breaker, now: Time) -> String {
    match breaker.at(now) {
        Breaker::Closed { .. } => "closed".into(),
        Breaker::Open { until, .. } => format!("open until {until}"),
        Breaker::HalfOpen { .. } => "half-open".into(),
    }
}

fn list(global: &Global) -> Outcome {
    let all = shown(&global.reader()?)?;
    if global.json {
        screen::json(&all);
        return Ok(Done::Well);
    }
    let now = Clock::system().now();
    let row = |shown: &Shown| {
        let card = &shown.agent.card;
        let standing = match shown.agent.standing {
            Standing::Active => "active",
            Standing::Draining => "draining",
        };
        vec![
            card.name.clone(),
            card.adapter.clone(),
            format!("{}/{}", shown.running, card.capacity),
            standing.to_owned(),
            breaker(shown.agent.breaker, now),
            card.skills.join(","),
            if card.tracks.is_empty() { "all".to_owned() } else { card.tracks.join(",") },
        ]
    };
    screen::table(
        &["agent", "adapter", "load", "standing", "breaker", "skills", "tracks"],
        &all.iter().map(row).collect::<Vec<_>>(),
    );
    Ok(Done::Well)
}

fn show(global: &Global, name: &str) -> Outcome {
    let conn = global.reader()?;
    find(&conn, name)?;
    let Some(shown) = shown(&conn)?.into_iter().find(|shown| shown.agent.card.name == name) else {
        return Err(Failure::Usage(format!("there is no agent {name:?}")));
    };
    if global.json {
        screen::json(&shown);
        return Ok(Done::Well);
    }
    let card = &shown.agent.card;
    screen::line(&format!("{} ({}), {} of {} busy", card.name, card.kind(), shown.running, card.capacity));
    screen::line(&format!("  breaker {}", breaker(shown.agent.breaker, Clock::system().now())));
    for (key, value) in &card.config {
        screen::line(&format!("  {key} = {value}"));
    }
    let (config, _) = global.here()?;
    for value in card.config.values() {
        if let Some(profile) = config.offer.profiles.get(value).filter(|profile| profile.confine.is_none()) {
            screen::line(&format!("  programs of {} are not confined", profile.name));
        }
    }
    let rows: Vec<Vec<String>> = shown.skills.iter().map(|(name, skill)| row(name, skill)).collect();
    screen::table(
        &[
            "skill",
            "declared",
            "accepted",
            "refused",
            "failed",
            "to expect",
            "trend",
            "time",
            "cost",
            "quality",
        ],
        &rows,
    );
    Ok(Done::Well)
}

fn row(name: &str, skill: &Skill) -> Vec<String> {
    let Skill { declared, expected, trend, tally } = skill;
    let whole = |mean: f64| format!("{mean:.0}").parse().unwrap_or(0);
    vec![
        if name.is_empty() { "(all)".to_owned() } else { name.to_owned() },
        if *declared { "yes".to_owned() } else { String::new() },
        tally.accepted.to_string(),
        tally.refused.to_string(),
        tally.failures().to_string(),
        screen::percent(expected.share),
        screen::trend(*trend).to_owned(),
        tally.latency.get().map(|mean| screen::span(whole(mean))).unwrap_or_default(),
        tally.cost.get().map(|mean| Money(whole(mean)).to_string()).unwrap_or_default(),
        tally.quality.get().map(|mean| format!("{mean:.2}")).unwrap_or_default(),
    ]
}

/// Whether an agent could work now, by its adapter's word.
pub(super) fn health(config: &Config, library: &Library, card: &Card) -> Result<ProbeResult, Failure> {
    let adapter = library.agent(&card.adapter)?;
    let (attempt_events, _) = tokio::sync::mpsc::unbounded_channel();
    let around = HostContext {
        clock: Clock::system(),
        offer: config.offer.clone(),
        supervisor: std::env::current_exe().ok(),
        lease: HostLease::unlimited(),
        attempt_events,
        state_client: StateClient::closed(),
        workspaces: None,
        store: Some(config.store.clone()),
        under_way: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut card = card.clone();
    card.config.insert("baton.probe".into(), "thorough".into());
    Ok(runtime.block_on(probe::probe(&around, &adapter, &card, probe::LONG_TIMEOUT))?)
}

/// Asks the adapter's probe, with the profiles that the agent would have.
fn test(global: &Global, name: &str, work: bool) -> Outcome {
    let (config, home) = global.here()?;
    let conn = home.exists().then(|| global.reader()).transpose()?;
    let card = match config.agents.iter().find(|card| card.name == name) {
        Some(card) => card.clone(),
        None => {
            find(conn.as_ref().ok_or_else(|| Failure::Usage(format!("there is no agent {name:?}")))?, name)?
                .card
        }
    };
    let health = health(&config, &library(&config, conn.as_ref())?, &card)?;
    let (word, why) = match &health {
        ProbeResult::Ready => ("ready", ""),
        ProbeResult::Degraded(why) => ("degraded", why.as_str()),
        ProbeResult::Unreachable(why) => ("unreachable", why.as_str()),
    };
    let findings =
        if work && health == ProbeResult::Ready { trial::run(&global.app()?, card)? } else { Vec::new() };
    if global.json {
        screen::json(&serde_json::json!({ "agent": name, "health": word, "why": why, "findings": findings }));
    } else {
        screen::line(format!("{name} is {word} {why}").trim_end());
        for RuleResult { rule, passed, detail } in &findings {
            screen::line(&format!("{} {rule}: {detail}", if *passed { "ok  " } else { "FAIL" }));
        }
    }
    let well = health == ProbeResult::Ready && findings.iter().all(|finding| finding.passed);
    Ok(if well { Done::Well } else { Done::Failed })
}
