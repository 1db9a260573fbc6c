//! Scores of probability forecasts: calibration, discrimination, and skill compared with the base rate of each group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::interval::{Interval, wilson};

/// A predicted probability with what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The group whose base rate it is compared with, such as a skill.
    pub group: String,
    /// The predicted probability, 0 to 1.
    pub chance: f64,
    /// Whether it came to pass.
    pub came: bool,
}

impl Forecast {
    fn came(&self) -> f64 {
        f64::from(u8::from(self.came))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of forecasts stay far below 2^53")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

/// Mean squared error of forecasts, 0 to 1, lower is better; none without forecasts (Brier, "Verification of
/// forecasts expressed in terms of probability", 1950).
#[must_use]
pub fn brier(forecasts: &[Forecast]) -> Option<f64> {
    mean(forecasts.iter().map(|one| (one.chance - one.came()).powi(2)))
}

/// 1 − brier / brier of each group's base rate: 1 is perfect, 0 no better than the base rates, below 0 worse. None if
/// the base rates are never wrong.
///
/// The base rates are computed from these same forecasts. No forecaster knows them beforehand, so small groups make
/// the skill look worse than it is, never better.
#[must_use]
pub fn brier_skill(forecasts: &[Forecast]) -> Option<f64> {
    let mut rates: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for one in forecasts {
        let rate = rates.entry(&one.group).or_default();
        *rate = (rate.0 + one.came(), rate.1 + 1.0);
    }
    let rate = |group: &str| rates.get(group).map_or(0.0, |(came, count)| came / count);
    let reference = mean(forecasts.iter().map(|one| (rate(&one.group) - one.came()).powi(2)))?;
    (reference > 0.0).then_some(1.0 - brier(forecasts)? / reference)
}

/// Forecasts are clamped to this distance from 0 and 1: being certain and wrong costs 13.8 nats instead of infinitely
/// many.
const CERTAIN: f64 = 1e-6;

/// Mean negative log likelihood in nats, at least 0, lower is better; forecasts of 0.5 score ln 2 (Good, "Rational
/// decisions", 1952). None without forecasts.
#[must_use]
pub fn log_loss(forecasts: &[Forecast]) -> Option<f64> {
    mean(forecasts.iter().map(|one| {
        let chance = one.chance.clamp(CERTAIN, 1.0 - CERTAIN);
        if one.came { -chance.ln() } else { -(1.0 - chance).ln() }
    }))
}

/// The probability that of two cases, of which only one came to pass, that one had the higher forecast; ties count
/// half. 0.5 is guessing (Hanley and McNeil, "The meaning and use of the area under a receiver operating
/// characteristic curve", 1982). None unless there are cases of both kinds.
#[must_use]
pub fn auc(forecasts: &[Forecast]) -> Option<f64> {
    Pairs::of(forecasts.iter().collect()).share()
}

/// [`auc`] over pairs within a group only, so that distinguishing easy groups from hard ones doesn't count.
#[must_use]
pub fn auc_within(forecasts: &[Forecast]) -> Option<f64> {
    let mut groups: BTreeMap<&str, Vec<&Forecast>> = BTreeMap::new();
    for one in forecasts {
        groups.entry(&one.group).or_default().push(one);
    }
    let sum = groups.into_values().map(Pairs::of).fold(Pairs::default(), |left, right| Pairs {
        halves: left.halves + right.halves,
        all: left.all + right.all,
    });
    sum.share()
}

/// Counts pairs of a case that came to pass and one that didn't.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    /// Two for each pair in the right order, one for each tie.
    halves: u64,
    all: u64,
}

impl Pairs {
    fn of(mut forecasts: Vec<&Forecast>) -> Self {
        forecasts.sort_by(|left, right| left.chance.total_cmp(&right.chance));
        let (mut pairs, mut missed) = (Self::default(), 0);
        for tied in forecasts.chunk_by(|left, right| left.chance == right.chance) {
            let count = |came| tied.iter().filter(|one| one.came == came).fold(0_u64, |sum, _| sum + 1);
            let (came, not) = (count(true), count(false));
            pairs.halves += came * (2 * missed + not);
            missed += not;
        }
        let came = forecasts.iter().filter(|one| one.came).fold(0_u64, |sum, _| sum + 1);
        Self { all: came * missed, ..pairs }
    }

    #[expect(clippy::cast_precision_loss, reason = "pairs stay below 2^53 for 100 million forecasts")]
    fn share(self) -> Option<f64> {
        (self.all > 0).then(|| self.halves as f64 / (2.0 * self.all as f64))
    }
}

/// A bin of similar forecasts, with the observed frequency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Number of forecasts.
    pub count: u64,
    /// The mean forecast.
    pub chance: f64,
    /// The observed frequency, with Wilson's interval.
    pub came: Interval,
    /// Standard deviation of `came.estimate` if all these forecasts are right.
    noise: f64,
}

