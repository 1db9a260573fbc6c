//! Which weights take part in a prediction.

use crate::declared::Declared;
use crate::model::{Prior, Term};
use crate::name::{NOTHING, Name};

/// Decay of effects that are common to all agents: half in 700 results.
const SLOW: f64 = 0.999;

/// Decay of an agent's effects: a little faster than that of the host's statistics.
const QUICK: f64 = 0.985;

const BASE: Prior = Prior { mean: 0.2, variance: 1.0, keep: SLOW };

/// Prior of a declaration: 1.65 times the odds of an agent that does not declare the skill.
const DECLARED: Prior = Prior { mean: 0.5, variance: 0.1, keep: SLOW };

const SKILL: Prior = around_zero(1.0, SLOW);
const FEATURE: Prior = around_zero(0.25, SLOW);
const AGENT: Prior = around_zero(0.08, QUICK);
const KIND: Prior = around_zero(0.03, QUICK);
const AGENT_AT_SKILL: Prior = around_zero(0.15, QUICK);
const KIND_AT_SKILL: Prior = around_zero(0.03, QUICK);

const fn around_zero(variance: f64, keep: f64) -> Prior {
    Prior { mean: 0.0, variance, keep }
}

/// Of the task, the same for all agents. `features` are keys and scaled values.
pub fn of_task(skills: &[Name], features: &[(u32, f64)]) -> Vec<Term> {
    let share = 1.0 / skills.len().max(1) as f64;
    let mut terms = vec![Term { key: key(What::Base, NOTHING, NOTHING), value: 1.0, prior: BASE }];
    let skill = |skill: &Name| Term { key: key(What::Skill, NOTHING, *skill), value: share, prior: SKILL };
    terms.extend(skills.iter().map(skill));
    let feature = |(name, value): &(u32, f64)| {
        let key = key(What::Feature, Name(u64::from(*name)), NOTHING);
        Term { key, value: *value, prior: FEATURE }
    };
    terms.extend(features.iter().map(feature));
    terms
}

/// Of an agent, with these skills of a task.
pub fn of_agent(declared: &Declared, agent: Name, kind: Name, skills: &[Name]) -> Vec<Term> {
    let share = 1.0 / skills.len().max(1) as f64;
    let mut terms = Vec::with_capacity(3 + 2 * skills.len());
    terms.push(Term { key: key(What::Agent, agent, NOTHING), value: 1.0, prior: AGENT });
    terms.push(Term { key: key(What::Kind, kind, NOTHING), value: 1.0, prior: KIND });
    let mut stand = 0.0;
    for &skill in skills {
        stand += share * declared.stand(agent, skill);
        terms.push(Term { key: key(What::Agent, agent, skill), value: share, prior: AGENT_AT_SKILL });
        terms.push(Term { key: key(What::Kind, kind, skill), value: share, prior: KIND_AT_SKILL });
    }
    terms.push(Term { key: key(What::Declared, NOTHING, NOTHING), value: stand, prior: DECLARED });
    terms
}

/// The meaning of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Base,
    Skill,
    Feature,
    Agent,
    Kind,
    Declared,
}

fn key(what: What, who: Name, skill: Name) -> u32 {
    let mix = |hash: u64| hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let hash = mix(mix(mix(what as u64 + 1) ^ who.0) ^ skill.0);
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn different_weights_have_different_keys() {
        let mut keys = BTreeSet::new();
        let names: Vec<Name> = (0..60).map(|number| Name::of(&format!("n{number}"))).collect();
        for name in &names {
            let terms = of_agent(&Declared::default(), *name, *name, &names);
            keys.extend(terms.iter().map(|term| term.key));
        }
        keys.extend(of_task(&names[..2], &[(1, 0.5), (2, 0.5)]).iter().map(|term| term.key));
        // An agent and a kind of the same name, each alone and with 60 skills, one declaration, and the task's five.
        assert_eq!(keys.len(), 60 * 2 * 61 + 1 + 5);
    }

    #[test]
    fn several_skills_count_as_much_as_one() {
        for skills in [&["a"][..], &["a", "b", "c"]] {
            let skills: Vec<Name> = skills.iter().map(|skill| Name::of(skill)).collect();
            let mut terms = of_task(&skills, &[]);
            terms.extend(of_agent(&Declared::default(), Name::of("x"), Name::of("k"), &skills));
            let of = |prior: Prior| -> f64 {
                terms.iter().filter(|term| term.prior == prior).map(|term| term.value).sum()
            };
            for prior in [SKILL, AGENT_AT_SKILL] {
                assert!((of(prior) - 1.0).abs() < 1e-12);
            }
        }
    }
}
