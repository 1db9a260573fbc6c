//! Intervals for shares, means and ratios. All are two-sided; their level is passed, such as 0.95.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF, Normal, StudentsT};

/// An estimate with its confidence or credible interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The point estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Symmetric: `half` to each side.
    #[must_use]
    pub fn around(estimate: f64, half: f64) -> Self {
        Self { estimate, low: estimate - half, high: estimate + half }
    }

    /// The point estimate, the lower and the upper end.
    #[must_use]
    pub fn points(self) -> [f64; 3] {
        [self.estimate, self.low, self.high]
    }

    /// Whether the value is inside; both ends are.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// From end to end.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// The interval widened on each side by these amounts, both at least 0.
    #[must_use]
    pub fn widened(self, below: f64, above: f64) -> Self {
        Self { estimate: self.estimate, low: self.low - below, high: self.high + above }
    }

    /// The interval clamped to a range; the estimate is clamped as well.
    #[must_use]
    pub fn within(self, least: f64, most: f64) -> Self {
        let hold = |value: f64| value.max(least).min(most);
        Self { estimate: hold(self.estimate), low: hold(self.low), high: hold(self.high) }
    }
}

impl fmt::Display for Interval {
    /// `0.620 (0.550 to 0.690)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.estimate, self.low, self.high)
    }
}

/// The probability beyond one end of an interval of `level`, which is clamped to 0.5 to 0.999999.
fn tail(level: f64) -> f64 {
    // `max` takes what is not a number to the other one.
    (1.0 - level.clamp(0.5, 0.999_999).max(0.5)) / 2.0
}

/// Half-width of an interval in standard errors, when the standard error is known.
#[must_use]
pub fn normal_reach(level: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - tail(level))
}

/// Half-width of an interval in standard errors, when the standard error was estimated with `freedom` degrees of
/// freedom, at least 1 (Student, "The probable error of a mean", 1908).
#[must_use]
pub fn student_reach(level: f64, freedom: f64) -> f64 {
    // Beyond this the two differ by less than 0.0003, which is less than the error of the inverse for t.
    if freedom > 10_000.0 {
        return normal_reach(level);
    }
    StudentsT::new(0.0, 1.0, freedom.max(1.0))
        .map_or_else(|_| normal_reach(level), |student| student.inverse_cdf(1.0 - tail(level)))
}

/// The score interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference",
/// 1927); none without trials.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of trials stay far below 2^53")]
pub fn wilson(successes: u64, trials: u64, level: f64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (count, square) = (trials as f64, normal_reach(level).powi(2));
    let share = successes.min(trials) as f64 / count;
    let centre = (share + square / (2.0 * count)) / (1.0 + square / count);
    let half = (square * (share * (1.0 - share) / count + square / (4.0 * count * count))).sqrt()
        / (1.0 + square / count);
    // At 0 and 1 the formula gives the end of the scale, except for rounding.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes >= trials { 1.0 } else { centre + half };
    Some(Interval { estimate: share, low, high })
}

/// The central interval of a Beta posterior with these two parameters, prior included; none unless both are above 0.
/// The estimate is the posterior's mean.
#[must_use]
pub fn beta(successes: f64, failures: f64, level: f64) -> Option<Interval> {
    let posterior = Beta::new(successes, failures).ok()?;
    let estimate = successes / (successes + failures);
    let outer = tail(level);
    (estimate.is_finite()).then(|| Interval {
        estimate,
        low: quantile(&posterior, outer),
        high: quantile(&posterior, 1.0 - outer),
    })
}