/// A reliability curve: at most `bins` bins of about equal size, by rising forecast. Equal forecasts share a bin, so
/// there may be fewer bins; the order of the forecasts doesn't matter.
#[must_use]
pub fn reliability(forecasts: &[Forecast], bins: usize, level: f64) -> Vec<Bin> {
    let mut sorted: Vec<&Forecast> = forecasts.iter().collect();
    sorted.sort_by(|left, right| left.chance.total_cmp(&right.chance));
    let (mut found, mut open, mut rest) = (Vec::new(), Vec::new(), sorted.len());
    for tied in sorted.chunk_by(|left, right| left.chance == right.chance) {
        open.extend_from_slice(tied);
        // A bin that is larger because of a tie leaves fewer forecasts to the bins after it.
        let left = bins.saturating_sub(found.len()).max(1);
        if open.len().saturating_mul(left) >= rest {
            found.extend(bin(&open, level));
            rest -= open.len();
            open.clear();
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "counts of forecasts stay far below 2^53")]
fn bin(forecasts: &[&Forecast], level: f64) -> Option<Bin> {
    let sum = |value: fn(&Forecast) -> f64| forecasts.iter().map(|one| value(one)).sum::<f64>();
    let count = u64::try_from(forecasts.len()).ok()?;
    let came = forecasts.iter().filter(|one| one.came).fold(0, |sum, _| sum + 1);
    Some(Bin {
        count,
        chance: sum(|one| one.chance) / count as f64,
        came: wilson(came, count, level)?,
        noise: sum(|one| one.chance * (1.0 - one.chance)).max(0.0).sqrt() / count as f64,
    })
}

/// Calibration error, with its expected value for perfect forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationError {
    /// Expected calibration error over bins of equal mass, 0 to 1 (Naeini, Cooper and Hauskrecht, "Obtaining well
    /// calibrated probabilities using Bayesian binning", 2015).
    pub error: f64,
    /// The expected error of perfect forecasts in the same bins; an error near it is no evidence of miscalibration
    /// (Roelofs et al., "Mitigating bias in calibration error estimation", 2022, on how large it is).
    pub floor: f64,
}

