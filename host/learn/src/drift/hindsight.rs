//! What became of alarms: where the changes were, and how sure they are, with all that is known by now.

use statrs::function::factorial::ln_binomial;

use super::Series;
use super::detector::{Detector, ln_marginal};
use crate::number::real;
use crate::proportion::Proportion;

/// A change in hindsight, as positions in the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// Where the change before it was, or the series began.
    pub(super) start: usize,
    /// Of the first attempt after the change.
    pub(super) split: usize,
    pub(super) end: usize,
    /// The event of the alarm.
    pub(super) noticed: i64,
    pub(super) ln_evidence: f64,
}

/// An alarm among several is dropped if the change is not so many times likelier than none: e^5 is 150.
const WEAK: f64 = 5.0;
/// Changes are located between their neighbours so many times at most; twice usually settles it.
const ROUNDS: usize = 5;
/// So many places of a change are weighed at most.
const PLACES: usize = 200;

/// An alarm, and the position at which the rate seemed to have changed then.
#[derive(Clone, Copy, PartialEq)]
struct Noticed {
    at: i64,
    place: usize,
}

/// Each alarm that is borne out between its neighbours, located again. The weakest is dropped first, so that a short run
/// of bad luck does not cut a long stretch in two.
pub(super) fn changes(series: &Series) -> Vec<Change> {
    let mut alarms = alarms(series);
    loop {
        let changes = settled(series, &mut alarms);
        let weakest = (0..changes.len()).min_by(|a, b| {
            changes[*a].ln_evidence.total_cmp(&changes[*b].ln_evidence).then_with(|| a.cmp(b))
        });
        match weakest {
            Some(place) if changes.len() > 1 && changes[place].ln_evidence < WEAK => {
                alarms.remove(place);
            }
            Some(_) | None => return changes,
        }
    }
}

/// The changes that the alarms are about, once moving one does not move another.
fn settled(series: &Series, alarms: &mut Vec<Noticed>) -> Vec<Change> {
    let mut changes = between(series, alarms);
    for _ in 0..ROUNDS {
        let moved: Vec<Noticed> =
            changes.iter().map(|change| Noticed { at: change.noticed, place: change.split }).collect();
        if moved == *alarms {
            break;
        }
        *alarms = moved;
        changes = between(series, alarms);
    }
    changes
}

fn alarms(series: &Series) -> Vec<Noticed> {
    let mut detector = Detector::default();
    let told = series.iter().filter_map(|(seq, good)| Some((*seq, detector.add(*good, *seq)?)));
    told.map(|(at, alarm)| Noticed { at, place: series.partition_point(|(seq, _)| *seq < alarm.from) })
        .collect()
}

fn between(series: &Series, alarms: &[Noticed]) -> Vec<Change> {
    let ends = alarms.iter().skip(1).map(|next| next.place).chain([series.len()]);
    let starts = [0].into_iter().chain(alarms.iter().map(|alarm| alarm.place));
    let change = |(alarm, (start, end)): (&Noticed, (usize, usize))| {
        let (split, ln_evidence) = split(series.get(start..end)?)?;
        Some(Change { start, split: start + split, end, noticed: alarm.at, ln_evidence })
    };
    alarms.iter().zip(starts.zip(ends)).filter_map(change).collect()
}

/// The likeliest place of one change, and the logarithm of the e-value against none.
fn split(series: &[(i64, bool)]) -> Option<(usize, f64)> {
    let mut all = Proportion::default();
    series.iter().for_each(|(_, good)| all.add(*good));
    let mut before = Proportion::default();
    let mut scores = Vec::with_capacity(series.len());
    for (_, good) in series.iter().take(series.len().saturating_sub(1)) {
        before.add(*good);
        scores.push(ln_marginal(before) + ln_marginal(all.minus(before)));
    }
    let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then_with(|| b.cmp(a)))?;
    Some((best + 1, ln_e_value(&scores, all)))
}

