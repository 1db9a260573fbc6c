//! Who declared what when the router was last asked. What became of an attempt is told without it.

use baton_sdk::router::Agent;
use baton_sdk::seed::fnv1a;

/// Pairs of agent and skill that are remembered: those with the lowest hashes.
pub const MOST: usize = 4096;

/// Hashes of pairs, ascending. A pair with an empty skill says that the agent declares anything, one with an empty agent
/// that anybody declares the skill.
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
                pairs.extend([pair(&agent.id, skill), pair("", skill), pair(&agent.id, "")]);
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

    /// What an agent says of itself: 0.5 if it declares a skill, -0.5 if it does not, 0.0 if that says nothing, because it
    /// declares no skill at all or nobody declares this one, or if it is not known.
    pub fn stand(&self, agent: &str, skill: &str) -> f64 {
        let known = |pair: u32| match self.pairs.binary_search(&pair) {
            Ok(_) => Some(true),
            Err(at) if at < self.pairs.len() || self.pairs.len() < MOST => Some(false),
            Err(_) => None,
        };
        if known(pair(agent, "")) == Some(false) || known(pair("", skill)) == Some(false) {
            return 0.0;
        }
        match known(pair(agent, skill)) {
            Some(true) => 0.5,
            Some(false) => -0.5,
            None => 0.0,
        }
    }
}

fn pair(agent: &str, skill: &str) -> u32 {
    let hash = fnv1a(agent.as_bytes()).rotate_left(21) ^ fnv1a(skill.as_bytes());
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
