//! Online detection of changes in a rate. Neither the rate before nor the one after needs to be known, and memory
//! grows with the logarithm of the attempts.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::number::real;
use crate::proportion::Proportion;

/// The state of one agent and skill.
///
/// For each possible change point it compares the marginal likelihood of two rates with that of one (Jeffreys'
/// priors), and raises an alarm when the best point is e^6.2, about 500, times likelier. The score of a place is a
/// convex function of (attempts, successes) up to it, so that the best is always a corner of the convex hull of the
/// walk, and only corners are kept. Sources: the hull, Romano, Eckley, Fearnhead and Rigaill, "Fast Online
/// Changepoint Detection via Functional Pruning CUSUM Statistics", 2023, and Ward, Romano, Eckley and Fearnhead, "A
/// Constant-per-Iteration Likelihood Ratio Test for Online Changepoint Detection for Exponential Family Models",
/// 2024; the mixture, Lai and Xing, "Sequential Change-Point Detection when the Pre- and Post-Change Parameters are
/// Unknown", 2010.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    seen: Proportion,
    /// Corners of the hull of the walk so far, above and below it.
    upper: Vec<Corner>,
    lower: Vec<Corner>,
}

/// A place at which the rate may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Corner {
    /// Up to it.
    before: Proportion,
    ln_before: f64,
    /// The first event after it.
    from: i64,
}

/// A detected change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The first event after the likeliest place of the change.
    pub from: i64,
    /// Attempts before the change.
    pub before: Proportion,
    /// Attempts since the change.
    pub after: Proportion,
    /// Natural logarithm of how much likelier the change is than none.
    pub ln_factor: f64,
}

/// Chosen by simulation: at most one false alarm in 1,300 attempts at any rate, and a fall from 0.8 to 0.35 after 100
/// attempts is noticed by the 14th attempt in half of all cases, and by the 34th in nine of ten.
const BAR: f64 = 6.2;

impl Detector {
    /// Adds the next attempt. After an alarm the detector restarts from the change.
    pub fn add(&mut self, good: bool, seq: i64) -> Option<Alarm> {
        let corner = Corner { before: self.seen, ln_before: ln_marginal(self.seen), from: seq };
        push(&mut self.upper, corner, |turn| turn >= 0);
        push(&mut self.lower, corner, |turn| turn <= 0);
        self.seen.add(good);
        let alarm = self.best().filter(|alarm| alarm.ln_factor >= BAR)?;
        self.seen = alarm.after;
        let start = Corner { before: Proportion::default(), ln_before: 0.0, from: alarm.from };
        self.upper = vec![start];
        self.lower = vec![start];
        Some(alarm)
    }

    fn best(&self) -> Option<Alarm> {
        let whole = ln_marginal(self.seen);
        let places = self.upper.iter().chain(&self.lower).filter(|corner| corner.before.of > 0);
        places
            .map(|corner| {
                let after = self.seen.minus(corner.before);
                let ln_factor = corner.ln_before + ln_marginal(after) - whole;
                Alarm { from: corner.from, before: corner.before, after, ln_factor }
            })
            .max_by(|a, b| a.ln_factor.total_cmp(&b.ln_factor).then_with(|| b.before.of.cmp(&a.before.of)))
    }
}

/// Adds a point at the end of a hull and removes corners that no longer are. Source: Andrew, "Another Efficient
/// Algorithm for Convex Hulls in Two Dimensions", 1979.
fn push(hull: &mut Vec<Corner>, corner: Corner, inside: impl Fn(i128) -> bool) {
    while let [.., first, second] = hull.as_slice() {
        if !inside(turn(first.before, second.before, corner.before)) {
            break;
        }
        hull.pop();
    }
    hull.push(corner);
}

/// Positive when the walk turns to the left at `b`.
fn turn(a: Proportion, b: Proportion, c: Proportion) -> i128 {
    let x = |p: Proportion| i128::try_from(p.of).unwrap_or(i128::MAX);
    let y = |p: Proportion| i128::try_from(p.good).unwrap_or(i128::MAX);
    (x(b) - x(a)) * (y(c) - y(a)) - (y(b) - y(a)) * (x(c) - x(a))
}

