//! Off-policy evaluation: what a router would have achieved on tasks that another one decided. Importance weighting
//! of a log with known propensities, whose intervals account for what could have been drawn and not only for what
//! was.
//!
//! A log in which some choice is rare usually misses that choice. The sample variance is then small, and an interval
//! based on it is too narrow just when it matters. But each row has the probabilities of all candidates, so the
//! expected variance is known without the draw; the larger of the two errors is taken. A bootstrap would not help: it
//! resamples what was drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::interval::{Interval, Ratio, student_reach};

mod term;
#[cfg(test)]
mod tests;

use term::Term;

/// The largest share of the tested router's choices that may be impossible in the log. What they may be worth widens
/// every interval.
pub const MISSING_AT_MOST: f64 = 0.05;

/// The smallest effective sample size for an estimate.
pub const ESS_AT_LEAST: f64 = 50.0;

/// How far recorded probabilities may sum from 1.
const ROUNDING: f64 = 1e-3;

/// A logged choice with its reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// For the breakdown: the first skill of the task, or `any`.
    pub skill: String,
    /// Rows of one decision aren't independent and share a number.
    pub cluster: u64,
    /// Position among the candidates.
    pub chosen: usize,
    /// The probability of each candidate when it was decided; they sum to 1.
    pub logged: Vec<f64>,
    /// The probability of each candidate under the tested router; they sum to 1.
    pub proposed: Vec<f64>,
    /// The reward predicted for each candidate by a model that has not seen this row.
    pub model: Vec<f64>,
    /// The observed reward, in the unit of the [`Measure`].
    pub reward: f64,
}

/// The kind of reward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// 1 for accepted, 0 for not.
    Acceptance,
    /// Latency or cost: lower is better. `most` is an upper bound, which limits the bias of clipping and of choices
    /// that the log never made.
    Burden {
        /// An upper bound of the rewards.
        most: f64,
    },
}

impl Measure {
    fn most(self) -> f64 {
        match self {
            Self::Acceptance => 1.0,
            Self::Burden { most } => most,
        }
    }

    /// Negated where lower is better.
    fn gain(self, change: Interval) -> Interval {
        match self {
            Self::Acceptance => change,
            Self::Burden { .. } => {
                Interval { estimate: -change.estimate, low: -change.high, high: -change.low }
            }
        }
    }
}

/// What to estimate from a log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// The kind of reward.
    pub measure: Measure,
    /// Level of the intervals, such as 0.95.
    pub level: f64,
    /// The largest weight of a row; none = unlimited. Clipping trades variance for a bias whose bounds widen the
    /// intervals.
    pub clip: Option<f64>,
}

/// Estimates for a router. Intervals are of the mean reward per row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// Number of logged choices.
    pub rows: usize,
    /// Number of decisions.
    pub clusters: usize,
    /// Coverage of the tested router's choices.
    pub support: Support,
    /// Effective sample size.
    pub ess: EffectiveSize,
    /// The mean probability that both routers make the same choice.
    pub agreement: f64,
    /// The mean reward of the router that decided.
    pub logged: Interval,
    /// Inverse propensity scoring (Horvitz and Thompson, "A generalization of sampling without replacement from a
    /// finite universe", 1952).
    pub ips: Interval,
    /// The same with weights that sum to 1 (Swaminathan and Joachims, "The self-normalized estimator for
    /// counterfactual learning", 2015).
    pub snips: Interval,
    /// The model's prediction, corrected by what it got wrong (Dudík, Langford and Li, "Doubly robust policy
    /// evaluation and learning", 2011). The figure to go by.
    pub dr: Interval,
    /// Proposed minus logged, paired and doubly robust. A row on which both agree adds exactly 0, so this is tighter
    /// than `dr` minus `logged`, and may differ from it slightly.
    pub difference: Interval,
    /// None if weights weren't clipped.
    pub clipped: Option<Clipped>,
    /// By skill, the surest regressions first and skills that can't be judged last.
    pub skills: Vec<SkillChange>,
}

/// How well the log covers the tested router's choices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Support {
    /// Share of the proposed choices that the log could have made, 0 to 1.
    pub covered: f64,
    /// Largest weight of a row.
    pub heaviest: f64,
    /// The mean weight. If it doesn't contain `covered`, choices weren't drawn from the recorded probabilities.
    pub weight: Interval,
}

