//! Correlated outcomes: what is hard for one agent is hard for all. A Gaussian copula with one factor, as in Vasicek,
//! "The Distribution of Loan Portfolio Value" (Risk, 2002).

use statrs::distribution::{ContinuousCDF, Normal};

/// What is believed of a task's difficulty: N(mean, variance).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    pub mean: f64,
    pub variance: f64,
}

/// Success ⇔ `Φ(√ρ·d + √(1−ρ)·ε) < P`, with the difficulty `d` shared by all agents and `ε` of each agent's own, both
/// N(0, 1). Over all tasks the chance is P, whatever ρ is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copula {
    rho: f64,
}

impl Copula {
    /// `rho` is 0.0 to 0.999.
    #[must_use]
    pub fn new(rho: f64) -> Self {
        Self { rho }
    }

    /// The latent outcome, N(0, 1): success if it is below `quantile(P)`.
    #[must_use]
    pub fn latent(self, difficulty: f64, own: f64) -> f64 {
        self.rho.sqrt() * difficulty + (1.0 - self.rho).sqrt() * own
    }

    /// The chance of success of an agent whose chance over all tasks is `chance`, for a task of which so much is
    /// believed. With `d ~ N(m, v)` the latent outcome is `N(√ρ·m, 1 − ρ + ρ·v)`, so
    /// `P(success) = Φ((Φ⁻¹(P) − √ρ·m) / √(1 − ρ + ρ·v))`.
    #[must_use]
    pub fn chance(self, chance: f64, belief: Belief) -> f64 {
        let spread = (1.0 - self.rho + self.rho * belief.variance).sqrt();
        cumulative((quantile(chance) - self.rho.sqrt() * belief.mean) / spread)
    }
}

/// Φ, the distribution function of N(0, 1).
#[must_use]
pub fn cumulative(value: f64) -> f64 {
    Normal::standard().cdf(value)
}

/// Φ⁻¹; infinite at 0 and 1. What is outside of them counts as them.
#[must_use]
pub fn quantile(chance: f64) -> f64 {
    Normal::standard().inverse_cdf(super::config::within(chance, 0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simpson's rule over the difficulty.
    fn integrated(rho: f64, chance: f64, belief: Belief) -> f64 {
        let (steps, deviation) = (2000, belief.variance.sqrt());
        let width = 16.0 / f64::from(steps);
        let mut sum = 0.0;
        for step in 0..=steps {
            let z = -8.0 + width * f64::from(step);
            let weight = match step {
                0 => 1.0,
                step if step == steps => 1.0,
                step if step % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let difficulty = belief.mean + deviation * z;
            let given = cumulative((quantile(chance) - rho.sqrt() * difficulty) / (1.0 - rho).sqrt());
            sum += weight * given * (-z * z / 2.0).exp();
        }
        sum * width / 3.0 / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn the_chance_is_the_integral_over_what_is_believed() {
        for rho in [0.0, 0.25, 0.45, 0.7, 0.95] {
            for chance in [0.05, 0.3, 0.5, 0.9] {
                for (mean, variance) in [(0.0, 1.0), (0.7, 0.5), (-1.4, 0.2), (2.0, 0.0)] {
                    let belief = Belief { mean, variance };
                    let (closed, brute) =
                        (Copula::new(rho).chance(chance, belief), integrated(rho, chance, belief));
                    assert!((closed - brute).abs() < 1e-7, "{rho} {chance} {belief:?}: {closed} {brute}");
                }
            }
        }
    }

    #[test]
    fn to_know_nothing_of_the_difficulty_leaves_the_chance_as_it_is() {
        let belief = Belief { mean: 0.0, variance: 1.0 };
        for chance in [0.0, 0.01, 0.35, 0.8, 1.0] {
            assert!((Copula::new(0.45).chance(chance, belief) - chance).abs() < 1e-9);
        }
    }

    #[test]
    fn a_harder_task_has_a_lower_chance() {
        let chance = |mean| Copula::new(0.45).chance(0.6, Belief { mean, variance: 0.3 });
        assert!(chance(1.0) < chance(0.0) && chance(0.0) < chance(-1.0));
    }

    #[test]
    fn the_impossible_stays_impossible() {
        let belief = Belief { mean: -9.0, variance: 0.0 };
        assert_eq!(Copula::new(0.999).chance(0.0, belief), 0.0);
        assert_eq!(Copula::new(0.999).chance(1.0, Belief { mean: 9.0, variance: 0.0 }), 1.0);
    }

    #[test]
    fn the_quantile_is_the_inverse_of_the_distribution_function() {
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
        for chance in [1e-6, 0.2, 0.5, 0.77] {
            assert!((cumulative(quantile(chance)) - chance).abs() < 1e-9);
        }
        assert_eq!(quantile(f64::NAN), f64::NEG_INFINITY);
    }
}
