//! How many attempts may run at once: in all, and of those that need the same thing.

use std::collections::{BTreeMap, HashMap};

use baton_core::task::TaskPolicy;

/// What the operator allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConcurrencyLimits {
    pub running: Option<u32>,
    /// By what tasks name in `keys`; what is not here is not limited.
    pub keys: BTreeMap<String, u32>,
}

/// One of the limits that an attempt is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<'a> {
    /// Of all attempts together.
    Running,
    /// Of those that name this key.
    Key(&'a str),
}

/// What is left of it while a batch is put together.
#[derive(Debug, Default)]
pub struct Remaining {
    running: Option<u32>,
    keys: HashMap<String, u32>,
}

impl ConcurrencyLimits {
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A limit by its place in the configuration, and how many it allows.
    #[must_use]
    pub fn cap(&self, limit: Limit<'_>) -> Option<(String, u32)> {
        match limit {
            Limit::Running => Some(("[limits] running".to_owned(), self.running?)),
            Limit::Key(key) => Some((format!("[keys] {key}"), *self.keys.get(key)?)),
        }
    }

    /// What these attempts leave of them.
    #[must_use]
    pub fn remaining<'a>(&self, running: impl Iterator<Item = &'a TaskPolicy>) -> Remaining {
        let mut left = Remaining {
            running: self.running,
            keys: self.keys.iter().map(|(key, cap)| (key.clone(), *cap)).collect(),
        };
        running.for_each(|terms| left.add(terms));
        left
    }
}

impl Remaining {
    /// Counts one more that runs.
    pub fn add(&mut self, terms: &TaskPolicy) {
        if let Some(running) = &mut self.running {
            *running = running.saturating_sub(1);
        }
        for key in &terms.keys {
            if let Some(left) = self.keys.get_mut(key) {
                *left = left.saturating_sub(1);
            }
        }
    }

    /// Whether there is a place for one more.
    #[must_use]
    pub fn fits(&self, terms: &TaskPolicy) -> bool {
        self.full(terms).is_none()
    }

    /// The limit that leaves no place for one more.
    #[must_use]
    pub fn full<'a>(&self, terms: &'a TaskPolicy) -> Option<Limit<'a>> {
        if self.running == Some(0) {
            return Some(Limit::Running);
        }
        terms.keys.iter().find(|key| self.keys.get(*key) == Some(&0)).map(|key| Limit::Key(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_key() {
        let limits = ConcurrencyLimits { running: Some(3), keys: BTreeMap::from([("gpu".into(), 1)]) };
        let gpu = TaskPolicy { keys: vec!["gpu".into()], ..TaskPolicy::default() };
        let any = TaskPolicy::default();
        let mut left = limits.remaining([&any].into_iter());
        let mut take = |terms| {
            let fits = left.fits(terms);
            if fits {
                left.add(terms);
            }
            fits
        };
        assert_eq!([&gpu, &gpu, &any, &any].map(&mut take), [true, false, true, false]);
    }
}
