//! `baton agents`: who there is to do the work.

use std::collections::BTreeMap;

use baton_app::agents::{AgentCard, AgentChanged, AgentName};
use baton_app::operation::{self, AGENT_ADD, AGENT_DRAIN, AGENT_REMOVE, AGENT_RESUME, Operation};
use baton_app::probe::{AgentTest, AgentTested};
use baton_app::runs::Nothing;
use baton_app::view::agents::{AgentStatus, SkillRecord};
use baton_core::agent::Standing;
use baton_core::agent::breaker::Breaker;
use baton_core::budget::Money;

use super::{Done, Failure, Global, Outcome, done, screen, shown};

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

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::List => list(global),
        Verb::Add(add) => put(global, add),
        Verb::Show { name } => show(global, &name),
        Verb::Drain { name } => change(global, &AGENT_DRAIN, &name, "drains"),
        Verb::Resume { name } => change(global, &AGENT_RESUME, &name, "is given work again"),
        Verb::Remove { name } => change(global, &AGENT_REMOVE, &name, "is removed"),
        Verb::Test { name, work } => test(global, name, work),
    }
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

fn breaker(breaker: Breaker) -> String {
    match breaker {
        Breaker::Closed { .. } => "closed".into(),
        Breaker::Open { until, .. } => format!("open until {until}"),
        Breaker::HalfOpen { .. } => "half-open".into(),
    }
}

fn list(global: &Global) -> Outcome {
    shown(global, &operation::AGENTS, &Nothing {}, |agents| table(agents))?;
    Ok(Done::Well)
}

fn table(agents: &[AgentStatus]) {
    let row = |status: &AgentStatus| {
        let card = &status.agent.card;
        let standing = match status.agent.standing {
            Standing::Active => "active",
            Standing::Draining => "draining",
        };
        vec![
            card.name.clone(),
            card.adapter.clone(),
            format!("{}/{}", status.running, card.capacity),
            standing.to_owned(),
            breaker(status.breaker),
            card.skills.join(","),
            if card.tracks.is_empty() { "all".to_owned() } else { card.tracks.join(",") },
        ]
    };
    screen::table(
        &["agent", "adapter", "load", "standing", "breaker", "skills", "tracks"],
        &agents.iter().map(row).collect::<Vec<_>>(),
    );
}

fn show(global: &Global, name: &str) -> Outcome {
    shown(global, &operation::AGENT, &AgentName { name: name.to_owned() }, details)?;
    Ok(Done::Well)
}

fn details(status: &AgentStatus) {
    let card = &status.agent.card;
    screen::line(&format!("{} ({}), {} of {} busy", card.name, card.kind(), status.running, card.capacity));
    screen::line(&format!("  breaker {}", breaker(status.breaker)));
    for (key, value) in &card.config {
        screen::line(&format!("  {key} = {value}"));
    }
    for profile in &status.unconfined {
        screen::line(&format!("  programs of {profile} are not confined"));
    }
    let rows: Vec<Vec<String>> = status.skills.iter().map(|(name, skill)| row(name, skill)).collect();
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
}

fn row(name: &str, skill: &SkillRecord) -> Vec<String> {
    let SkillRecord { declared, expected, trend, tally } = skill;
    let whole = |mean: f64| format!("{mean:.0}").parse().unwrap_or(0);
    vec![
        if name.is_empty() { "(all)".to_owned() } else { name.to_owned() },
        if *declared { "yes".to_owned() } else { String::new() },
        tally.accepted.to_string(),
        tally.refused.to_string(),
        tally.failures().to_string(),
        screen::percent(expected.share.points()),
        screen::trend(*trend).to_owned(),
        tally.latency.get().map(|mean| screen::span(whole(mean))).unwrap_or_default(),
        tally.cost.get().map(|mean| Money(whole(mean)).to_string()).unwrap_or_default(),
        tally.quality.get().map(|mean| format!("{mean:.2}")).unwrap_or_default(),
    ]
}

/// Asks the adapter's probe, with the profiles that the agent would have.
fn test(global: &Global, name: String, work: bool) -> Outcome {
    let tested = shown(global, &operation::AGENT_TEST, &AgentTest { name, work }, |tested| {
        let AgentTested { agent, health, why, findings } = tested;
        screen::line(format!("{agent} is {} {why}", health.as_str()).trim_end());
        for finding in findings {
            let passed = if finding.passed { "ok  " } else { "FAIL" };
            screen::line(&format!("{passed} {}: {}", finding.rule, finding.detail));
        }
    })?;
    Ok(if tested.is_well() { Done::Well } else { Done::Failed })
}
