//! Evidence that may be looked at after every observation: the wealth of gamblers who bet against a claim. While the
//! claim is true nobody gets rich, whenever one looks.

use serde::{Deserialize, Serialize};

/// What part of the most that can be staked each gambler stakes. Small stakes find small differences, large ones find
/// large differences sooner; with half of it none can be ruined.
const STAKES: [f64; 7] = [0.5, 0.25, 0.125, 0.062_5, 0.031_25, 0.015_625, 0.007_812_5];

/// Bets against "the payoff is at most 0 on average", with stakes fixed before each payoff is seen. The mean wealth is
/// a test supermartingale: while the claim holds it ever exceeds 1/α with a chance of at most α (Ville, 1939).
///
/// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2023, of which
/// this is the diversified Kelly bet: fixed stakes are mixed instead of guessing the best one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EProcess {
    /// Natural logarithm of each gambler's wealth, who began with 1.
    logs: [f64; STAKES.len()],
}

impl EProcess {
    /// `payoff` is never below `-worst`, and `worst` was known before it.
    pub fn bet(&mut self, payoff: f64, worst: f64) {
        // A payoff that breaks its promise loses what was staked and no more.
        let gain = if worst > 0.0 { (payoff / worst).max(-1.0) } else { 0.0 };
        for (log, stake) in self.logs.iter_mut().zip(STAKES) {
            *log += (stake * gain).ln_1p();
        }
    }

    /// Natural logarithm of the mean wealth.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        mean_log(&self.logs)
    }
}

/// The logarithm of the mean of what these are the logarithms of; 0 of none.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a handful of values")]
pub fn mean_log(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_finite() {
        most + (logs.iter().map(|log| (log - most).exp()).sum::<f64>() / logs.len() as f64).ln()
    } else {
        0.0
    }
}

/// A lower bound of what [`EProcess::evidence`] would be against "the mean of these values is at most `mean`", from their
/// sums alone. No value is below the mean in question by more than `worst`.
///
/// Source: Fan, Grama and Liu, "Exponential inequalities for martingales with applications", 2015, whose
/// λξ − ψ(λ)ξ² ≤ ln(1 + λξ) for ξ ≥ −1 with ψ(λ) = −ln(1−λ) − λ turns the product of bets into sums.
#[must_use]
pub fn evidence_above(mean: f64, sums: &Sums, worst: f64) -> f64 {
    let apart = sums.sum - sums.count * mean;
    let square = sums.squares - 2.0 * mean * sums.sum + sums.count * mean * mean;
    let logs = STAKES.map(|stake| {
        let spread = -(-stake).ln_1p() - stake;
        stake * apart / worst - spread * square.max(0.0) / (worst * worst)
    });
    mean_log(&logs)
}

/// What [`evidence_above`] needs to know of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    pub count: f64,
    pub sum: f64,
    pub squares: f64,
}

impl Sums {
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    pub fn mirrored(self) -> Self {
        Self { sum: -self.sum, ..self }
    }
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    #[test]
    fn wealth_is_the_mean_over_gamblers_of_what_their_bets_multiply_to() {
        let mut wager = EProcess::default();
        let bets = [(1.0, 1.0), (-0.5, 2.0), (3.0, 1.5), (-2.0, 2.0)];
        for (payoff, worst) in bets {
            wager.bet(payoff, worst);
        }
        let wealth =
            |stake: f64| bets.iter().map(|(payoff, worst)| 1.0 + stake * payoff / worst).product::<f64>();
        let mean = STAKES.map(wealth).iter().sum::<f64>() / 7.0;
        assert!((wager.evidence() - mean.ln()).abs() < 1e-12);
        assert!(EProcess::default().evidence().abs() < 1e-15);
    }

    #[test]
    fn evidence_stays_finite_however_long_and_whatever_the_bets() {
        let mut wager = EProcess::default();
        for _ in 0..20_000 {
            wager.bet(-1.0, 1.0);
        }
        assert!(wager.evidence() < -100.0 && wager.evidence().is_finite());
        for _ in 0..60_000 {
            wager.bet(1.0, 1.0);
        }
        assert!(wager.evidence() > 1000.0 && wager.evidence().is_finite());
        wager.bet(-5.0, 1.0);
        wager.bet(1.0, 0.0);
        wager.bet(f64::NAN, 1.0);
        assert!(wager.evidence().is_finite());
    }

    #[test]
    fn the_bound_from_sums_is_never_above_the_bets_themselves() {
        for run in 0..200 {
            let seed = Seed(run).of(3);
            let mean = seed.of(-1).fraction() - 0.5;
            let (mut wager, mut sums, worst) = (EProcess::default(), Sums::default(), 1.0 + mean);
            for i in 0..100 {
                let value = 2.0 * seed.of(i).fraction() - 1.0;
                wager.bet(value - mean, worst);
                sums.add(value);
            }
            let bound = evidence_above(mean, &sums, worst);
            assert!(bound <= wager.evidence() + 1e-12, "{bound} > {}", wager.evidence());
        }
    }
}
