//! Proportions: successes among trials, with estimates of the rate behind them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

use super::number::real;

/// Successes among trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proportion {
    /// Number of successes.
    pub good: usize,
    /// Number of trials.
    pub of: usize,
}

impl Proportion {
    pub(super) fn add(&mut self, good: bool) {
        self.good += usize::from(good);
        self.of += 1;
    }

    pub(super) fn bad(self) -> usize {
        self.of.saturating_sub(self.good)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { good: self.good + other.good, of: self.of + other.of }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { good: self.good.saturating_sub(other.good), of: self.of.saturating_sub(other.of) }
    }

    /// The observed share, 0.0 to 1.0; zero without trials.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.of == 0 { 0.0 } else { real(self.good) / real(self.of) }
    }

    /// The mean of the posterior whose prior is `weight` trials at the rate `prior`.
    #[must_use]
    pub fn shrunk(self, prior: f64, weight: f64) -> f64 {
        (real(self.good) + weight * prior) / (real(self.of) + weight)
    }

    /// The central 95 % of the posterior under Jeffreys' prior; without trials, and for shares of exactly 0 or 1, it
    /// extends to the end of the scale. Source: Brown, Cai and DasGupta, "Interval Estimation for a Binomial
    /// Proportion", 2001.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        let (a, b) = (real(self.good) + 0.5, real(self.bad()) + 0.5);
        let low = if self.good == 0 { 0.0 } else { quantile(a, b, 0.025) };
        let high = if self.bad() == 0 { 1.0 } else { quantile(a, b, 0.975) };
        (low, high)
    }

    /// Wilson's 95 % interval, in closed form. Source: Wilson, "Probable Inference, the Law of Succession, and
    /// Statistical Inference", 1927.
    pub(super) fn wilson(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let (n, p, z) = (real(self.of), self.rate(), 1.959_964_f64);
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

/// The quantile of a Beta distribution by bisection, to 12 decimals; unlike Newton's method it always converges.
fn quantile(a: f64, b: f64, level: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if beta_reg(a, b, middle) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of Beta(7.5, 3.5) and Beta(0.5, 20.5), by numerical integration.
    #[test]
    fn the_interval_is_that_of_jeffreys_prior() {
        let (low, high) = Proportion { good: 7, of: 10 }.interval();
        assert!((low - 0.394_1).abs() < 1e-3 && (high - 0.907_3).abs() < 1e-3, "{low} {high}");
        let (low, high) = Proportion { good: 0, of: 20 }.interval();
        assert!(low == 0.0 && (high - 0.116_0).abs() < 1e-3, "{low} {high}");
    }

    /// Newcombe, "Two-Sided Confidence Intervals for the Single Proportion", 1998: 81 of 263, and 0 of 20.
    #[test]
    fn the_closed_form_is_wilsons() {
        let (low, high) = Proportion { good: 81, of: 263 }.wilson();
        assert!((low - 0.255_3).abs() < 1e-4 && (high - 0.366_2).abs() < 1e-4, "{low} {high}");
        let (low, high) = Proportion { good: 0, of: 20 }.wilson();
        assert!(low.abs() < 1e-12 && (high - 0.161_1).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn without_trials_nothing_is_known() {
        let none = Proportion::default();
        assert_eq!(none.interval(), (0.0, 1.0));
        assert!(none.rate().abs() < 1e-12);
        assert!((none.shrunk(0.7, 8.0) - 0.7).abs() < 1e-12);
    }

    /// Coverage over a grid of rates, by the exact binomial distribution.
    #[test]
    fn the_interval_covers_the_rate_about_as_often_as_it_says() {
        let trials = 40;
        let mut covered = Vec::new();
        for step in 1..20 {
            let rate = real(step) / 20.0;
            let mut weight = (1.0 - rate).powi(40);
            let mut total = 0.0;
            for good in 0..=trials {
                let (low, high) = Proportion { good, of: trials }.interval();
                if low <= rate && rate <= high {
                    total += weight;
                }
                weight *= real(trials - good) / real(good + 1) * rate / (1.0 - rate);
            }
            covered.push(total);
        }
        let mean = covered.iter().sum::<f64>() / real(covered.len());
        assert!((mean - 0.95).abs() < 0.01, "{covered:?}");
    }

    #[test]
    fn bounds_exist_for_many_trials() {
        let (low, high) = Proportion { good: 3_999_999, of: 4_000_000 }.interval();
        assert!(0.999_99 < low && low < high && high <= 1.0, "{low} {high}");
    }
}
