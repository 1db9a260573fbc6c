//! What is planted in made-up histories, and what is found in them.

use baton_core::seed::Seed;
use baton_learn::insights;

use super::{Bench, FIRST, Finding, Gate};
use crate::planted::{Score, null, planted, scored};

const PRECISION: f64 = 0.9;
/// Findings in a history without anything to be found, in the mean.
const FALSE: f64 = 1.0;

pub(super) fn measure(bench: &Bench<'_>) -> Finding {
    let mut finding = Finding::new(Gate::G9);
    let mut sums: Vec<Score> = Vec::new();
    let mut told = 0;
    for seed in (FIRST..FIRST + bench.scale.histories).map(Seed) {
        let history = planted(seed);
        let scores = scored(&insights(&history.episodes, &history.declared, seed), &history.truth);
        sums = if sums.is_empty() {
            scores
        } else {
            sums.into_iter().zip(scores).map(|(sum, score)| sum.plus(score)).collect()
        };
        let empty = null(seed);
        let found = scored(&insights(&empty.episodes, &empty.declared, seed), &empty.truth);
        for score in found.iter().filter(|score| score.told > 0) {
            told += score.told;
            finding.losing.push(format!("null {}: {} {:?} told", seed.0, score.told, score.analysis));
        }
    }
    for sum in &sums {
        finding.demand(
            sum.precision() >= PRECISION && sum.found > 0,
            format!("{:?}", sum.analysis),
            format!(
                "precision {:.3} ({} of {}), recall {:.3} ({} of {})",
                sum.precision(),
                sum.right,
                sum.told,
                sum.recall(),
                sum.found,
                sum.planted
            ),
        );
    }
    let told = u32::try_from(told).unwrap_or(u32::MAX);
    let mean = f64::from(told) / super::real(bench.scale.histories);
    finding.demand(mean <= FALSE, "told of a history without anything, in the mean", format!("{mean:.2}"));
    finding
}
