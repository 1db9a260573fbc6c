//! What one logged choice adds to the estimates.

use super::Logged;

/// The figures of one row. Sums go over candidates; `w` is the weight after clipping, π the proposed chance, μ the
/// logged one and m the model's prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Term {
    /// Position among the clusters.
    pub cluster: usize,
    pub reward: f64,
    /// Of what was chosen, after clipping.
    pub weight: f64,
    /// Of what was chosen, before.
    pub full_weight: f64,
    /// Reward less prediction, for what was chosen.
    pub error: f64,
    /// Σπm.
    pub planned: f64,
    /// Σ(π−μ)m.
    pub shift: f64,
    /// Σπμ.
    pub agreement: f64,
    /// Σπ over candidates that the log could have chosen.
    pub covered: f64,
    /// Σ(π−wμ): the proposed chance that clipping, or a log that could not choose so, leaves without evidence.
    pub excess: f64,
    /// What the excess may be worth less, and more, than the model says.
    pub below: f64,
    pub above: f64,
    /// Σw²μ, the second moment of the weight that the draw was to bring; without clipping in `full_square`.
    pub square: f64,
    pub full_square: f64,
    /// Σ(w−1)²μ.
    pub apart: f64,
    /// Σw²μm and Σw²μm².
    first: f64,
    second: f64,
}

impl Term {
    /// `row` is sound; no reward is above `most`.
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

    /// Σw²μ·E(reward − centre)², when rewards spread around the prediction with the mean square `surprise`.
    pub(super) fn square_around(&self, centre: f64, surprise: f64) -> f64 {
        self.square * (surprise + centre * centre) + self.second - 2.0 * centre * self.first
    }
}
