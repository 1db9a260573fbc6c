//! Compares attempts with comparable ones: the exact conditional test over strata. It assumes no rate, so it accounts
//! for the uncertainty of the expectation.

use statrs::function::erf::erfc;
use statrs::function::factorial::ln_binomial;

use super::number::real;
use super::proportion::Proportion;

/// One stratum of comparable attempts: those in question, and the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stratum {
    pub own: Proportion,
    pub rest: Proportion,
}

impl Stratum {
    fn all(self) -> Proportion {
        self.own.plus(self.rest)
    }

    /// Mean and variance of the number of its own successes, given all successes of the stratum.
    pub(super) fn moments(self) -> (f64, f64) {
        let (all, own) = (self.all(), self.own.of);
        if all.of < 2 {
            return (real(self.own.good), 0.0);
        }
        let (n, k, m) = (real(all.of), real(all.good), real(own));
        (m * k / n, m * (k / n) * (1.0 - k / n) * (n - m) / (n - 1.0))
    }
}

/// Tail probabilities of the number of successes, if the attempts in question are like the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tails {
    /// P(X ≤ x).
    pub few: f64,
    /// P(X ≥ x).
    pub many: f64,
}

impl Tails {
    #[must_use]
    pub fn two_sided(self) -> f64 {
        (2.0 * self.few.min(self.many)).min(1.0)
    }
}

/// Above this number of attempts in question the normal approximation is used, which is then within 1e-3 of the exact
/// tails.
const EXACT: usize = 400;

/// The exact conditional test of a common odds ratio of one: given the successes of each stratum, those in question
/// are a sum of independent hypergeometric counts. With one stratum this is Fisher's test. Source: Cox, "A Simple
/// Example of a Comparison Involving Quantal Data", 1966; Cox and Snell, "Analysis of Binary Data", 1989, section 2.
#[must_use]
pub(super) fn tails(strata: &[Stratum]) -> Tails {
    let telling: Vec<Stratum> =
        strata.iter().filter(|stratum| stratum.own.of > 0 && stratum.rest.of > 0).copied().collect();
    let observed: usize = telling.iter().map(|stratum| stratum.own.good).sum();
    if telling.iter().map(|stratum| stratum.own.of).sum::<usize>() > EXACT {
        return by_normal_limit(&telling, observed);
    }
    let (mut floor, mut weights) = (0, vec![1.0]);
    for stratum in telling {
        let (least, chances) = hypergeometric(stratum);
        floor += least;
        weights = convolved(&weights, &chances);
    }
    let place = observed.saturating_sub(floor);
    let few: f64 = weights.iter().take(place + 1).sum();
    let many: f64 = weights.iter().skip(place).sum();
    Tails { few: few.min(1.0), many: many.min(1.0) }
}

/// With a continuity correction of one half.
fn by_normal_limit(strata: &[Stratum], observed: usize) -> Tails {
    let (mean, variance) = strata
        .iter()
        .map(|stratum| stratum.moments())
        .fold((0.0, 0.0), |(mean, variance), (m, v)| (mean + m, variance + v));
    if variance <= 0.0 {
        return Tails { few: 1.0, many: 1.0 };
    }
    let upper = |z: f64| 0.5 * erfc(z / std::f64::consts::SQRT_2);
    let distance = (real(observed) - mean) / variance.sqrt();
    let half = 0.5 / variance.sqrt();
    Tails { few: upper(-distance - half), many: upper(distance - half) }
}

/// The least possible count, and the probabilities of the counts from there on.
fn hypergeometric(stratum: Stratum) -> (usize, Vec<f64>) {
    let (all, own) = (stratum.all(), stratum.own.of);
    let (least, most) = (own.saturating_sub(all.bad()), own.min(all.good));
    let chance = |count: usize| {
        let choose = |n: usize, k: usize| ln_binomial(whole(n), whole(k));
        (choose(all.good, count) + choose(all.bad(), own - count) - choose(all.of, own)).exp()
    };
    (least, (least..=most).map(chance).collect())
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn convolved(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            sum[i + j] += x * y;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(own: (usize, usize), rest: (usize, usize)) -> Stratum {
        Stratum { own: Proportion { good: own.0, of: own.1 }, rest: Proportion { good: rest.0, of: rest.1 } }
    }

    /// Fisher's tea: three of four cups right, one of the other four. P(X ≥ 3) = 17/70.
    #[test]
    fn one_layer_is_fishers_test() {
        let tails = tails(&[stratum((3, 4), (1, 4))]);
        assert!((tails.many - 17.0 / 70.0).abs() < 1e-12, "{tails:?}");
        assert!((tails.few - 69.0 / 70.0).abs() < 1e-12, "{tails:?}");
    }

    /// Every way to hand out the successes of two small layers, counted.
    #[test]
    fn two_layers_agree_with_counting_every_arrangement() {
        let layers = [stratum((2, 3), (1, 4)), stratum((2, 2), (2, 3))];
        let arrangements = |n: u32, k: u32, own: u32| {
            (0_u32..1 << n)
                .filter(move |set| set.count_ones() == k)
                .map(move |set| (set & ((1 << own) - 1)).count_ones())
        };
        let (mut many, mut all) = (0.0, 0.0);
        for a in arrangements(7, 3, 3) {
            for b in arrangements(5, 4, 2) {
                all += 1.0;
                many += f64::from(u32::from(a + b >= 4));
            }
        }
        assert!((tails(&layers).many - many / all).abs() < 1e-12);
    }

    #[test]
    fn layers_without_anything_to_compare_with_say_nothing() {
        assert!((tails(&[stratum((9, 9), (0, 0))]).two_sided() - 1.0).abs() < 1e-12);
        assert!((tails(&[]).two_sided() - 1.0).abs() < 1e-12);
        assert!((tails(&[stratum((500, 500), (10, 10))]).two_sided() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_normal_limit_joins_the_exact_tails() {
        let layers: Vec<Stratum> = (0..8).map(|_| stratum((36, 50), (160, 250))).collect();
        let exact = tails(&layers);
        let limit = by_normal_limit(&layers, 36 * 8);
        assert!((exact.many - limit.many).abs() < 1e-3 && (exact.few - limit.few).abs() < 1e-3);
    }
}