/// Effective sample size: the number of equally weighted rows that would be as good, (Σw)²/Σw² (Kish, "Survey
/// Sampling", 1965).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectiveSize {
    /// From the weights of the choices that were made; too high if a rare, heavy one was missed.
    pub drawn: f64,
    /// From the weights of all choices that could have been made.
    pub foreseen: f64,
}

impl EffectiveSize {
    /// The smaller of the two.
    #[must_use]
    pub fn least(self) -> f64 {
        self.drawn.min(self.foreseen)
    }
}

/// The clipping of weights, and how much of the proposed choices it removed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clipped {
    /// The largest weight.
    pub at: f64,
    /// The removed share of the proposed choices, 0 to 1. Its reward may be anything possible, and the intervals are
    /// wide enough for that.
    pub mass: f64,
}

/// The estimated change for tasks of one skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkillChange {
    /// As in [`Logged::skill`].
    pub skill: String,
    /// Number of logged choices.
    pub rows: usize,
    /// Proposed minus logged. The intervals of all skills hold jointly at the requested level (Bonferroni), so that
    /// looking at the worst of many is safe.
    pub change: Result<Interval, Refusal>,
}

/// Why a log doesn't allow an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The log is empty.
    #[error("there are no logged choices to judge by")]
    NoRows,
    /// The variance between decisions can't be estimated.
    #[error("all rows are of one decision; choices of at least two are needed to tell how much they vary")]
    OneCluster,
    /// A row is invalid.
    #[error("row {row} can't be used: {flaw}")]
    Malformed {
        /// Its index.
        row: usize,
        /// What is wrong with it.
        flaw: RowError,
    },
    /// The log lacks choices that the router would make.
    #[error(
        "{:.1} % of what this router would choose was never possible in the log; log with a router that explores, \
         so that every candidate has some chance",
        missing * 100.0
    )]
    Support {
        /// Their share, 0 to 1.
        missing: f64,
    },
    /// The effective sample size is below [`ESS_AT_LEAST`].
    #[error(
        "the log is worth {ess:.0} rows for this router and {ESS_AT_LEAST} are needed; log more, explore more, or \
         clip the weights"
    )]
    EffectiveSize {
        /// The effective sample size, in rows.
        ess: f64,
    },
}

/// Why a row is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowError {
    /// The three lists differ in length, or the choice isn't in them.
    Shape,
    /// Probabilities are negative or don't sum to 1.
    Chances,
    /// The chosen candidate has a recorded probability of 0.
    Impossible,
    /// A number that is not finite.
    Number,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "its lists differ in length or lack the choice",
            Self::Chances => "its chances are negative or do not sum to 1",
            Self::Impossible => "what it chose is recorded as having had no chance",
            Self::Number => "it holds a number that is not finite",
        })
    }
}

/// Estimates the mean reward of the router that would have made the proposed choices.
///
/// # Errors
/// A [`Refusal`] if a row is malformed, all rows are of one decision, the log doesn't cover the proposed choices, or
/// the effective sample is too small.
pub fn judge(rows: &[Logged], question: &Query) -> Result<Judgement, Refusal> {
    check(rows)?;
    let of_all: Vec<&Logged> = rows.iter().collect();
    let sample = Sample::of(&of_all, question)?.sufficient()?;
    let excess = sample.mean(|term| term.excess);
    Ok(Judgement {
        rows: rows.len(),
        clusters: sample.clusters,
        support: sample.support(),
        ess: sample.ess(),
        agreement: sample.mean(|term| term.agreement),
        logged: sample.logged(),
        ips: sample.ips(),
        snips: sample.snips(),
        dr: sample.dr(),
        difference: sample.difference(),
        clipped: question.clip.map(|at| Clipped { at, mass: excess }),
        skills: by_skill(rows, question),
    })
}

fn check(rows: &[Logged]) -> Result<(), Refusal> {
    if rows.is_empty() {
        return Err(Refusal::NoRows);
    }
    for (row, one) in rows.iter().enumerate() {
        if let Some(flaw) = row_error(one) {
            return Err(Refusal::Malformed { row, flaw });
        }
    }
    Ok(())
}

