//! Sojourn times of tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Played;
use crate::world::World;

/// Percentiles of the time from a task's arrival to the end of its last attempt, in milliseconds; zero if nothing was
/// played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sojourn {
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

impl Sojourn {
    /// `last` is the last attempt of each task that was played.
    #[must_use]
    pub fn of(world: &World, last: &BTreeMap<usize, Played>) -> Self {
        let arrived = |task: usize| world.tasks.get(task).map_or(0, |task| task.arrives);
        let mut times: Vec<u64> =
            last.values().map(|one| one.ended_ms.saturating_sub(arrived(one.task))).collect();
        times.sort_unstable();
        Self { p50: percentile(&times, 50), p95: percentile(&times, 95), p99: percentile(&times, 99) }
    }
}

/// The nearest-rank percentile: the least value that at least `percent` of 100 do not exceed.
#[must_use]
pub fn percentile(ascending: &[u64], percent: usize) -> u64 {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).or(ascending.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!([50, 95, 99, 0, 100].map(|percent| percentile(&ten, percent)), [5, 10, 10, 1, 10]);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!([50, 95, 99].map(|percent| percentile(&hundred, percent)), [50, 95, 99]);
        assert_eq!((percentile(&[], 95), percentile(&[7], 1)), (0, 7));
    }
}
