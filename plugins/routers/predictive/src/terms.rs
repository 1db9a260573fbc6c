//! Which weights take part in a prediction.

use baton_sdk::seed::fnv1a;

use crate::declared::Declared;
use crate::model::{Prior, Term};

/// What is true of everybody fades slowly: half of it in 700 outcomes.
const SLOW: f64 = 0.999;

/// What is true of an agent fades as soon as the host's own statistics do, and a little faster.
const QUICK: f64 = 0.985;

const BASE: Prior = Prior { mean: 0.2, variance: 1.0, keep: SLOW };

/// Who declares a skill has 1.65 times the odds of who does not, before it is known better.
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
pub fn of_task(skills: &[&str], features: &[(u32, f64)]) -> Vec<Term> {
    let share = 1.0 / skills.len().max(1) as f64;
    let mut terms = vec![Term { key: key("base", "", ""), value: 1.0, prior: BASE }];
    terms.extend(skills.iter().map(|skill| Term {
        key: key("skill", "", skill),
        value: share,
        prior: SKILL,
    }));
    let feature = |(name, value): &(u32, f64)| Term { key: mixed(*name), value: *value, prior: FEATURE };
    terms.extend(features.iter().map(feature));
    terms
}

/// Of an agent, with these skills of a task.
pub fn of_agent(declared: &Declared, agent: &str, kind: &str, skills: &[&str]) -> Vec<Term> {
    let share = 1.0 / skills.len().max(1) as f64;
    let mut terms = vec![
        Term { key: key("agent", agent, ""), value: 1.0, prior: AGENT },
        Term { key: key("kind", kind, ""), value: 1.0, prior: KIND },
    ];
    let mut stand = 0.0;
    for skill in skills {
        stand += share * declared.stand(agent, skill);
        terms.push(Term { key: key("agent", agent, skill), value: share, prior: AGENT_AT_SKILL });
        terms.push(Term { key: key("kind", kind, skill), value: share, prior: KIND_AT_SKILL });
    }
    terms.push(Term { key: key("declared", "", ""), value: stand, prior: DECLARED });
    terms
}

fn key(what: &str, who: &str, skill: &str) -> u32 {
    let mut hash = fnv1a(what.as_bytes());
    for part in [who, skill] {
        hash = (hash ^ fnv1a(part.as_bytes())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    (hash >> 32) as u32
}

/// A feature's key among those of other weights.
fn mixed(feature: u32) -> u32 {
    key("feature", "", "") ^ feature
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn different_weights_have_different_keys() {
        let mut keys = BTreeSet::new();
        let names: Vec<String> = (0..60).map(|number| format!("n{number}")).collect();
        for name in &names {
            let skills: Vec<&str> = names.iter().map(String::as_str).collect();
            let terms = of_agent(&Declared::default(), name, name, &skills);
            keys.extend(terms.iter().map(|term| term.key));
        }
        keys.extend(of_task(&["n1", "n2"], &[(1, 0.5), (2, 0.5)]).iter().map(|term| term.key));
        // An agent and a kind of the same name, each alone and with 60 skills, one declaration, and the task's five.
        assert_eq!(keys.len(), 60 * 2 * 61 + 1 + 5);
    }

    #[test]
    fn several_skills_count_as_much_as_one() {
        for skills in [&["a"][..], &["a", "b", "c"]] {
            let mut terms = of_task(skills, &[]);
            terms.extend(of_agent(&Declared::default(), "x", "k", skills));
            let of = |prior: Prior| -> f64 {
                terms.iter().filter(|term| term.prior == prior).map(|term| term.value).sum()
            };
            for prior in [SKILL, AGENT_AT_SKILL] {
                assert!((of(prior) - 1.0).abs() < 1e-12);
            }
        }
    }
}
