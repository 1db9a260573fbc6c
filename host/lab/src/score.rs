//! Scores of a simulated run: completion, regret, sojourn times and balance.

pub mod balance;
pub mod idle;
pub mod reference;
pub mod regret;
pub mod sojourn;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use reference::Reference;
pub use sojourn::Sojourn;

use super::world::World;

/// A simulated attempt; times are in milliseconds from the start. A retry is another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// Index into [`World::tasks`].
    pub task: usize,
    /// Index into [`World::agents`].
    pub agent: usize,
    /// When it could have begun: the task's arrival, or for a retry when the task was ready again.
    pub arrived_ms: u64,
    pub started_ms: u64,
    pub ended_ms: u64,
    /// Whether a validator accepted it.
    pub accepted: bool,
    /// Whether the task was really done.
    pub truth: bool,
}

/// The scores of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Score {
    /// The share of the world's tasks that were really done by their last attempt. A task never played is not done.
    pub success: f64,
    /// The share of the world's tasks whose last attempt was accepted.
    pub accepted: f64,
    /// The share of the accepted tasks that were not done; zero if nothing was accepted.
    pub wrongly_accepted: f64,
    /// Number of tasks that were never attempted.
    pub unplayed: usize,
    /// See [`regret::mean`].
    pub regret: f64,
    /// The same over the last quarter of the tasks.
    pub tail_regret: f64,
    /// See [`regret::recovery`]: tasks from the drift until regret is small again; none if it never is, or without
    /// drift.
    pub recovery: Option<usize>,
    pub sojourn: Sojourn,
    /// From the first arrival to the last end.
    pub makespan_ms: u64,
    /// See [`idle::while_queued`].
    pub idle_while_queued_s: f64,
    /// See [`balance::jain`].
    pub jain: f64,
    /// The largest share of the attempts that one agent had.
    pub max_share: f64,
    /// In millionths of the currency, attempts that were not accepted included; none if nothing was accepted.
    pub cost_per_accepted: Option<f64>,
}

/// Scores a run. What is played of tasks or agents that are not in the world is left out.
#[must_use]
pub fn score(world: &World, played: &[Played]) -> Score {
    let known = |one: &&Played| one.task < world.tasks.len() && one.agent < world.agents.len();
    let played: Vec<Played> = played.iter().filter(known).copied().collect();
    let last = last_attempts(&played);
    let count = |which: fn(&Played) -> bool| last.values().filter(|one| which(one)).count();
    let accepted = count(|one| one.accepted);
    let tasks = world.tasks.len();
    let begin = played.iter().map(|one| one.arrived_ms).min().unwrap_or(0);
    let end = played.iter().map(|one| one.ended_ms).max().unwrap_or(0);
    Score {
        success: share(count(|one| one.truth), tasks),
        accepted: share(accepted, tasks),
        wrongly_accepted: share(count(|one| one.accepted && !one.truth), accepted),
        unplayed: tasks - last.len(),
        regret: regret::mean(world, &played, 0),
        tail_regret: regret::mean(world, &played, tasks - tasks / 4),
        recovery: regret::recovery(world, &played),
        sojourn: Sojourn::of(world, &last),
        makespan_ms: end.saturating_sub(begin),
        idle_while_queued_s: idle::while_queued(world, &played),
        jain: balance::jain(world, &played),
        max_share: balance::max_share(world, &played),
        cost_per_accepted: cost_per(world, &played, accepted),
    }
}

/// The last attempt of each task: the one that ended last, the later in the list among equals.
fn last_attempts(played: &[Played]) -> BTreeMap<usize, Played> {
    let mut last: BTreeMap<usize, Played> = BTreeMap::new();
    for one in played {
        let newest = last.entry(one.task).or_insert(*one);
        if one.ended_ms >= newest.ended_ms {
            *newest = *one;
        }
    }
    last
}

#[expect(clippy::cast_precision_loss, reason = "sums of money below 2^53 millionths")]
fn cost_per(world: &World, played: &[Played], accepted: usize) -> Option<f64> {
    let cost: u64 = played.iter().map(|one| world.cost_micros(one.agent, one.task)).sum();
    (accepted > 0).then(|| cost as f64 / accepted as f64)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of tasks")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;
