//! Calibrates predictions: Platt's line through the log-odds ("Probabilistic Outputs for Support Vector Machines", 1999),
//! learned on predictions that were made before their results were known.

use crate::model::{Model, Prior, Term, logistic};

const SLOPE: u32 = 0;
const OFFSET: u32 = 1;

/// Prior standard deviation of the line around no correction.
const VARIANCE: f64 = 0.02;

/// The share of the line's evidence that is kept with each result.
const KEEP: f64 = 0.998;

/// Probabilities are clamped to this distance from 0 and 1.
const SURE: f64 = 1e-3;

/// The line in log-odds: nothing is changed until there is reason to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    line: Model,
}

impl Calibration {
    pub fn of(line: Model) -> Self {
        Self { line }
    }

    pub fn line(&self) -> &Model {
        &self.line
    }

    /// The calibrated probability of a prediction.
    pub fn chance(&self, predicted: f64) -> f64 {
        logistic(self.line.sum(&terms(predicted)).mean)
    }

    pub fn learn(&mut self, predicted: f64, outcome: f64) {
        let terms = terms(predicted);
        self.line.fade(&terms);
        self.line.learn(&terms, outcome, 1.0);
    }
}

fn terms(predicted: f64) -> [Term; 2] {
    let chance = predicted.clamp(SURE, 1.0 - SURE);
    let odds = (chance / (1.0 - chance)).ln();
    let term = |key, value, mean| Term { key, value, prior: Prior { mean, variance: VARIANCE, keep: KEEP } };
    [term(SLOPE, odds, 1.0), term(OFFSET, 1.0, 0.0)]
}

#[cfg(test)]
mod tests {
    use baton_sdk::SplitMix64;

    use super::*;

    #[test]
    fn without_reason_nothing_is_changed() {
        for chance in [0.01, 0.3, 0.5, 0.999] {
            assert!((Calibration::default().chance(chance) - chance).abs() < 1e-12);
        }
    }

    #[test]
    fn who_is_too_sure_is_corrected() {
        let mut calibration = Calibration::default();
        let mut random = SplitMix64::new(3);
        for _ in 0..3000 {
            let predicted = if random.chance(0.5) { 0.9 } else { 0.1 };
            let really = if predicted > 0.5 { 0.7 } else { 0.3 };
            calibration.learn(predicted, f64::from(u8::from(random.chance(really))));
        }
        let (high, low) = (calibration.chance(0.9), calibration.chance(0.1));
        assert!((high - 0.7).abs() < 0.06 && (low - 0.3).abs() < 0.06, "{high} {low}");
    }
}
