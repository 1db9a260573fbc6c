//! Bayesian logistic regression, one outcome at a time: each weight has a normal distribution of its own, and what is
//! learned of it fades towards its prior.
//!
//! The update is Chapelle and Li's ("An Empirical Evaluation of Thompson Sampling", 2011, algorithm 3), its mode found
//! exactly for one outcome; weights are found by the hash of their name, as in Weinberger et al., "Feature Hashing for
//! Large Scale Multitask Learning", 2009. Forgetting is Kulhavý and Zarrop's ("On a General Concept of Forgetting",
//! 1993): a posterior's power times a prior's power.

/// The most weights that are kept; those with the least evidence are dropped.
pub const MOST: usize = 2400;

/// The largest absolute value of a weight.
const FURTHEST: f64 = 1e3;

/// The prior of a weight, and the share of its evidence that is kept when it takes part in another result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    pub mean: f64,
    pub variance: f64,
    pub keep: f64,
}

/// A weight that takes part in a prediction: its name's hash, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub key: u32,
    pub value: f64,
    pub prior: Prior,
}

/// The stored distribution of a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    pub key: u32,
    pub mean: f32,
    /// As a share of the prior's, 0.0 to 1.0.
    pub variance: f32,
}

/// A sum of weights: normally distributed log-odds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    pub mean: f64,
    pub variance: f64,
    /// What the variance would be if nothing were known.
    pub unknown: f64,
}

/// All weights, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    weights: Vec<Weight>,
}

impl Model {
    /// Of weights in the order of their keys; none if they are not in order, or no weights.
    pub fn of(weights: Vec<Weight>) -> Option<Self> {
        let sound = |weight: &Weight| {
            f64::from(weight.mean.abs()) <= FURTHEST && weight.variance > 0.0 && weight.variance <= 1.0
        };
        let sorted = weights.windows(2).all(|pair| pair[0].key < pair[1].key);
        (sorted && weights.len() <= MOST && weights.iter().all(sound)).then_some(Self { weights })
    }

    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    /// Mean and variance of a weight.
    fn weight(&self, key: u32, prior: Prior) -> (f64, f64) {
        match self.weights.binary_search_by_key(&key, |weight| weight.key) {
            Ok(at) => {
                let weight = self.weights[at];
                (f64::from(weight.mean), f64::from(weight.variance) * prior.variance)
            }
            Err(_) => (prior.mean, prior.variance),
        }
    }

    pub fn sum(&self, terms: &[Term]) -> Sum {
        let mut sum = Sum::default();
        for term in terms {
            let (mean, variance) = self.weight(term.key, term.prior);
            sum.mean += term.value * mean;
            sum.variance += term.value * term.value * variance;
            sum.unknown += term.value * term.value * term.prior.variance;
        }
        sum
    }

    /// Lets the evidence for these weights fade.
    pub fn fade(&mut self, terms: &[Term]) {
        for term in terms {
            let Prior { mean: assumed, variance: unknown, keep } = term.prior;
            let (mean, variance) = self.weight(term.key, term.prior);
            let (kept, added) = (keep / variance, (1.0 - keep) / unknown);
            self.put(term, (kept * mean + added * assumed) / (kept + added), 1.0 / (kept + added));
        }
    }

    /// Learns from a number of trials under the same terms and the number of their successes.
    pub fn learn(&mut self, terms: &[Term], successes: f64, trials: f64) {
        let sum = self.sum(terms);
        let step = mode(sum.mean, sum.variance, successes, trials);
        let chance = logistic(sum.mean + sum.variance * step);
        let information = trials * chance * (1.0 - chance);
        for term in terms {
            let (mean, variance) = self.weight(term.key, term.prior);
            let learned = 1.0 + variance * term.value * term.value * information;
            self.put(term, mean + variance * term.value * step, variance / learned);
        }
    }

    fn put(&mut self, term: &Term, mean: f64, variance: f64) {
        let share = (variance / term.prior.variance).clamp(1e-6, 1.0);
        let weight =
            Weight { key: term.key, mean: mean.clamp(-FURTHEST, FURTHEST) as f32, variance: share as f32 };
        match self.weights.binary_search_by_key(&term.key, |weight| weight.key) {
            Ok(at) => self.weights[at] = weight,
            Err(at) => self.weights.insert(at, weight),
        }
    }

    /// Forgets the weights with the least evidence until there are no more than are kept.
    pub fn prune(&mut self) {
        if self.weights.len() <= MOST {
            return;
        }
        let mut by_evidence = self.weights.clone();
        let less = |a: &Weight, b: &Weight| a.variance.total_cmp(&b.variance).then(a.key.cmp(&b.key));
        by_evidence.sort_unstable_by(less);
        by_evidence.truncate(MOST);
        by_evidence.sort_unstable_by_key(|weight| weight.key);
        self.weights = by_evidence;
    }
}

/// The step α that the posterior's mode lies away from the prior's mean, in units of the variance: the root of
/// `α = successes − trials · σ(mean + variance · α)`, by Newton's method inside a bracket that always holds it.
fn mode(mean: f64, variance: f64, successes: f64, trials: f64) -> f64 {
    let (mut low, mut high) = (successes - trials, successes);
    let mut step = 0.0;
    for _ in 0..30 {
        let chance = logistic(mean + variance * step);
        let error = step - successes + trials * chance;
        if error.abs() < 1e-12 {
            break;
        }
        if error > 0.0 {
            high = step;
        } else {
            low = step;
        }
        let newton = step - error / (1.0 + trials * variance * chance * (1.0 - chance));
        step = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
    }
    step
}

