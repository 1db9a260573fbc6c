//! The agents as the scheduler sees them: who they are, what they run, and whether they may be given more.

use std::collections::BTreeMap;

use baton_core::agent::breaker::{Breaker, BreakerPolicy};
use baton_core::agent::{Agent, Standing, Unsuited};
use baton_core::clock::Time;
use baton_core::id::AgentId;
use baton_core::knowledge::{Observation, Tally};
use baton_core::task::TaskPolicy;
use baton_store::read::live::FeedbackSummary;

/// An agent, its load derived from the tasks that run.
#[derive(Clone, Debug)]
pub struct Worker {
    pub agent: Agent,
    pub running: u32,
    /// By skill; the empty one stands for all of its work.
    pub stats: BTreeMap<String, Tally>,
    pub opinions: BTreeMap<String, Opinion>,
    pub pulse: Pulse,
    /// It has used up what it may today.
    pub broke: bool,
    /// Why its adapter can't be loaded, if so.
    pub unusable: Option<String>,
}

/// What is known of whether an agent is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// An attempt or a probe ended then.
    Heard(Time),
    /// A probe is under way.
    Asked,
}

/// People's ratings of an agent's work on a skill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinion {
    pub verdicts: u32,
    /// The sum of their scores, each 0.0 to 1.0.
    pub scores: f64,
}

impl Opinion {
    /// How good it was to them on the whole, 0.0 to 1.0.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.scores / f64::from(self.verdicts.max(1))
    }
}

/// Why an agent can't take a task now that it could do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    Draining,
    /// Its adapter can't be loaded.
    Unusable(String),
    /// Its budget for today is used up.
    Broke,
    BreakerOpen {
        until: Time,
    },
    /// The breaker is half-open, and a probe or the one attempt that it lets through is under way.
    Probing,
    Full {
        running: u32,
        capacity: u32,
    },
}

impl std::fmt::Display for Ineligible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Draining => f.write_str("is draining"),
            Self::Unusable(why) => write!(f, "can't be used: {why}"),
            Self::Broke => f.write_str("its budget for today is used up"),
            Self::BreakerOpen { until } => write!(f, "its breaker is open until {until}"),
            Self::Probing => f.write_str("its breaker is half-open, and a probe is under way"),
            Self::Full { running, capacity } => write!(f, "runs {running} of {capacity}"),
        }
    }
}

impl Worker {
    /// Whether it could ever do such a task.
    ///
    /// # Errors
    /// What it lacks.
    pub fn suits(&self, terms: &TaskPolicy) -> Result<(), Unsuited> {
        self.agent.card.suits(terms)
    }

    /// Whether it may be given one more task now.
    ///
    /// # Errors
    /// What stands against it.
    pub fn has_room(&self, now: Time) -> Result<(), Ineligible> {
        if self.agent.standing == Standing::Draining {
            return Err(Ineligible::Draining);
        }
        if let Some(why) = &self.unusable {
            return Err(Ineligible::Unusable(why.clone()));
        }
        if self.broke {
            return Err(Ineligible::Broke);
        }
        let capacity = self.agent.card.capacity;
        let free = capacity.saturating_sub(self.running);
        match self.agent.breaker.at(now) {
            Breaker::Open { until, .. } => Err(Ineligible::BreakerOpen { until }),
            Breaker::HalfOpen { .. } if self.running > 0 || self.pulse == Pulse::Asked => {
                Err(Ineligible::Probing)
            }
            Breaker::HalfOpen { .. } | Breaker::Closed { .. } if free == 0 => {
                Err(Ineligible::Full { running: self.running, capacity })
            }
            Breaker::HalfOpen { .. } | Breaker::Closed { .. } => Ok(()),
        }
    }

    /// How many more it may be given.
    #[must_use]
    pub fn room(&self, now: Time) -> u32 {
        match self.has_room(now) {
            Err(_) => 0,
            Ok(()) => self.agent.breaker.at(now).room(self.agent.card.capacity - self.running, self.running),
        }
    }
}

/// All registered agents, by name.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub workers: Vec<Worker>,
    pub policy: BreakerPolicy,
    /// Agents whose adapter can't be loaded, and why.
    pub unusable: BTreeMap<String, String>,
}

impl Pool {
    /// Takes an agent as it is registered now. Its load and statistics stay, and so does its breaker: only moves are
    /// stored, and only from here, so that what is in memory is newer.
    pub fn put(&mut self, agent: Agent) {
        let unusable = self.unusable.get(&agent.card.name).cloned();
        if let Some(worker) = self.get_mut(agent.id) {
            worker.unusable = unusable;
            worker.agent = Agent { breaker: worker.agent.breaker, ..agent };
            return;
        }
        let place = self.workers.partition_point(|worker| worker.agent.card.name < agent.card.name);
        let worker = Worker {
            unusable,
            agent,
            running: 0,
            stats: BTreeMap::new(),
            opinions: BTreeMap::new(),
            pulse: Pulse::Heard(Time(0)),
            broke: false,
        };
        self.workers.insert(place, worker);
    }

    pub fn remove(&mut self, agent: AgentId) {
        self.workers.retain(|worker| worker.agent.id != agent);
    }

    /// Lets agents be tried again whose adapter could not be loaded.
    pub fn make_usable(&mut self) {
        self.unusable.clear();
        self.workers.iter_mut().for_each(|worker| worker.unusable = None);
    }

    /// Takes what is known as it is in the store.
    pub fn recall(&mut self, tallies: Vec<(AgentId, String, Tally)>) {
        for (agent, skill, tally) in tallies {
            if let Some(worker) = self.get_mut(agent) {
                worker.stats.insert(skill, tally);
            }
        }
    }

    /// Adds an attempt that is over, as the store did.
    pub fn learn(&mut self, observation: &Observation) {
        let Some(worker) = self.get_mut(observation.agent) else { return };
        for skill in observation.cells() {
            match worker.stats.get_mut(skill) {
                Some(tally) => tally.add(observation),
                None => worker.stats.entry(skill.to_owned()).or_default().add(observation),
            }
        }
    }

    /// Takes what people think of agents as it is now.
    pub fn praise(&mut self, praise: Vec<FeedbackSummary>) {
        for FeedbackSummary { agent, skill, verdicts, scores } in praise {
            if let Some(worker) = self.get_mut(agent) {
                worker.opinions.insert(skill, Opinion { verdicts, scores });
            }
        }
    }

    /// A person rated an agent's work on these skills.
    pub fn rate(&mut self, agent: AgentId, skills: &[String], score: f64) {
        let Some(worker) = self.get_mut(agent) else { return };
        for skill in skills {
            let opinion =
                worker.opinions.entry(skill.clone()).or_insert(Opinion { verdicts: 0, scores: 0.0 });
            opinion.verdicts += 1;
            opinion.scores += score;
        }
    }

    #[must_use]
    pub fn get(&self, id: AgentId) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.agent.id == id)
    }

    pub fn get_mut(&mut self, id: AgentId) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.agent.id == id)
    }

    #[must_use]
    pub fn running(&self) -> u32 {
        self.workers.iter().map(|worker| worker.running).sum()
    }
}