/// By bisection, which converges for every shape; Newton's method doesn't for extreme posteriors.
fn quantile(posterior: &Beta, mass: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if posterior.cdf(middle) < mass {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Student's t interval of a mean; none for fewer than two values.
#[must_use]
pub fn mean(values: &[f64], level: f64) -> Option<Interval> {
    let clusters: Vec<(f64, f64)> = values.iter().map(|value| (*value, 1.0)).collect();
    let ratio = Ratio::of(&clusters)?;
    Some(Interval::around(ratio.estimate, student_reach(level, ratio.count - 1.0) * ratio.error))
}

/// A ratio of sums over independent clusters, and its standard error by the delta method with the sandwich over
/// clusters (Cochran, "Sampling Techniques", 3rd edition 1977, 6.4; Cameron and Miller, "A practitioner's guide to
/// cluster-robust inference", 2015).
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// The ratio.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
    /// Number of clusters.
    pub count: f64,
}

impl Ratio {
    /// From pairs of numerator and denominator. None for fewer than two clusters, or if the denominators sum to 0.
    #[expect(clippy::cast_precision_loss, reason = "counts of clusters stay far below 2^53")]
    pub fn of(clusters: &[(f64, f64)]) -> Option<Self> {
        let count = clusters.len() as f64;
        let (above, below) = clusters.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if clusters.len() < 2 || below <= 0.0 || !(above.is_finite() && below.is_finite()) {
            return None;
        }
        let estimate = above / below;
        let square: f64 = clusters.iter().map(|(above, below)| (above - estimate * below).powi(2)).sum();
        let error = (square * count / (count - 1.0)).sqrt() / below;
        Some(Self { estimate, error, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-7 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    #[track_caller]
    fn spans(found: Option<Interval>, low: f64, high: f64) {
        let found = found.unwrap();
        close(found.low, low);
        close(found.high, high);
    }

    #[test]
    fn the_score_interval_of_a_share_is_that_of_the_tables() {
        spans(wilson(8, 10, 0.95), 0.490_162_471_5, 0.943_317_848_5);
        spans(wilson(50, 100, 0.95), 0.403_831_530_4, 0.596_168_469_6);
        spans(wilson(0, 10, 0.95), 0.0, 0.277_532_799_9);
        spans(wilson(10, 10, 0.95), 0.722_467_200_1, 1.0);
        assert_eq!(wilson(0, 0, 0.95), None);
        assert_eq!(wilson(12, 10, 0.95), wilson(10, 10, 0.95), "more successes than trials are all of them");
    }

    #[test]
    fn the_posterior_interval_of_a_share_is_that_of_the_tables() {
        spans(beta(9.0, 3.0, 0.95), 0.482_244_15, 0.939_782_27);
        spans(beta(0.5, 0.5, 0.95), 0.001_541_33, 0.998_458_67);
        spans(beta(1.0, 1.0, 0.95), 0.025, 0.975);
        spans(beta(1e6, 1e6, 0.95), 0.499_307_05, 0.500_692_95);
        spans(beta(2000.0, 1.0, 0.95), 0.998_157_26, 0.999_987_34);
        for impossible in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(beta(impossible, 1.0, 0.95), None);
        }
    }

    #[test]
    fn reaches_are_those_of_the_tables() {
        for (freedom, expected) in [
            (1.0, 12.706_204_736_2),
            (2.0, 4.302_652_729_7),
            (5.0, 2.570_581_835_6),
            (30.0, 2.042_272_456_3),
            (300.0, 1.967_903_011_3),
            (9999.0, 1.960_201_263_6),
        ] {
            close(student_reach(0.95, freedom), expected);
        }
        close(normal_reach(0.95), 1.959_963_985);
        close(student_reach(0.95, 1e9), normal_reach(0.95));
        close(student_reach(0.95, 0.0), student_reach(0.95, 1.0));
    }

    #[test]
    fn a_level_that_makes_no_sense_is_taken_to_the_nearest_that_does() {
        close(normal_reach(-3.0), normal_reach(0.5));
        assert!(normal_reach(1.0).is_finite() && student_reach(7.0, 3.0).is_finite());
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        spans(mean(&[1.0, 2.0, 3.0, 4.0], 0.95), 0.445_739_743_2, 4.554_260_256_8);
        spans(mean(&[2.0, 2.0], 0.95), 2.0, 2.0);
        assert_eq!(mean(&[2.0], 0.95), None);
        assert_eq!(mean(&[], 0.95), None);
    }

    #[test]
    fn the_error_of_a_ratio_counts_clusters_and_not_rows() {
        let alone = Ratio::of(&[(1.0, 1.0), (0.0, 1.0), (1.0, 1.0), (0.0, 1.0)]).unwrap();
        let doubled = Ratio::of(&[(2.0, 2.0), (0.0, 2.0), (2.0, 2.0), (0.0, 2.0)]).unwrap();
        close(alone.error, (1.0_f64 / 3.0).sqrt() / 2.0);
        close(doubled.error, alone.error);
        assert!(Ratio::of(&[(1.0, 0.0), (2.0, 0.0)]).is_none());
    }
}
