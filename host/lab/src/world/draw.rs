//! Deterministic draws: each use of randomness has its own stream, and each task and agent its own position in it, so
//! that changing one setting leaves all other draws unchanged.

use baton_core::seed::Seed;

use super::copula;

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    Skill,
    Difficulty,
    Feature,
    /// A feature that says nothing.
    Chaff,
    Arrival,
    Declaration,
    /// How fast an agent is at a skill.
    Pace,
    Outcome,
    Service,
    Validator,
    /// The draws of a randomised policy.
    Policy,
}

impl Draw {
    fn stream(self) -> i64 {
        match self {
            Self::Skill => 1,
            Self::Difficulty => 2,
            Self::Feature => 3,
            Self::Chaff => 4,
            Self::Arrival => 5,
            Self::Declaration => 6,
            Self::Pace => 7,
            Self::Outcome => 8,
            Self::Service => 9,
            Self::Validator => 10,
            Self::Policy => 11,
        }
    }
}

fn counter(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// The seed of one thing's draw.
#[must_use]
pub fn one(seed: Seed, draw: Draw, index: usize) -> Seed {
    seed.of(draw.stream()).of(counter(index))
}

/// The seed of the draw of a pair, such as a task and an agent.
#[must_use]
pub fn pair(seed: Seed, draw: Draw, first: usize, second: usize) -> Seed {
    one(seed, draw, first).of(counter(second))
}

/// A draw from N(0, 1) by inversion; finite.
#[must_use]
pub fn normal(seed: Seed) -> f64 {
    copula::quantile(seed.fraction().clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}

/// Which of some shares, which add up to 1, a fraction falls into; the last if it is beyond them all.
#[must_use]
pub fn among(shares: &[f64], fraction: f64) -> usize {
    let mut sum = 0.0;
    let below = |share: &f64| {
        sum += share;
        fraction < sum
    };
    shares.iter().position(below).unwrap_or(shares.len().saturating_sub(1))
}

/// A whole number below `count`, each equally likely; 0 if `count` is.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sizes of pools")]
pub fn below(seed: Seed, count: usize) -> usize {
    let place = whole((seed.fraction() * count as f64).floor());
    usize::try_from(place).unwrap_or(0).min(count.saturating_sub(1))
}

/// To the nearest whole number from 0 to 2^53.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is enforced, and not a number becomes 0"
)]
pub fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 9_007_199_254_740_992.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_falls_into_its_share() {
        let shares = [0.25, 0.0, 0.5, 0.25];
        let found = [0.0, 0.249, 0.25, 0.74, 0.75, 1.0].map(|fraction| among(&shares, fraction));
        assert_eq!(found, [0, 0, 2, 2, 3, 3]);
        assert_eq!(among(&[], 0.5), 0);
    }

    #[test]
    fn rounding_keeps_to_its_range() {
        let rounded = [f64::NAN, -1.0, 0.5, 1e300].map(whole);
        assert_eq!(rounded, [0, 0, 1, 9_007_199_254_740_992]);
    }

    #[test]
    fn lots_are_fair_and_within_bounds() {
        let mut counts = [0; 6];
        for index in 0..12_000 {
            counts[below(Seed(2).of(index), 6)] += 1;
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
        assert_eq!((below(Seed(2), 0), below(Seed(2), 1)), (0, 0));
    }

    #[test]
    fn normal_draws_have_mean_zero_and_variance_one() {
        let draws: Vec<f64> =
            (0..40_000).map(|index| normal(one(Seed(3), Draw::Difficulty, index))).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn streams_do_not_repeat_each_other() {
        let mut seen = std::collections::BTreeSet::new();
        for draw in [Draw::Skill, Draw::Difficulty, Draw::Outcome, Draw::Service, Draw::Validator] {
            for first in 0..50 {
                for second in 0..12 {
                    assert!(seen.insert(pair(Seed(0), draw, first, second).0));
                }
            }
        }
    }
}