fn row_error(row: &Logged) -> Option<RowError> {
    let sound = |chances: &[f64]| {
        chances.iter().all(|chance| *chance >= 0.0) && (chances.iter().sum::<f64>() - 1.0).abs() <= ROUNDING
    };
    let Some(chance) = row.logged.get(row.chosen) else { return Some(RowError::Shape) };
    if row.proposed.len() != row.logged.len() || row.model.len() != row.logged.len() {
        return Some(RowError::Shape);
    }
    if !row.reward.is_finite() || !row.model.iter().all(|reward| reward.is_finite()) {
        return Some(RowError::Number);
    }
    if !sound(&row.logged) || !sound(&row.proposed) {
        return Some(RowError::Chances);
    }
    (*chance <= 0.0).then_some(RowError::Impossible)
}

fn by_skill(rows: &[Logged], question: &Query) -> Vec<SkillChange> {
    let mut groups: BTreeMap<&str, Vec<&Logged>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.skill).or_default().push(row);
    }
    let sample = |group: &[&Logged], question| Sample::of(group, question).and_then(Sample::sufficient);
    let judged = groups.values().filter(|group| sample(group, question).is_ok()).count();
    let shared = u32::try_from(judged.max(1)).map_or(1.0, f64::from);
    let strict = Query { level: 1.0 - (1.0 - question.level) / shared, ..*question };
    let mut changes: Vec<SkillChange> = groups
        .into_iter()
        .map(|(skill, group)| SkillChange {
            skill: skill.to_owned(),
            rows: group.len(),
            change: sample(&group, &strict).map(|sample| sample.difference()),
        })
        .collect();
    // The best value that is still plausible for a skill: if even that is bad, it is a sure regression.
    let hope = |one: &SkillChange| {
        one.change.as_ref().map_or(f64::INFINITY, |change| question.measure.gain(*change).high)
    };
    changes.sort_by(|left, right| hope(left).total_cmp(&hope(right)));
    changes
}

/// Rows that are evaluated together.
struct Sample {
    question: Query,
    terms: Vec<Term>,
    clusters: usize,
    /// Mean squared error of the model.
    surprise: f64,
}

impl Sample {
    fn of(rows: &[&Logged], question: &Query) -> Result<Self, Refusal> {
        let numbers: BTreeSet<u64> = rows.iter().map(|row| row.cluster).collect();
        if numbers.len() < 2 {
            return Err(if rows.is_empty() { Refusal::NoRows } else { Refusal::OneCluster });
        }
        let places: BTreeMap<u64, usize> = numbers.into_iter().zip(0..).collect();
        let terms: Vec<Term> = rows
            .iter()
            .map(|row| {
                let place = places.get(&row.cluster).copied().unwrap_or_default();
                Term::of(row, place, question.clip.unwrap_or(f64::INFINITY), question.measure.most())
            })
            .collect();
        let mut sample = Self { question: *question, terms, clusters: places.len(), surprise: 0.0 };
        sample.surprise = sample.mean(|term| term.error.powi(2));
        Ok(sample)
    }

    fn sufficient(self) -> Result<Self, Refusal> {
        let missing = 1.0 - self.mean(|term| term.covered);
        let ess = self.ess().least();
        if missing > MISSING_AT_MOST {
            Err(Refusal::Support { missing })
        } else if ess < ESS_AT_LEAST {
            Err(Refusal::EffectiveSize { ess })
        } else {
            Ok(self)
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "logs have far fewer rows than 2^53")]
    fn mean(&self, value: impl Fn(&Term) -> f64) -> f64 {
        self.terms.iter().map(value).sum::<f64>() / self.terms.len() as f64
    }

    fn variance(&self, value: impl Fn(&Term) -> f64) -> f64 {
        let mean = self.mean(&value);
        self.mean(|term| (value(term) - mean).powi(2))
    }

    #[expect(clippy::cast_precision_loss, reason = "logs have far fewer rows than 2^53")]
    fn ess(&self) -> EffectiveSize {
        let rows = self.terms.len() as f64;
        let kish = |mean: f64, square: f64| if square > 0.0 { rows * mean * mean / square } else { 0.0 };
        EffectiveSize {
            drawn: kish(self.mean(|term| term.weight), self.mean(|term| term.weight.powi(2))),
            foreseen: kish(self.mean(|term| 1.0 - term.excess), self.mean(|term| term.square)),
        }
    }

