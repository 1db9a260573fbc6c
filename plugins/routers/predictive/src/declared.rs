//! The declarations at the last decision: a lesson has none.

use baton_sdk::router::Agent;

use crate::name::{NOTHING, Name};

/// The most pairs of agent and skill that are remembered: those with the lowest hashes.
pub const MOST: usize = 4096;

/// Hashes of pairs, ascending. A pair without a skill says that the agent declares anything, one without an agent that
/// anybody declares the skill.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    pairs: Vec<u32>,
}

impl Declared {
    pub fn of(pairs: Vec<u32>) -> Option<Self> {
        let sorted = pairs.windows(2).all(|pair| pair[0] < pair[1]);
        (sorted && pairs.len() <= MOST).then_some(Self { pairs })
    }

    pub fn by(agents: &[Agent]) -> Self {
        let mut pairs = Vec::new();
        for agent in agents {
            for skill in &agent.skills {
                let (agent, skill) = (Name::of(&agent.id), Name::of(skill));
                pairs.extend([pair(agent, skill), pair(NOTHING, skill), pair(agent, NOTHING)]);
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs.truncate(MOST);
        Self { pairs }
    }

    pub fn pairs(&self) -> &[u32] {
        &self.pairs
    }

    /// The declaration as a number: 0.5 if an agent declares a skill, -0.5 if it does not, 0.0 if that is not informative, because
    /// it declares no skill at all or no agent declares this one, or if it is not known.
    pub fn stand(&self, agent: Name, skill: Name) -> f64 {
        let known = |pair: u32| match self.pairs.binary_search(&pair) {
            Ok(_) => Some(true),
            Err(at) if at < self.pairs.len() || self.pairs.len() < MOST => Some(false),
            Err(_) => None,
        };
        if known(pair(agent, NOTHING)) == Some(false) || known(pair(NOTHING, skill)) == Some(false) {
            return 0.0;
        }
        match known(pair(agent, skill)) {
            Some(true) => 0.5,
            Some(false) => -0.5,
            None => 0.0,
        }
    }
}

fn pair(agent: Name, skill: Name) -> u32 {
    let hash = agent.0.rotate_left(21) ^ skill.0;
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::agent;

    use super::*;

    #[test]
    fn a_stand_is_taken_where_somebody_takes_one() {
        let declared = Declared::by(&[agent("a", &["x", "z"]), agent("b", &["z"]), agent("c", &[])]);
        let stand = |agent, skill| declared.stand(Name::of(agent), Name::of(skill));
        assert_eq!(["a", "b", "c", "d"].map(|agent| stand(agent, "x")), [0.5, -0.5, 0.0, 0.0]);
        assert_eq!(["a", "b", "c"].map(|agent| stand(agent, "y")), [0.0; 3]);
    }

    #[test]
    fn of_too_many_declarations_the_rest_is_unknown() {
        let agents: Vec<Agent> = (0..3000).map(|at| agent(&format!("a{at}"), &["x", "y"])).collect();
        let declared = Declared::by(&agents);
        assert_eq!(declared.pairs().len(), MOST);
        assert_eq!(Declared::of(declared.pairs().to_vec()), Some(declared.clone()));
        let stands: Vec<f64> =
            agents.iter().map(|agent| declared.stand(Name::of(&agent.id), Name::of("x"))).collect();
        assert!(stands.contains(&0.5) && stands.contains(&0.0) && !stands.contains(&-0.5));
        assert_eq!(Declared::of(vec![2, 1]), None);
    }
}