/// The probability for log-odds.
pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The mean of the logistic function of a normal variable, approximately (MacKay, "The Evidence Framework Applied to
/// Classification Networks", 1992).
pub fn expected(mean: f64, variance: f64) -> f64 {
    logistic(mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt())
}

#[cfg(test)]
mod tests {
    use baton_sdk::SplitMix64;

    use super::*;

    fn term(key: u32, value: f64) -> Term {
        Term { key, value, prior: Prior { mean: 0.3, variance: 0.5, keep: 0.99 } }
    }

    /// Mean and variance of one weight after outcomes, on a grid.
    fn integrated(value: f64, outcomes: &[f64]) -> (f64, f64) {
        let prior = term(0, 0.0).prior;
        let mut sums = (0.0, 0.0, 0.0);
        for step in 0..=4000 {
            let weight = -5.0 + 0.0025 * f64::from(step);
            let mut density = (-(weight - prior.mean).powi(2) / (2.0 * prior.variance)).exp();
            for outcome in outcomes {
                let chance = logistic(weight * value);
                density *= if *outcome > 0.5 { chance } else { 1.0 - chance };
            }
            sums = (sums.0 + density, sums.1 + density * weight, sums.2 + density * weight * weight);
        }
        let mean = sums.1 / sums.0;
        (mean, sums.2 / sums.0 - mean * mean)
    }

    #[test]
    fn one_weight_is_learned_as_by_integration() {
        let mut random = SplitMix64::new(4);
        for value in [1.0, -0.7] {
            let mut model = Model::default();
            let mut outcomes = Vec::new();
            for _ in 0..60 {
                let outcome = f64::from(u8::from(random.chance(0.7)));
                outcomes.push(outcome);
                model.learn(&[term(9, value)], outcome, 1.0);
                let (mean, variance) = model.weight(9, term(9, value).prior);
                let exact = integrated(value, &outcomes);
                assert!((mean - exact.0).abs() < 0.04, "{mean} {exact:?}");
                assert!((variance / exact.1 - 1.0).abs() < 0.1, "{variance} {exact:?}");
            }
        }
    }

    #[test]
    fn the_step_solves_its_equation() {
        for mean in [-30.0, -2.0, 0.0, 1.0, 40.0] {
            for variance in [1e-6, 0.3, 5.0, 400.0] {
                for (successes, trials) in [(1.0, 1.0), (0.0, 1.0), (20.0, 25.0), (0.0, 0.1)] {
                    let step = mode(mean, variance, successes, trials);
                    let error = step - successes + trials * logistic(mean + variance * step);
                    assert!(error.abs() < 1e-7, "{mean} {variance} {successes} {trials}: {step} {error}");
                }
            }
        }
    }

    #[test]
    fn blame_is_shared_by_uncertainty() {
        let mut model = Model::default();
        (0..50).for_each(|_| model.learn(&[term(1, 1.0)], 1.0, 1.0));
        let before = model.sum(&[term(1, 1.0)]).mean;
        model.learn(&[term(1, 1.0), term(2, 1.0)], 0.0, 1.0);
        let lost = before - model.sum(&[term(1, 1.0)]).mean;
        let other = 0.3 - model.sum(&[term(2, 1.0)]).mean;
        assert!(lost > 0.0 && other > 3.0 * lost, "{lost} {other}");
    }

    #[test]
    fn what_is_known_fades_towards_what_was_assumed() {
        let mut model = Model::default();
        (0..50).for_each(|_| model.learn(&[term(1, 1.0)], 0.0, 1.0));
        let known = model.sum(&[term(1, 1.0)]);
        (0..2000).for_each(|_| model.fade(&[term(1, 1.0)]));
        let faded = model.sum(&[term(1, 1.0)]);
        assert!(known.mean < -1.0 && (faded.mean - 0.3).abs() < 1e-3, "{known:?} {faded:?}");
        assert!(known.variance < 0.2 && (faded.variance - 0.5).abs() < 1e-3);
    }

    #[test]
    fn the_least_known_weights_are_forgotten() {
        let mut model = Model::default();
        for key in 0..3000 {
            let times = if key % 2 == 0 { 2 } else { 1 };
            (0..times).for_each(|_| model.learn(&[term(key, 1.0)], 1.0, 1.0));
        }
        model.prune();
        assert_eq!(model.weights().len(), MOST);
        assert!(model.weights().iter().filter(|weight| weight.key % 2 == 0).count() == 1500);
        assert_eq!(Model::of(model.weights().to_vec()), Some(model));
    }

    #[test]
    fn what_is_no_model_is_not_read() {
        let weight = |key, mean, variance| Weight { key, mean, variance };
        assert!(Model::of(vec![weight(1, 0.0, 0.5), weight(2, -3.0, 1.0)]).is_some());
        for wrong in [
            vec![weight(2, 0.0, 0.5), weight(1, 0.0, 0.5)],
            vec![weight(1, 0.0, 0.5), weight(1, 0.0, 0.5)],
            vec![weight(1, f32::NAN, 0.5)],
            vec![weight(1, 1e9, 0.5)],
            vec![weight(1, 0.0, 0.0)],
            vec![weight(1, 0.0, f32::NAN)],
            vec![weight(1, 0.0, 1.5)],
        ] {
            assert_eq!(Model::of(wrong), None);
        }
    }

    #[test]
    fn an_expected_chance_is_the_mean_over_what_is_unsure() {
        for (mean, variance) in [(0.0, 1.0), (1.5, 0.5), (-2.0, 2.0)] {
            let mut sums = (0.0, 0.0);
            for step in 0..=1000 {
                let z = -5.0 + 0.01 * f64::from(step);
                let density = (-z * z / 2.0).exp();
                sums = (sums.0 + density, sums.1 + density * logistic(mean + f64::sqrt(variance) * z));
            }
            assert!((expected(mean, variance) - sums.1 / sums.0).abs() < 0.01);
        }
    }
}
