//! Bayesian logistic regression, one outcome at a time: each weight has a normal distribution of its own, and what is
//! learned of it fades towards its prior.
//!
//! The update is Chapelle and Li's ("An Empirical Evaluation of Thompson Sampling", 2011, algorithm 3), its mode found
//! exactly for one outcome; weights are found by the hash of their name, as in Weinberger et al., "Feature Hashing for
//! Large Scale Multitask Learning", 2009. Forgetting is Kulhavý and Zarrop's ("On a General Concept of Forgetting",
//! 1993): a posterior's power times a prior's power.

/// Weights that are kept; beyond it those with the least evidence are forgotten.
pub const MOST: usize = 2400;

/// No weight is further from 0.
const FURTHEST: f64 = 1e3;

/// What a weight is before anything is known, and what share of what is known of it is left when it takes part in another
/// outcome.
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

/// What is known of a weight, as it is kept.
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

    /// Lets what is known of these weights fade.
    pub fn fade(&mut self, terms: &[Term]) {
        for term in terms {
            let Prior { mean: assumed, variance: unknown, keep } = term.prior;
            let (mean, variance) = self.weight(term.key, term.prior);
            let (kept, added) = (keep / variance, (1.0 - keep) / unknown);
            self.put(term, (kept * mean + added * assumed) / (kept + added), 1.0 / (kept + added));
        }
    }

    /// Learns from an outcome, 1.0 for success or 0.0, that counts as so many.
    pub fn learn(&mut self, terms: &[Term], outcome: f64, count: f64) {
        let sum = self.sum(terms);
        let step = mode(sum.mean, sum.variance, outcome, count);
        let chance = logistic(sum.mean + sum.variance * step);
        let information = count * chance * (1.0 - chance);
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
/// `α = count · (outcome − σ(mean + variance · α))`, by Newton's method inside a bracket that always holds it.
fn mode(mean: f64, variance: f64, outcome: f64, count: f64) -> f64 {
    let (mut low, mut high) = (count * (outcome - 1.0), count * outcome);
    let mut step = 0.0;
    for _ in 0..30 {
        let chance = logistic(mean + variance * step);
        let error = step - count * (outcome - chance);
        if error.abs() < 1e-12 {
            break;
        }
        if error > 0.0 {
            high = step;
        } else {
            low = step;
        }
        let newton = step - error / (1.0 + count * variance * chance * (1.0 - chance));
        step = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
    }
    step
}

/// The chance that goes with log-odds.
pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The mean of the logistic function of a normal variable, approximately (MacKay, "The Evidence Framework Applied to
/// Classification Networks", 1992).
pub fn expected(mean: f64, variance: f64) -> f64 {
    logistic(mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt())
}
