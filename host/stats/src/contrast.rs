//! Estimates of the difference between two arms of a randomised trial, one observation at a time.

use serde::{Deserialize, Serialize};

use crate::arm::Arm;

/// An unbiased estimate of the difference of means, candidate less baseline, from a single observation: (score −
/// centre)·(A/p − (1−A)/(1−p)), where A is 1 in the candidate's arm and p its share. Because the arm is drawn, it is
/// unbiased whatever the centre, as long as that was fixed before the draw; a good centre reduces the variance.
///
/// Source: Horvitz and Thompson, 1952; Robins, Rotnitzky and Zhao, "Estimation of regression coefficients when some
/// regressors are not always observed", 1994, for the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// The estimate, candidate minus baseline.
    pub value: f64,
    /// No score in either arm could give a value below `-down` or above `up`.
    pub down: f64,
    /// See `down`.
    pub up: f64,
}

impl Contrast {
    /// `score` and `centre` are between 0 and 1, `share` strictly so.
    pub fn of(arm: Arm, score: f64, centre: f64, share: f64) -> Self {
        let weight = match arm {
            Arm::Candidate => 1.0 / share,
            Arm::Baseline => -1.0 / (1.0 - share),
        };
        Self {
            value: (score - centre) * weight,
            down: (centre / share).max((1.0 - centre) / (1.0 - share)),
            up: ((1.0 - centre) / share).max(centre / (1.0 - share)),
        }
    }
}

/// A running mean of values between 0 and 1 that starts at 0.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningMean {
    count: f64,
    sum: f64,
}

impl RunningMean {
    /// The mean; 0.5 without values.
    pub fn value(self) -> f64 {
        (self.sum + 0.5) / (self.count + 1.0)
    }

    /// Adds a value between 0 and 1.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contrast_is_unbiased_whatever_the_centre_and_stays_within_its_bounds() {
        for (share, centre) in [(0.5, 0.5), (0.1, 0.9), (0.9, 0.0), (0.3, 1.0)] {
            let (candidate, baseline) = (0.8, 0.25);
            let value = |arm, score| Contrast::of(arm, score, centre, share).value;
            let mean =
                share * value(Arm::Candidate, candidate) + (1.0 - share) * value(Arm::Baseline, baseline);
            assert!((mean - (candidate - baseline)).abs() < 1e-12);
            for arm in [Arm::Candidate, Arm::Baseline] {
                for score in [0.0, 0.4, 1.0] {
                    let found = Contrast::of(arm, score, centre, share);
                    assert!(-found.down - 1e-12 <= found.value && found.value <= found.up + 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_centre_begins_at_one_half_and_follows_the_mean() {
        let mut centre = RunningMean::default();
        assert!((centre.value() - 0.5).abs() < 1e-15);
        for _ in 0..99 {
            centre.add(1.0);
        }
        assert!((centre.value() - 0.995).abs() < 1e-12);
    }
}