/// How many times likelier the order of these attempts is, given how many of them came out well, with a change at one of
/// the places than without. Without a change every order is as likely as any other, whatever the rate, so that this is
/// one on average: an e-value. Source: Vovk and Wang, "E-values: Calibration, Combination and Applications", 2021.
fn ln_e_value(scores: &[f64], all: Proportion) -> f64 {
    let step = scores.len().div_ceil(PLACES).max(1);
    let places: Vec<usize> = (0..scores.len()).step_by(step).collect();
    let central = central(all.of);
    let likelihoods: Vec<f64> = places.iter().map(|place| scores[*place]).collect();
    let totals: Vec<f64> = places.iter().map(|place| total(place + 1, all, &central).ln()).collect();
    let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    ln_sum(&likelihoods) - ln_sum(&totals) + ln_binomial(whole(all.of), whole(all.good))
}

/// The chance of so many successes in all when the rate changes after so many attempts: two independent Beta-binomial
/// counts, which under Jeffreys' prior are products of central terms.
fn total(before: usize, all: Proportion, central: &[f64]) -> f64 {
    let after = all.of - before;
    let first = all.good.saturating_sub(after)..=before.min(all.good);
    first
        .map(|good| {
            let rest = all.good - good;
            central[good] * central[before - good] * central[rest] * central[after - rest]
        })
        .sum()
}

/// C(2k, k) / 4^k for each k up to this.
fn central(most: usize) -> Vec<f64> {
    let mut terms = vec![1.0];
    for k in 1..=most {
        let last = terms.last().copied().unwrap_or(1.0);
        terms.push(last * (2.0 * real(k) - 1.0) / (2.0 * real(k)));
    }
    terms
}

fn ln_sum(logs: &[f64]) -> f64 {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_finite() { top + logs.iter().map(|log| (log - top).exp()).sum::<f64>().ln() } else { top }
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    fn series(bits: impl IntoIterator<Item = bool>) -> Series {
        bits.into_iter().zip(1..).map(|(good, seq)| (seq, good)).collect()
    }

    /// Every order of 5 successes in 12 attempts, tried.
    #[test]
    fn the_e_value_is_one_on_average() {
        let orders: Vec<Series> = (0_u32..1 << 12)
            .filter(|set| set.count_ones() == 5)
            .map(|set| series((0..12).map(|place| set >> place & 1 == 1)))
            .collect();
        let sum: f64 = orders.iter().filter_map(|order| split(order)).map(|(_, ln)| ln.exp()).sum();
        assert!((sum / real(orders.len()) - 1.0).abs() < 1e-9, "{sum} over {}", orders.len());
    }

    #[test]
    fn a_clean_step_is_located_exactly() {
        let (place, ln) = split(&series((0..60).map(|n| n < 40))).unwrap();
        assert_eq!(place, 40);
        assert!(ln > 25.0, "{ln}");
        assert_eq!(split(&series([true])), None);
        assert_eq!(split(&series([])), None);
    }

    #[test]
    fn a_run_of_bad_luck_does_not_hide_a_lasting_change() {
        let draw = |n: i64| Seed(3).of(n).fraction();
        let rate = |n: i64| match n {
            0..60 => 0.93,
            60..63 => 0.0,
            63..120 => 0.93,
            _ => 0.4,
        };
        let series = series((0..240).map(|n| draw(n) < rate(n)));
        let found = changes(&series);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((115..=125).contains(&found[0].split) && found[0].ln_evidence > 15.0, "{found:?}");
    }

    #[test]
    fn changes_there_and_back_are_two() {
        let draw = |n: i64| Seed(5).of(n).fraction();
        let rate = |n: i64| if (100..200).contains(&n) { 0.3 } else { 0.85 };
        let found = changes(&series((0..300).map(|n| draw(n) < rate(n))));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].end == found[1].split && found[1].start == found[0].split);
    }
}
