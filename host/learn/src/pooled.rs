//! Expected acceptance of an agent on a skill: its own record, shrunk towards its kind, its overall record, and
//! agents that declare the same skill.

use std::collections::BTreeMap;

use baton_core::agent::Agent;
use baton_core::id::AgentId;
use baton_core::knowledge::Tally;
use baton_stats::interval::{Interval, beta};
use schemars::JsonSchema;
use serde::Serialize;

/// Weight of the prior, in attempts.
const PRIOR: f64 = 4.0;
const LEVEL: f64 = 0.95;

/// An estimate of the share of attempts that will be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Expectation {
    /// The posterior's mean and its central 95 %.
    pub share: Interval,
    /// Weight of the agent's own record on the skill, 0.0 to 1.0.
    pub confidence: f64,
}

/// Sums over groups of agents.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    successes: f64,
    trials: f64,
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        self.successes += tally.acceptance.sum;
        self.trials += tally.acceptance.weight;
    }

    fn towards(self, prior: f64) -> f64 {
        (self.successes + PRIOR * prior) / (self.trials + PRIOR)
    }
}

/// Pooled statistics of all agents.
#[derive(Debug, Default)]
pub struct Pooled {
    own: BTreeMap<(AgentId, String), Tally>,
    all: f64,
    kinds: BTreeMap<String, f64>,
    /// By skill, and whether it is declared.
    skills: BTreeMap<(String, bool), f64>,
}

impl Pooled {
    /// From the agents and their statistics by skill; the empty skill is the agent's overall record.
    #[must_use]
    pub fn of(agents: &[Agent], tallies: &[(AgentId, String, Tally)]) -> Self {
        let known: BTreeMap<AgentId, &Agent> = agents.iter().map(|agent| (agent.id, agent)).collect();
        let mut all = Sum::default();
        let mut kinds: BTreeMap<String, Sum> = BTreeMap::new();
        let mut skills: BTreeMap<(String, bool), Sum> = BTreeMap::new();
        for (id, skill, tally) in tallies {
            let Some(agent) = known.get(id) else { continue };
            if skill.is_empty() {
                all.add(tally);
                kinds.entry(agent.card.kind()).or_default().add(tally);
            } else {
                let declared = agent.card.skills.binary_search(skill).is_ok();
                skills.entry((skill.clone(), declared)).or_default().add(tally);
            }
        }
        let all = all.towards(0.5);
        let drawn = |sum: Sum| sum.towards(all);
        Self {
            own: tallies.iter().map(|(id, skill, tally)| ((*id, skill.clone()), tally.clone())).collect(),
            all,
            kinds: kinds.into_iter().map(|(kind, sum)| (kind, drawn(sum))).collect(),
            skills: skills.into_iter().map(|(skill, sum)| (skill, drawn(sum))).collect(),
        }
    }

    /// The expectation for an agent on a skill; the empty skill is its overall record. A new agent starts from its
    /// kind and from other agents that declare, or don't declare, the skill.
    #[must_use]
    pub fn expect(&self, agent: &Agent, skill: &str) -> Expectation {
        let whole = self.own.get(&(agent.id, String::new()));
        let kind = self.kinds.get(&agent.card.kind()).copied().unwrap_or(self.all);
        let own = whole.map_or(Sum::default(), sum).towards(kind);
        let cell = self.own.get(&(agent.id, skill.to_owned())).map_or(Sum::default(), sum);
        let prior = if skill.is_empty() {
            kind
        } else {
            let declared = agent.card.skills.iter().any(|declared| declared == skill);
            let typical = self.skills.get(&(skill.to_owned(), declared)).copied().unwrap_or(self.all);
            (own + typical - self.all).clamp(0.01, 0.99)
        };
        let failures = (cell.trials - cell.successes).max(0.0) + PRIOR * (1.0 - prior);
        let share = beta(cell.successes + PRIOR * prior, failures, LEVEL);
        Expectation {
            share: share.unwrap_or(Interval { estimate: prior, low: 0.0, high: 1.0 }),
            confidence: cell.trials / (cell.trials + PRIOR),
        }
    }
}

fn sum(tally: &Tally) -> Sum {
    Sum { successes: tally.acceptance.sum, trials: tally.acceptance.weight }
}

#[cfg(test)]
mod tests {
    use baton_core::agent::breaker::Breaker;
    use baton_core::agent::{Card, Standing};
    use baton_core::budget::Cap;
    use baton_core::knowledge::Mean;

    use super::*;

    fn agent(id: i64, skills: &[&str], model: &str) -> Agent {
        let card = Card {
            name: format!("a{id}"),
            adapter: "mock".into(),
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            tracks: Vec::new(),
            capacity: 1,
            config: [("model".to_owned(), model.to_owned())].into(),
            input: None,
            output: None,
            budget: Cap::default(),
            cost: None,
        };
        Agent { id: AgentId(id), card, standing: Standing::Active, breaker: Breaker::default() }
    }

    fn cell(id: i64, skill: &str, successes: f64, trials: f64) -> (AgentId, String, Tally) {
        let acceptance = Mean { weight: trials, sum: successes };
        (AgentId(id), skill.to_owned(), Tally { acceptance, ..Tally::default() })
    }

    #[test]
    fn nothing_known_is_an_even_chance_and_says_so() {
        let agents = [agent(1, &[], "m")];
        let expected = Pooled::of(&agents, &[]).expect(&agents[0], "rust");
        assert_eq!((expected.share.estimate, expected.confidence), (0.5, 0.0));
        assert!(expected.share.low < 0.1 && expected.share.high > 0.9, "{expected:?}");
    }

    #[test]
    fn a_new_agent_starts_from_its_kind_and_its_declaration() {
        let agents = [
            agent(1, &["rust"], "good"),
            agent(2, &[], "bad"),
            agent(3, &["rust"], "good"),
            agent(4, &[], "bad"),
        ];
        let record = [
            cell(1, "", 36.0, 40.0),
            cell(1, "rust", 36.0, 40.0),
            cell(2, "", 8.0, 40.0),
            cell(2, "rust", 8.0, 40.0),
        ];
        let pooled = Pooled::of(&agents, &record);
        let [good, bad] = [&agents[2], &agents[3]].map(|new| pooled.expect(new, "rust").share.estimate);
        assert!(good > 0.9 && bad < 0.2, "{good} {bad}");
    }

    #[test]
    fn the_own_record_outweighs_the_kind_in_the_end() {
        let agents = [agent(1, &[], "m"), agent(2, &[], "m")];
        let record = [
            cell(1, "", 2.0, 80.0),
            cell(1, "go", 2.0, 80.0),
            cell(2, "", 76.0, 80.0),
            cell(2, "go", 76.0, 80.0),
        ];
        let expected = Pooled::of(&agents, &record).expect(&agents[1], "go");
        assert!(expected.share.estimate > 0.9 && expected.confidence > 0.95, "{expected:?}");
    }
}
