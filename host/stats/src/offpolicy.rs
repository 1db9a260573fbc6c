//! What a router would have achieved on tasks that another one decided: importance weighting of a log whose
//! propensities are known, with intervals that count what the log could have drawn and not only what it drew.
//!
//! A log in which some choice is rare misses that choice more often than not. The sample then looks calm, and an
//! interval from its own spread is too narrow just when it matters. But each row has the chances of all candidates, so
//! the spread that was to be expected is known without the draw; the larger of the two errors is taken. A bootstrap
//! would not help: it draws again from what was drawn.

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

/// So much of what the router under test wants may be without any trace in the log. What may hide there widens every
/// interval.
pub const MISSING_AT_MOST: f64 = 0.05;

/// Fewer rows than these, counted as if all weighed the same, are no ground for a figure.
pub const ESS_AT_LEAST: f64 = 50.0;

/// How far recorded chances may be from a sum of 1.
const ROUNDING: f64 = 1e-3;

/// One logged choice with what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// For the breakdown: the first skill of the task, or `any`.
    pub skill: String,
    /// Rows of one decision are not independent, and carry the same number.
    pub cluster: u64,
    /// Position among the candidates.
    pub chosen: usize,
    /// The chance of each candidate when it was decided; together 1.
    pub logged: Vec<f64>,
    /// The chance that the router under test would have given each; together 1.
    pub proposed: Vec<f64>,
    /// The reward predicted for each candidate by a model that has not seen this row.
    pub model: Vec<f64>,
    pub reward: f64,
}

/// What the rewards are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// 1 for accepted, 0 for not.
    Acceptance,
    /// Latency or cost: less is better. None is above `most`; this is used only for what may hide behind clipping and
    /// choices that the log never made.
    Burden { most: f64 },
}

impl Measure {
    fn most(self) -> f64 {
        match self {
            Self::Acceptance => 1.0,
            Self::Burden { most } => most,
        }
    }

    /// Negated where less is better.
    fn gain(self, change: Interval) -> Interval {
        match self {
            Self::Acceptance => change,
            Self::Burden { .. } => {
                Interval { estimate: -change.estimate, low: -change.high, high: -change.low }
            }
        }
    }
}

/// What is asked of a log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    pub measure: Measure,
    /// Of each interval, such as 0.95.
    pub level: f64,
    /// No weight counts for more than this. It trades spread for a bias whose bounds widen the intervals.
    pub clip: Option<f64>,
}

/// What a log says about a router. Intervals are of the mean reward for each row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    pub rows: usize,
    pub clusters: usize,
    pub support: Support,
    pub ess: EffectiveSize,
    /// The chance that both routers make the same choice, over all rows.
    pub agreement: f64,
    /// What was reached, by the router that decided.
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
    /// Proposed less logged, in pairs, doubly robust. Where both would do the same a row adds exactly nothing, so it
    /// is tighter than `dr` less `logged`, and may differ from it a little.
    pub difference: Interval,
    pub clipped: Option<Clipped>,
    /// Surest regressions first; those that can't be judged come last.
    pub skills: Vec<SkillChange>,
}

/// How far a log reaches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Support {
    /// The share of the proposed choices that the log could have made, 0 to 1.
    pub covered: f64,
    /// Largest weight of a row.
    pub heaviest: f64,
    /// The mean weight. If `covered` is not in it, what was recorded is not what the choices were drawn from.
    pub weight: Interval,
}

/// So many rows of equal weight would be as good, (Σw)²/Σw² (Kish, "Survey Sampling", 1965).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectiveSize {
    /// By the weights of the choices that were made. It looks good when a rare heavy one was missed.
    pub drawn: f64,
    /// By the weights of all choices that could have been made.
    pub foreseen: f64,
}

impl EffectiveSize {
    #[must_use]
    pub fn least(self) -> f64 {
        self.drawn.min(self.foreseen)
    }
}

/// That weights were cut, and how much of the proposed choices was cut away.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clipped {
    pub at: f64,
    /// 0 to 1. The truth for it may be anything possible, and the intervals are wide enough for that.
    pub mass: f64,
}

/// What would change for tasks of one skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkillChange {
    pub skill: String,
    pub rows: usize,
    /// Proposed less logged. The intervals of all skills hold together at the level asked for (Bonferroni), so the
    /// worst of many is no worse by being the worst of many.
    pub change: Result<Interval, Refusal>,
}

/// Why a log is no ground for a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    #[error("there are no logged choices to judge by")]
    NoRows,
    #[error("all rows are of one decision; choices of at least two are needed to tell how much they vary")]
    OneCluster,
    #[error("row {row} can't be used: {flaw}")]
    Malformed { row: usize, flaw: RowError },
    #[error(
        "{:.1} % of what this router would choose was never possible in the log; log with a router that explores, \
         so that every candidate has some chance",
        missing * 100.0
    )]
    Support { missing: f64 },
    #[error(
        "the log is worth {ess:.0} rows for this router and {ESS_AT_LEAST} are needed; log more, explore more, or \
         clip the weights"
    )]
    EffectiveSize { ess: f64 },
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowError {
    /// The three lists are not of one length, or the choice is not in them.
    Shape,
    /// Chances that are negative or do not sum to 1.
    Chances,
    /// What was chosen is said to have had no chance.
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

/// What the log says about the router that would have made the proposed choices.
///
/// # Errors
/// [`Refusal`] says why the log can't tell.
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
        if let Some(flaw) = flaw(one) {
            return Err(Refusal::Malformed { row, flaw });
        }
    }
    Ok(())
}

fn flaw(row: &Logged) -> Option<RowError> {
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
    // The best that may still be true of a skill: where even that is bad, a regression is sure.
    let hope = |one: &SkillChange| {
        one.change.as_ref().map_or(f64::INFINITY, |change| question.measure.gain(*change).high)
    };
    changes.sort_by(|left, right| hope(left).total_cmp(&hope(right)));
    changes
}

/// Rows that can be judged together, as the sums that estimates are made of.
struct Sample {
    question: Query,
    terms: Vec<Term>,
    clusters: usize,
    /// Mean square of what the model got wrong.
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

    /// Of a ratio of means over rows, with the larger of the error that the sample shows and the one foreseen from
    /// `variance`, that of a single row.
    fn interval(&self, value: impl Fn(&Term) -> (f64, f64), variance: f64) -> Interval {
        let (ratio, sampled, foreseen) = self.errors(value, variance);
        let reach = student_reach(self.question.level, self.ess().least().min(ratio.count) - 1.0);
        Interval::around(ratio.estimate, reach * sampled.max(foreseen))
    }

    /// The ratio, its error by the sandwich over clusters, and the foreseen one, which is raised by as much as rows of
    /// one cluster go together.
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
