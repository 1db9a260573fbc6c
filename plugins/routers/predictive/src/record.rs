//! Learns from the host's statistics, for a router without any lesson: it replaces another router, or its state was lost.

use baton_sdk::router::{Agent, SkillStats};

use crate::declared::Declared;
use crate::model::Model;
use crate::name::Name;
use crate::terms::{of_agent, of_task};

/// The number of parts in which the record is learned, each of all agents, because earlier trials count for more.
const PARTS: u32 = 4;

/// Learns from the statistics of all agents as from outcomes without features.
pub fn learn(model: &mut Model, declared: &Declared, agents: &[Agent]) {
    for _ in 0..PARTS {
        for agent in agents {
            for stats in agent.stats.iter().filter(|stats| !stats.skill.is_empty()) {
                part(model, declared, agent, stats);
            }
        }
    }
    model.prune();
}

fn part(model: &mut Model, declared: &Declared, agent: &Agent, stats: &SkillStats) {
    let trials = stats.trials.clamp(0.0, 100.0);
    let successes = stats.successes.clamp(0.0, trials);
    if trials.is_nan() || successes.is_nan() {
        return;
    }
    let skills = [Name::of(&stats.skill)];
    let mut terms = of_task(&skills, &[]);
    terms.extend(of_agent(declared, Name::of(&agent.id), Name::of(&agent.kind), &skills));
    if trials > 0.0 {
        model.learn(&terms, successes / f64::from(PARTS), trials / f64::from(PARTS));
    }
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, stats};

    use super::*;
    use crate::model::expected;

    fn with_record(id: &str, successes: f64, trials: f64) -> Agent {
        Agent { stats: vec![SkillStats { successes, trials, ..stats("x") }], ..agent(id, &[]) }
    }

    #[test]
    fn a_record_is_worth_what_it_says_whatever_the_order() {
        let agents = [with_record("a", 9.0, 60.0), with_record("b", 51.0, 60.0), agent("c", &[])];
        for agents in [agents.to_vec(), agents.iter().rev().cloned().collect()] {
            let (mut model, declared) = (Model::default(), Declared::by(&agents));
            learn(&mut model, &declared, &agents);
            let chance = |who: &str| {
                let skills = [Name::of("x")];
                let mut terms = of_task(&skills, &[]);
                terms.extend(of_agent(&declared, Name::of(who), Name::of("mock"), &skills));
                let sum = model.sum(&terms);
                expected(sum.mean, sum.variance)
            };
            let (bad, good, new) = (chance("a"), chance("b"), chance("c"));
            assert!(bad < 0.32 && good > 0.68 && (0.4..0.6).contains(&new), "{bad} {good} {new}");
        }
    }
}
