//! Regret: how much worse choices are than those of an oracle that knows every agent's skill.

use super::Played;
use crate::world::World;

/// Size of the window, in tasks, by which recovery is measured.
pub const WINDOW: usize = 50;

/// The chance of the agent who would have been best, less that of the one who was chosen: what the choice cost in
/// expectation, 0.0 to 1.0. An agent that is not there has no chance.
#[must_use]
pub fn of(world: &World, one: &Played) -> f64 {
    let best = world.skill_oracle(one.task).map_or(0.0, |agent| world.success_chance(agent, one.task));
    best - world.success_chance(one.agent, one.task)
}

/// Mean regret per attempt over the tasks from `first` on; zero if none of them was played.
#[must_use]
pub fn mean(world: &World, played: &[Played], first: usize) -> f64 {
    average(played.iter().filter(|one| one.task >= first).map(|one| of(world, one)))
}

/// How many tasks after the drift a window of [`WINDOW`] begins whose mean regret is at most 1.5 times what it was over
/// the two windows before the drift; none if there is no such window, or no drift. Whoever is not hit recovers after 0.
#[must_use]
pub fn recovery(world: &World, played: &[Played]) -> Option<usize> {
    let mut by_task: Vec<(usize, f64)> = played.iter().map(|one| (one.task, of(world, one))).collect();
    by_task.sort_by_key(|(task, _)| *task);
    calm(&by_task, world.drift_at()?, world.tasks.len())
}

/// The first calm window after the task `at`; `regrets` are by task, ascending.
fn calm(regrets: &[(usize, f64)], at: usize, tasks: usize) -> Option<usize> {
    let over = |from: usize, to: usize| {
        let first = regrets.partition_point(|(task, _)| *task < from);
        let end = regrets.partition_point(|(task, _)| *task < to);
        average(regrets[first..end].iter().map(|(_, regret)| *regret))
    };
    let before = over(at.saturating_sub(2 * WINDOW), at);
    let last = tasks.checked_sub(WINDOW)?;
    (at..=last).find(|from| over(*from, from + WINDOW) <= 1.5 * before + f64::EPSILON).map(|from| from - at)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of attempts")]
fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calm_is_one_and_a_half_times_what_was_usual_before() {
        let after = |nearly: f64| -> Vec<(usize, f64)> {
            let regret = |task| match task {
                0..100 => 0.9,
                100..200 => 0.10,
                200..270 => nearly,
                _ => 0.14,
            };
            (0..400).map(|task| (task, regret(task))).collect()
        };
        assert_eq!(calm(&after(0.1499), 200, 400), Some(0));
        assert_eq!(calm(&after(0.1501), 200, 400), Some(21));
        assert_eq!(calm(&after(0.64), 200, 400), Some(69));
        assert_eq!(calm(&after(0.64), 200, 318), None);
        assert_eq!(calm(&after(0.64), 200, 30), None);
    }
}