    fn support(&self) -> Support {
        let covered = self.mean(|term| term.covered);
        let foreseen = self.mean(|term| term.full_square) - covered * covered;
        Support {
            covered,
            heaviest: self.terms.iter().map(|term| term.full_weight).fold(0.0, f64::max),
            weight: self.interval(|term| (term.full_weight, 1.0), foreseen),
        }
    }

    fn logged(&self) -> Interval {
        self.interval(|term| (term.reward, 1.0), 0.0)
    }

    fn ips(&self) -> Interval {
        let estimate = self.mean(|term| term.weight * term.reward);
        let foreseen = self.mean(|term| term.square_around(0.0, self.surprise)) - estimate * estimate;
        let hidden = self.mean(|term| term.excess) * self.question.measure.most();
        self.interval(|term| (term.weight * term.reward, 1.0), foreseen)
            .widened(0.0, hidden)
            .within(0.0, self.question.measure.most())
    }

    fn snips(&self) -> Interval {
        let weight = self.mean(|term| term.weight);
        let estimate = if weight > 0.0 { self.mean(|term| term.weight * term.reward) / weight } else { 0.0 };
        let expected = self.mean(|term| 1.0 - term.excess);
        let foreseen = self.mean(|term| term.square_around(estimate, self.surprise)) / expected.powi(2);
        let (excess, most) = (self.mean(|term| term.excess), self.question.measure.most());
        self.interval(|term| (term.weight * term.reward, term.weight), foreseen)
            .widened(excess * estimate.max(0.0), excess * (most - estimate).max(0.0))
            .within(0.0, most)
    }

    fn dr(&self) -> Interval {
        let foreseen = self.mean(|term| term.square) * self.surprise + self.variance(|term| term.planned);
        self.interval(|term| (term.planned + term.weight * term.error, 1.0), foreseen)
            .widened(self.mean(|term| term.below), self.mean(|term| term.above))
            .within(0.0, self.question.measure.most())
    }

    fn difference(&self) -> Interval {
        let foreseen = self.mean(|term| term.apart) * self.surprise + self.variance(|term| term.shift);
        let most = self.question.measure.most();
        self.interval(|term| (term.shift + (term.weight - 1.0) * term.error, 1.0), foreseen)
            .widened(self.mean(|term| term.below), self.mean(|term| term.above))
            .within(-most, most)
    }

    /// The interval of a ratio of means over rows, from the larger of the sample's error and the one expected from
    /// `variance`, that of a single row.
    fn interval(&self, value: impl Fn(&Term) -> (f64, f64), variance: f64) -> Interval {
        let (ratio, sampled, foreseen) = self.errors(value, variance);
        let reach = student_reach(self.question.level, self.ess().least().min(ratio.count) - 1.0);
        Interval::around(ratio.estimate, reach * sampled.max(foreseen))
    }

    /// The ratio, its cluster-robust error, and the expected error, which is inflated by the correlation within
    /// clusters.
    #[expect(clippy::cast_precision_loss, reason = "logs have far fewer rows than 2^53")]
    fn errors(&self, value: impl Fn(&Term) -> (f64, f64), variance: f64) -> (Ratio, f64, f64) {
        let rows: Vec<(f64, f64)> = self.terms.iter().map(value).collect();
        let mut sums = vec![(0.0, 0.0); self.clusters];
        for (row, term) in rows.iter().zip(&self.terms) {
            if let Some(sum) = sums.get_mut(term.cluster) {
                *sum = (sum.0 + row.0, sum.1 + row.1);
            }
        }
        let nothing = Ratio { estimate: 0.0, error: 0.0, count: self.clusters as f64 };
        let (clustered, alone) = (Ratio::of(&sums).unwrap_or(nothing), Ratio::of(&rows).unwrap_or(nothing));
        let together = if alone.error > 0.0 { (clustered.error / alone.error).max(1.0) } else { 1.0 };
        let foreseen = (variance.max(0.0) / rows.len() as f64).sqrt() * together;
        (clustered, clustered.error, foreseen)
    }
}