/// None without forecasts.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of forecasts stay far below 2^53")]
pub fn calibration_error(forecasts: &[Forecast], bins: usize) -> Option<CalibrationError> {
    let bins = reliability(forecasts, bins, 0.95);
    let all: f64 = bins.iter().map(|bin| bin.count as f64).sum();
    let weighted =
        |value: fn(&Bin) -> f64| bins.iter().map(|bin| bin.count as f64 * value(bin)).sum::<f64>() / all;
    (all > 0.0).then(|| CalibrationError {
        error: weighted(|bin| (bin.chance - bin.came.estimate).abs()),
        // The mean absolute value of a standard normal variable.
        floor: weighted(|bin| bin.noise) * std::f64::consts::FRAC_2_PI.sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    fn forecast(group: &str, chance: f64, came: bool) -> Forecast {
        Forecast { group: group.into(), chance, came }
    }

    fn four() -> Vec<Forecast> {
        vec![
            forecast("a", 0.9, true),
            forecast("a", 0.4, false),
            forecast("b", 0.4, true),
            forecast("b", 0.2, false),
        ]
    }

    #[track_caller]
    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?} is not {expected}");
    }

    #[test]
    fn scores_are_those_worked_out_by_hand() {
        let square = (0.01 + 0.16 + 0.36 + 0.04) / 4.0;
        close(brier(&four()), square);
        close(brier_skill(&four()), 1.0 - square / 0.25);
        close(log_loss(&four()), -(0.9_f64.ln() + 0.6_f64.ln() + 0.4_f64.ln() + 0.8_f64.ln()) / 4.0);
        close(auc(&four()), 3.5 / 4.0);
        close(auc_within(&four()), 1.0);
    }

    #[test]
    fn nothing_and_what_can_not_be_compared_have_no_score() {
        let none: &[Forecast] = &[];
        assert_eq!((brier(none), brier_skill(none), log_loss(none), auc(none)), (None, None, None, None));
        assert_eq!((auc_within(none), calibration_error(none, 10)), (None, None));
        assert!(reliability(none, 10, 0.95).is_empty());
        let sure = [forecast("a", 0.7, true), forecast("b", 0.2, false)];
        assert_eq!((brier_skill(&sure), auc_within(&sure)), (None, None));
        close(auc(&sure), 1.0);
    }

    #[test]
    fn base_rates_have_no_skill_and_certainty_that_fails_has_a_price() {
        let rates: Vec<Forecast> = (0..10).map(|i| forecast("a", 0.3, i < 3)).collect();
        close(brier_skill(&rates), 0.0);
        close(auc(&rates), 0.5);
        close(log_loss(&[forecast("a", 0.0, true)]), -CERTAIN.ln());
        close(log_loss(&[forecast("a", 1.0, true)]), -(1.0 - CERTAIN).ln());
    }

    #[test]
    fn telling_groups_apart_is_not_telling_cases_apart() {
        let forecasts: Vec<Forecast> =
            (0..40)
                .map(|i| {
                    if i < 20 {
                        forecast("easy", 0.9, i % 10 > 0)
                    } else {
                        forecast("hard", 0.1, i % 10 == 0)
                    }
                })
                .collect();
        close(auc_within(&forecasts), 0.5);
        close(auc(&forecasts), 0.9);
    }

    fn drawn(count: i64, seed: u64, off: f64) -> Vec<Forecast> {
        let place = |i: i64, k: i64| Seed(seed).of(i).of(k).fraction();
        (0..count)
            .map(|i| {
                let chance = (place(i, 0) * 20.0).floor() / 20.0;
                let group = if place(i, 2) < 0.5 { "a" } else { "b" };
                forecast(group, chance, place(i, 1) < (chance + off).clamp(0.0, 1.0))
            })
            .collect()
    }

    #[test]
    fn the_area_is_that_of_all_pairs_compared_one_by_one() {
        for seed in 0..20 {
            let forecasts = drawn(60, seed, 0.0);
            let (mut wins, mut pairs) = ([0.0; 2], [0.0; 2]);
            for came in forecasts.iter().filter(|one| one.came) {
                for not in forecasts.iter().filter(|one| !one.came) {
                    let order = came.chance.total_cmp(&not.chance);
                    let win = [0.0, 0.5, 1.0][usize::try_from(order as i8 + 1).unwrap()];
                    for within in 0..2 {
                        if within == 0 || came.group == not.group {
                            wins[within] += win;
                            pairs[within] += 1.0;
                        }
                    }
                }
            }
            close(auc(&forecasts), wins[0] / pairs[0]);
            close(auc_within(&forecasts), wins[1] / pairs[1]);
        }
    }

    #[test]
    fn bins_are_of_about_equal_mass_and_keep_ties_together() {
        let steps: Vec<Forecast> = (0..12_i32).map(|i| forecast("a", f64::from(i) / 12.0, i >= 6)).collect();
        let bins = reliability(&steps, 4, 0.95);
        assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [3, 3, 3, 3]);
        close(Some(bins[1].chance), 4.0 / 12.0);
        assert_eq!(bins[1].came, wilson(0, 3, 0.95).unwrap());
        assert_eq!(bins[2].came, wilson(3, 3, 0.95).unwrap());
        let tied: Vec<Forecast> =
            (0..12).map(|i| forecast("a", if i < 9 { 0.2 } else { 0.8 }, i % 2 == 0)).collect();
        assert_eq!(reliability(&tied, 4, 0.95).iter().map(|bin| bin.count).collect::<Vec<_>>(), [9, 3]);
        assert_eq!(reliability(&tied, 0, 0.95).len(), 1);
        assert_eq!(reliability(&tied[..1], 10, 0.95).len(), 1);
        let many: Vec<Forecast> = drawn(997, 3, 0.0);
        let mut turned = many.clone();
        turned.reverse();
        assert_eq!(reliability(&many, 10, 0.95).len(), reliability(&turned, 10, 0.95).len());
        assert!(reliability(&many, 10, 0.95).iter().all(|bin| (60..160).contains(&bin.count)));
        let lump: Vec<Forecast> =
            (0..100_i32).map(|i| forecast("a", f64::from(i.max(70)) / 100.0, i % 2 == 0)).collect();
        let counts: Vec<u64> = reliability(&lump, 5, 0.95).iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [71, 8, 7, 7, 7], "what comes after a tie is not cut into crumbs");
    }

    #[test]
    fn the_calibration_error_is_that_worked_out_by_hand() {
        let forecasts: Vec<Forecast> = (0..20)
            .map(|i| if i < 10 { forecast("a", 0.2, i < 4) } else { forecast("a", 0.7, i < 16) })
            .collect();
        let found = calibration_error(&forecasts, 2).unwrap();
        close(Some(found.error), 0.5 * 0.2 + 0.5 * 0.1);
        let floor =
            ((0.16_f64 / 10.0).sqrt() + (0.21_f64 / 10.0).sqrt()) / 2.0 * (2.0 / std::f64::consts::PI).sqrt();
        close(Some(found.floor), floor);
    }

    #[test]
    fn perfect_forecasts_show_the_floor_and_crooked_ones_more() {
        let mean = |off: f64| {
            let all: Vec<CalibrationError> =
                (0..100).filter_map(|seed| calibration_error(&drawn(500, 1000 + seed, off), 10)).collect();
            let sum = |value: fn(&CalibrationError) -> f64| all.iter().map(value).sum::<f64>() / 100.0;
            (sum(|one| one.error), sum(|one| one.floor))
        };
        let (error, floor) = mean(0.0);
        assert!((error / floor - 1.0).abs() < 0.06, "{error} {floor}");
        let (error, floor) = mean(0.2);
        assert!(error > 3.0 * floor, "{error} {floor}");
    }
}
