//! Skills that agents declare. The truth is that an agent declares the skills in which it is clearly above the
//! average of the pool; then some of it is turned into its opposite.

use baton_core::seed::Seed;

use super::draw::{self, Draw};

/// How far above the average of the pool an agent's chance must be for a truthful declaration.
pub const CLEARLY: f64 = 0.05;

/// One flag for each agent and skill: its chance is at least [`CLEARLY`] above the pool's mean. Where nobody's is, the
/// best agent declares the skill; an agent that stands out in nothing declares what it is best in compared with the
/// others.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "pools are small")]
pub fn truthful(chances: &[Vec<f64>]) -> Vec<Vec<bool>> {
    let skills = chances.first().map_or(0, Vec::len);
    let mean = |skill: usize| chances.iter().map(|row| row[skill]).sum::<f64>() / chances.len() as f64;
    let means: Vec<f64> = (0..skills).map(mean).collect();
    let lead = |agent: usize, skill: usize| chances[agent][skill] - means[skill];
    let mut flags: Vec<Vec<bool>> = (0..chances.len())
        .map(|agent| (0..skills).map(|skill| lead(agent, skill) >= CLEARLY).collect())
        .collect();
    for skill in 0..skills {
        if !flags.iter().any(|row| row[skill]) {
            set(&mut flags, first_most(0..chances.len(), |agent| lead(agent, skill)), Some(skill));
        }
    }
    for agent in 0..chances.len() {
        if !flags[agent].contains(&true) {
            set(&mut flags, Some(agent), first_most(0..skills, |skill| lead(agent, skill)));
        }
    }
    flags
}

/// The skills that each agent declares, ascending, when each truthful flag is turned over with chance `wrong`. A skill
/// that nobody would declare any more, and an agent that would declare nothing, keep the one flag whose draw came
/// nearest to leaving it alone.
#[must_use]
pub fn declared(chances: &[Vec<f64>], wrong: f64, seed: Seed) -> Vec<Vec<usize>> {
    let truth = truthful(chances);
    let skills = truth.first().map_or(0, Vec::len);
    let lot = |agent, skill| draw::pair(seed, Draw::Declaration, agent, skill).fraction();
    let turned = |agent: usize, skill: usize| truth[agent][skill] != (lot(agent, skill) < wrong);
    let mut flags: Vec<Vec<bool>> =
        (0..truth.len()).map(|agent| (0..skills).map(|skill| turned(agent, skill)).collect()).collect();
    for skill in 0..skills {
        if !flags.iter().any(|row| row[skill]) {
            let able = (0..truth.len()).filter(|agent| truth[*agent][skill]);
            set(&mut flags, first_most(able, |agent| lot(agent, skill)), Some(skill));
        }
    }
    for agent in 0..truth.len() {
        if !flags[agent].contains(&true) {
            let able = (0..skills).filter(|skill| truth[agent][*skill]);
            set(&mut flags, Some(agent), first_most(able, |skill| lot(agent, skill)));
        }
    }
    let listed = |row: Vec<bool>| (0..skills).filter(|skill| row[*skill]).collect();
    flags.into_iter().map(listed).collect()
}

fn set(flags: &mut [Vec<bool>], agent: Option<usize>, skill: Option<usize>) {
    if let (Some(agent), Some(skill)) = (agent, skill) {
        flags[agent][skill] = true;
    }
}

fn first_most(of: impl Iterator<Item = usize>, by: impl Fn(usize) -> f64) -> Option<usize> {
    of.max_by(|one, other| by(*one).total_cmp(&by(*other)).then(other.cmp(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Pool;

    #[test]
    fn who_is_clearly_above_the_average_declares() {
        let chances = vec![vec![0.9, 0.50, 0.1], vec![0.5, 0.51, 0.1], vec![0.1, 0.49, 0.1]];
        let flags = truthful(&chances);
        assert_eq!(flags, vec![vec![true, false, true], vec![false, true, false], vec![false, false, true]]);
    }

    #[test]
    fn without_errors_what_is_declared_is_the_truth() {
        for pool in Pool::ALL {
            let chances = pool.roster().chances;
            let flags = truthful(&chances);
            for (row, said) in flags.iter().zip(declared(&chances, 0.0, Seed(4))) {
                assert_eq!(said, (0..row.len()).filter(|skill| row[*skill]).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_agent_and_every_skill_is_declared_whatever_is_turned_over() {
        for pool in Pool::ALL {
            let chances = pool.roster().chances;
            for seed in 0..300 {
                for wrong in [0.0, 0.3, 0.7, 1.0] {
                    let said = declared(&chances, wrong, Seed(seed));
                    assert!(said.iter().all(|skills| !skills.is_empty() && skills.is_sorted()));
                    let all = 0..chances[0].len();
                    assert!(all.into_iter().all(|skill| said.iter().any(|skills| skills.contains(&skill))));
                }
            }
        }
    }

    #[test]
    fn as_many_flags_are_wrong_as_were_asked_for() {
        let chances = Pool::Generalists.roster().chances;
        let truth = truthful(&chances);
        let mut wrong = 0;
        for seed in 0..200 {
            for (row, said) in truth.iter().zip(declared(&chances, 0.3, Seed(seed))) {
                wrong += (0..row.len()).filter(|skill| row[*skill] != said.contains(skill)).count();
            }
        }
        let share = f64::from(u32::try_from(wrong).unwrap()) / (200.0 * 120.0);
        assert!((share - 0.3).abs() < 0.015, "{share}");
    }

    #[test]
    fn a_pool_of_nobody_declares_nothing() {
        assert_eq!(declared(&[], 0.5, Seed(1)), Vec::<Vec<usize>>::new());
    }
}