/// Logarithm of the marginal likelihood of a sequence under Jeffreys' prior.
pub(super) fn ln_marginal(seen: Proportion) -> f64 {
    if seen.of == 0 {
        return 0.0;
    }
    let (good, bad) = (real(seen.good), real(seen.bad()));
    ln_gamma(good + 0.5) + ln_gamma(bad + 0.5) - ln_gamma(good + bad + 1.0) - std::f64::consts::PI.ln()
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    fn draws(seed: u64, rate: impl Fn(i64) -> f64) -> impl Iterator<Item = (bool, i64)> {
        (0..).map(move |n| (Seed(seed).of(n).fraction() < rate(n), n))
    }

    /// Every place tried, without a hull.
    fn by_brute_force(walk: &[(bool, i64)]) -> f64 {
        let tally = |part: &[(bool, i64)]| {
            let mut seen = Proportion::default();
            part.iter().for_each(|(good, _)| seen.add(*good));
            seen
        };
        (1..walk.len())
            .map(|place| {
                let (before, after) = walk.split_at(place);
                ln_marginal(tally(before)) + ln_marginal(tally(after)) - ln_marginal(tally(walk))
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn the_corners_hold_the_best_place() {
        for seed in 0..40 {
            let walk: Vec<(bool, i64)> = draws(seed, |n| if n < 40 { 0.7 } else { 0.5 }).take(90).collect();
            let mut detector = Detector::default();
            for (place, (good, seq)) in walk.iter().enumerate() {
                if detector.add(*good, *seq).is_some() {
                    break;
                }
                let Some(best) = detector.best() else { continue };
                assert!(
                    (best.ln_factor - by_brute_force(&walk[..=place])).abs() < 1e-9,
                    "seed {seed} at {place}"
                );
            }
        }
    }

    #[test]
    fn a_false_alarm_is_rarer_than_one_in_a_thousand() {
        for rate in [0.02, 0.1, 0.35, 0.5, 0.8, 0.95] {
            let alarms: usize = (0..300)
                .map(|seed| {
                    let mut detector = Detector::default();
                    draws(seed, |_| rate)
                        .take(500)
                        .filter(|(good, n)| detector.add(*good, *n).is_some())
                        .count()
                })
                .sum();
            assert!(alarms < 150, "{alarms} false alarms in 150,000 attempts at {rate}");
        }
    }

    /// After how many attempts a fall from 0.8 to 0.35 is noticed that comes after `warm` attempts, sorted.
    fn delays(warm: i64) -> Vec<i64> {
        let delay = |seed| {
            let mut detector = Detector::default();
            let mut steps = draws(seed, |n| if n < warm { 0.8 } else { 0.35 });
            let found = steps.find(|(good, n)| detector.add(*good, *n).is_some() && *n >= warm);
            found.map_or(i64::MAX, |(_, n)| n - warm + 1)
        };
        let mut delays: Vec<i64> = (0..1000).map(delay).collect();
        delays.sort_unstable();
        delays
    }

    #[test]
    fn a_step_from_080_to_035_is_noticed_within_30_attempts() {
        for (warm, median, within) in [(60, 16, 80), (100, 14, 86), (200, 13, 90)] {
            let delays = delays(warm);
            let in_time = delays.iter().filter(|delay| **delay <= 30).count();
            assert!(delays[500] <= median, "median {} after {warm}", delays[500]);
            assert!(in_time >= within * 10, "{in_time} of 1000 in time after {warm}");
        }
    }

    #[test]
    fn what_is_kept_grows_slowly() {
        let mut detector = Detector::default();
        for (good, seq) in draws(1, |_| 0.6).take(50_000) {
            detector.add(good, seq);
        }
        assert!(detector.upper.len() + detector.lower.len() < 60);
    }
}
