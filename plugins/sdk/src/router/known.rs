//! A cache of values per agent, computed for a set of skills and reused for tasks with the same skills.

use std::collections::BTreeMap;

/// The most cached values: memory is limited, and reclaimed only at the end of the call.
const MOST: usize = 1 << 16;

/// One value per agent, by skills.
pub struct Known<'a, T> {
    agents: usize,
    kept: BTreeMap<Vec<&'a str>, Vec<T>>,
    /// The values of the latest skills, once the cache is full.
    newest: (Option<Vec<&'a str>>, Vec<T>),
}

impl<'a, T> Known<'a, T> {
    /// An empty cache for this number of agents.
    pub fn new(agents: usize) -> Self {
        Self { agents, kept: BTreeMap::new(), newest: (None, Vec::new()) }
    }

    /// The values for these skills, which `fill` computes if they are not cached.
    pub fn of(&mut self, skills: Vec<&'a str>, fill: impl FnOnce(&[&'a str], &mut Vec<T>)) -> &[T] {
        let fits = (self.kept.len() + 1).saturating_mul(self.agents) <= MOST;
        if fits || self.kept.contains_key(&skills) {
            return self.kept.entry(skills).or_insert_with_key(|skills| {
                let mut values = Vec::with_capacity(self.agents);
                fill(skills, &mut values);
                values
            });
        }
        let (known, values) = &mut self.newest;
        if known.as_ref() != Some(&skills) {
            values.clear();
            fill(&skills, values);
            *known = Some(skills);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often something is worked out for `a a b - b b a`, each by so many agents.
    fn worked(agents: usize) -> usize {
        let mut known = Known::new(agents);
        let mut worked = 0;
        for skills in [vec!["a"], vec!["a"], vec!["b"], vec![], vec!["b"], vec!["b"], vec!["a"]] {
            let found = known.of(skills.clone(), |skills, values| {
                worked += 1;
                values.push(skills.to_vec());
            });
            assert_eq!(found, [skills]);
        }
        worked
    }

    #[test]
    fn what_is_known_is_not_worked_out_again() {
        assert_eq!(worked(3), 3);
    }

    #[test]
    fn what_can_not_be_kept_is_right_all_the_same() {
        // Kept are two, one and none; of the others only the newest.
        assert_eq!([MOST / 2, MOST, MOST + 1].map(worked), [3, 4, 5]);
    }
}
