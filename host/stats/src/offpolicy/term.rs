//! The contribution of one logged choice to the estimates.

use super::Logged;

/// The terms of one row. Sums are over candidates; `w` is the weight after clipping, π the proposed probability, μ
/// the logged one and m the model's prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Term {
    /// Position among the clusters.
    pub cluster: usize,
    pub reward: f64,
    /// Weight of the choice, after clipping.
    pub weight: f64,
    /// Weight of the choice, before clipping.
    pub full_weight: f64,
    /// Reward minus prediction, of the choice.
    pub error: f64,
    /// Σπm.
    pub planned: f64,
    /// Σ(π−μ)m.
    pub shift: f64,
    /// Σπμ.
    pub agreement: f64,
    /// Σπ over candidates that the log could have chosen.
    pub covered: f64,
    /// Σ(π−wμ): the proposed probability that is left without evidence by clipping or by choices that the log
    /// couldn't make.
    pub excess: f64,
    /// How much less, and more, than the model's prediction the excess may be worth.
    pub below: f64,
    pub above: f64,
    /// Σw²μ, the expected square of the weight; `full_square` is without clipping.
    pub square: f64,
    pub full_square: f64,
    /// Σ(w−1)²μ.
    pub apart: f64,
    /// Σw²μm and Σw²μm².
    first: f64,
    second: f64,
}

impl Term {
    /// `row` must be valid, and `most` an upper bound of rewards.
    pub(super) fn of(row: &Logged, cluster: usize, clip: f64, most: f64) -> Self {
        let mut term = Self { cluster, reward: row.reward, ..Self::default() };
        for (place, ((&mu, &pi), &model)) in row.logged.iter().zip(&row.proposed).zip(&row.model).enumerate()
        {
            let full = if mu > 0.0 { pi / mu } else { 0.0 };
            let weight = full.min(clip);
            if place == row.chosen {
                (term.weight, term.full_weight, term.error) = (weight, full, row.reward - model);
            }
            let excess = (pi - weight * mu).max(0.0);
            let square = weight * weight * mu;
            term.planned += pi * model;
            term.shift += (pi - mu) * model;
            term.agreement += pi * mu;
            term.covered += if mu > 0.0 { pi } else { 0.0 };
            term.excess += excess;
            term.below += excess * model.max(0.0);
            term.above += excess * (most - model).max(0.0);
            term.square += square;
            term.full_square += full * full * mu;
            term.apart += (weight - 1.0).powi(2) * mu;
            term.first += square * model;
            term.second += square * model * model;
        }
        term
    }

    /// Σw²μ·E(reward − centre)², if rewards differ from the prediction with mean square `surprise`.
    pub(super) fn square_around(&self, centre: f64, surprise: f64) -> f64 {
        self.square * (surprise + centre * centre) + self.second - 2.0 * centre * self.first
    }
}
