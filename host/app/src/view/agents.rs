//! Who there is to do the work, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::agent::Agent;
use baton_core::agent::breaker::Breaker;
use baton_core::clock::Clock;
use baton_core::id::AgentId;
use baton_core::knowledge::{Tally, Trend};
use baton_engine::pool::Worker;
use baton_engine::why::projection;
use baton_learn::pooled::{Expectation, Pooled};
use baton_store::Reader;
use baton_store::read::live;
use schemars::JsonSchema;
use serde::Serialize;

use crate::agents::AgentName;
use crate::config::Config;
use crate::runs::Nothing;
use crate::{App, AppError, target};

/// An agent, its load, and what is known of its work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AgentStatus {
    /// As it is registered.
    pub agent: Agent,
    /// Attempts that it is at now.
    pub running: u32,
    /// By skill; the empty one stands for all of its work.
    pub skills: BTreeMap<String, SkillRecord>,
    /// Its circuit breaker as of now; that of the registration may be out of date.
    #[serde(skip)]
    pub breaker: Breaker,
    /// Profiles that it uses and whose programs the configuration does not confine.
    #[serde(skip)]
    pub unconfined: Vec<String>,
}

/// What is known of an agent on a skill.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SkillRecord {
    /// Whether the agent declares it.
    pub declared: bool,
    /// The share of its attempts that will be accepted.
    pub expected: Expectation,
    /// Whether its last attempts went better or worse than those before.
    pub trend: Trend,
    /// Its attempts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// All agents.
///
/// # Errors
/// The store can't be read.
pub(crate) fn agents(app: &App, _: &Nothing) -> Result<Vec<AgentStatus>, AppError> {
    let reader = &app.reader()?;
    let (_, pool) = projection(reader).map_err(AppError::unreadable)?;
    let agents: Vec<Agent> = pool.workers.iter().map(|worker| worker.agent.clone()).collect();
    let records = Records::of(reader, &agents)?;
    let now = Clock::system().now();
    let status = |(worker, agent): (&Worker, Agent)| {
        let (skills, breaker) = (records.skills(&agent), agent.breaker.at(now));
        let unconfined = unconfined(&app.config, &agent);
        AgentStatus { running: worker.running, skills, breaker, unconfined, agent }
    };
    Ok(pool.workers.iter().zip(agents).map(status).collect())
}

/// One agent.
///
/// # Errors
/// There is no such agent; the store can't be read.
pub(crate) fn agent(app: &App, query: &AgentName) -> Result<AgentStatus, AppError> {
    let id = target::agent(&app.reader()?, &query.name)?.id;
    let found = agents(app, &Nothing {})?.into_iter().find(|status| status.agent.id == id);
    found.ok_or_else(|| AppError::not_found(format!("there is no agent {:?}", query.name)))
}

fn unconfined(config: &Config, agent: &Agent) -> Vec<String> {
    let used = agent.card.config.values().filter_map(|value| config.offer.profiles.get(value));
    used.filter(|profile| profile.confine.is_none()).map(|profile| profile.name.clone()).collect()
}

/// What is known of agents by skill.
pub(super) struct Records {
    tallies: BTreeMap<(AgentId, String), Tally>,
    pooled: Pooled,
}

impl Records {
    /// # Errors
    /// The store can't be read.
    pub(super) fn of(reader: &Reader, agents: &[Agent]) -> Result<Self, AppError> {
        Ok(Self::from_tallies(live::tallies(reader).map_err(AppError::unreadable)?, agents))
    }

    pub(super) fn from_tallies(tallies: Vec<(AgentId, String, Tally)>, agents: &[Agent]) -> Self {
        let pooled = Pooled::of(agents, &tallies);
        let tallies = tallies.into_iter().map(|(agent, skill, tally)| ((agent, skill), tally)).collect();
        Self { tallies, pooled }
    }

    /// Skills that some agent was tried on.
    pub(super) fn tried(&self) -> impl Iterator<Item = &String> {
        self.tallies.keys().map(|(_, skill)| skill).filter(|skill| !skill.is_empty())
    }

    /// What is known of an agent on a skill; none if it neither declares it nor was tried on it.
    pub(super) fn on(&self, agent: &Agent, skill: &str) -> Option<SkillRecord> {
        let tally = self.tallies.get(&(agent.id, skill.to_owned()));
        let declared = agent.card.skills.iter().any(|own| own == skill);
        if !declared && tally.is_none() {
            return None;
        }
        let tally = tally.cloned().unwrap_or_default();
        Some(SkillRecord {
            declared,
            expected: self.pooled.expect(agent, skill),
            trend: tally.trend(),
            tally,
        })
    }

    fn skills(&self, agent: &Agent) -> BTreeMap<String, SkillRecord> {
        let tried = self.tallies.keys().filter(|(id, _)| *id == agent.id).map(|(_, skill)| skill);
        let skills: BTreeSet<&String> = tried.chain(&agent.card.skills).collect();
        skills.into_iter().filter_map(|skill| Some((skill.clone(), self.on(agent, skill)?))).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use baton_core::agent::{Card, Standing};
    use baton_core::budget::Cap;

    use super::*;

    pub(in crate::view) fn agent(id: i64, name: &str, skills: &[&str]) -> Agent {
        let card = Card {
            name: name.into(),
            adapter: "simulated".into(),
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            tracks: Vec::new(),
            capacity: 1,
            config: BTreeMap::new(),
            input: None,
            output: None,
            budget: Cap::default(),
            cost: None,
        };
        Agent { id: AgentId(id), card, standing: Standing::Active, breaker: Breaker::Closed { failures: 0 } }
    }

    #[test]
    fn a_skill_that_is_declared_or_was_tried_has_a_record() {
        let ann = agent(1, "ann", &["docs"]);
        let tally = Tally { accepted: 3, refused: 1, ..Tally::default() };
        let tallies = vec![(ann.id, String::new(), tally.clone()), (ann.id, "rust".to_owned(), tally)];
        let records = Records::from_tallies(tallies, std::slice::from_ref(&ann));
        let found = records.skills(&ann);
        let of = |skill: &str| found.get(skill).map(|record| (record.declared, record.tally.attempts()));
        assert_eq!(
            (of(""), of("docs"), of("rust"), of("go")),
            (Some((false, 4)), Some((true, 0)), Some((false, 4)), None)
        );
        assert_eq!(records.tried().collect::<Vec<_>>(), ["rust"]);
    }
}
