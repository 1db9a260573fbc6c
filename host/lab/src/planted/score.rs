//! Precision and recall of findings against what was planted.

use std::collections::BTreeSet;

use baton_learn::Insights;
use baton_learn::drift::Drift;
use baton_learn::number::real;
use baton_learn::patterns::Pattern;
use serde::{Deserialize, Serialize};

use super::Truth;
use super::world::COMMON;

/// What is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Analysis {
    Pairs,
    Drifts,
    Gaps,
    Discovered,
    Refuted,
    Proposals,
    /// Counts pairs of agents in the same team.
    Teams,
    Bottlenecks,
    /// A pattern is right if it has an edge of the planted shape; only the whole shape counts as found.
    Patterns,
    Anomalies,
    Notes,
}

/// Findings of one analysis against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    pub analysis: Analysis,
    /// Reported findings, and those of them that are true.
    #[serde(rename = "told")]
    pub reported: usize,
    pub right: usize,
    /// Planted items, and those of them that were found.
    pub planted: usize,
    pub found: usize,
}

impl Score {
    /// Precision: the share of findings that are true; 1.0 without findings.
    #[must_use]
    pub fn precision(&self) -> f64 {
        if self.reported == 0 { 1.0 } else { real(self.right) / real(self.reported) }
    }

    /// Recall: the share of planted items that were found; 1.0 if nothing was planted.
    #[must_use]
    pub fn recall(&self) -> f64 {
        if self.planted == 0 { 1.0 } else { real(self.found) / real(self.planted) }
    }

    /// The combined score of several histories.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            analysis: self.analysis,
            reported: self.reported + other.reported,
            right: self.right + other.right,
            planted: self.planted + other.planted,
            found: self.found + other.found,
        }
    }
}

/// One score for each analysis.
#[must_use]
pub fn scored(insights: &Insights, truth: &Truth) -> Vec<Score> {
    vec![
        pairs(insights, truth),
        drifts(insights, truth),
        gaps(insights, truth),
        abilities(Analysis::Discovered, insights, truth),
        abilities(Analysis::Refuted, insights, truth),
        proposals(insights, truth),
        teams(insights, truth),
        bottlenecks(insights, truth),
        patterns(insights, truth),
        anomalies(insights, truth),
        notes(insights, truth),
    ]
}

/// The score where each finding either was planted or wasn't.
fn compared<T: Ord>(analysis: Analysis, reported: &BTreeSet<T>, planted: &BTreeSet<T>) -> Score {
    let right = reported.intersection(planted).count();
    Score { analysis, reported: reported.len(), right, planted: planted.len(), found: right }
}

fn pairs(insights: &Insights, truth: &Truth) -> Score {
    let reported = insights.pairs.iter().filter(|pair| pair.significant);
    let reported = reported.map(|pair| (pair.giver.clone(), pair.taker.clone(), pair.lift > 0.0)).collect();
    compared(Analysis::Pairs, &reported, &truth.pairs.iter().cloned().collect())
}

/// A drift shows also in the skill that is asked for together with the one that drifts: that is neither right nor wrong.
fn drifts(insights: &Insights, truth: &Truth) -> Score {
    let name = |drift: &Drift| (drift.agent.clone(), drift.skill.clone(), drift.direction);
    let echo = |drift: &&Drift| {
        drift.skill != COMMON || truth.drifts.iter().all(|(agent, _, _)| *agent != drift.agent)
    };
    let reported: Vec<_> = insights.drifts.iter().filter(|drift| drift.held).filter(echo).map(name).collect();
    let right = reported.iter().filter(|drift| truth.drifts.contains(drift)).count();
    let found = truth.drifts.iter().filter(|drift| reported.contains(drift)).count();
    Score { analysis: Analysis::Drifts, reported: reported.len(), right, planted: truth.drifts.len(), found }
}

fn gaps(insights: &Insights, truth: &Truth) -> Score {
    let reported = insights.gaps.iter().filter(|gap| gap.lacking).map(|gap| gap.skill.clone()).collect();
    compared(Analysis::Gaps, &reported, &truth.gaps)
}

fn abilities(analysis: Analysis, insights: &Insights, truth: &Truth) -> Score {
    let (reported, planted) = match analysis {
        Analysis::Refuted => (&insights.skills.refuted, &truth.overstated),
        Analysis::Discovered
        | Analysis::Pairs
        | Analysis::Drifts
        | Analysis::Gaps
        | Analysis::Proposals
        | Analysis::Teams
        | Analysis::Bottlenecks
        | Analysis::Patterns
        | Analysis::Anomalies
        | Analysis::Notes => (&insights.skills.discovered, &truth.undeclared),
    };
    let reported = reported.iter().map(|ability| (ability.agent.clone(), ability.skill.clone())).collect();
    compared(analysis, &reported, planted)
}

/// One proposal represents all globs that mark the same files.
fn proposals(insights: &Insights, truth: &Truth) -> Score {
    let proposals = &insights.skills.proposals;
    let right = proposals
        .iter()
        .filter(|proposal| proposal.patterns.iter().all(|pattern| truth.proposals.contains(pattern)))
        .count();
    let planted = usize::from(!truth.proposals.is_empty());
    Score {
        analysis: Analysis::Proposals,
        reported: proposals.len(),
        right,
        planted,
        found: right.min(planted),
    }
}

fn teams(insights: &Insights, truth: &Truth) -> Score {
    let both = |teams: &mut dyn Iterator<Item = Vec<String>>| -> BTreeSet<(String, String)> {
        teams
            .flat_map(|team| {
                let couples = |a: &String| {
                    let a = a.clone();
                    team.iter().filter(|b| a < **b).map(|b| (a.clone(), b.clone())).collect::<Vec<_>>()
                };
                team.iter().flat_map(couples).collect::<Vec<_>>()
            })
            .collect()
    };
    let reported = both(&mut insights.teams.teams.iter().map(|team| team.agents.clone()));
    let planted = both(&mut truth.teams.iter().map(|team| team.iter().cloned().collect()));
    compared(Analysis::Teams, &reported, &planted)
}

fn bottlenecks(insights: &Insights, truth: &Truth) -> Score {
    let reported = insights.bottlenecks.kinds.iter().filter(|load| load.stands_out);
    compared(Analysis::Bottlenecks, &reported.map(|load| load.name.clone()).collect(), &truth.slow)
}

fn patterns(insights: &Insights, truth: &Truth) -> Score {
    let reported: Vec<&Pattern> =
        insights.patterns.patterns.iter().filter(|pattern| pattern.unusual).collect();
    let edges = |pattern: &Pattern| -> Vec<(String, String)> {
        pattern.edges.iter().map(|(a, b)| (pattern.kinds[*a].clone(), pattern.kinds[*b].clone())).collect()
    };
    let right = reported
        .iter()
        .filter(|pattern| edges(pattern).iter().any(|edge| truth.shape.contains(edge)))
        .count();
    let whole = |pattern: &&&Pattern| {
        let mut kinds = pattern.kinds.clone();
        kinds.sort();
        kinds == truth.shape_kinds && edges(pattern).into_iter().collect::<BTreeSet<_>>() == truth.shape
    };
    let planted = usize::from(!truth.shape.is_empty());
    let found = reported.iter().find(whole).map_or(0, |_| planted);
    Score { analysis: Analysis::Patterns, reported: reported.len(), right, planted, found }
}

fn anomalies(insights: &Insights, truth: &Truth) -> Score {
    let reported = insights.anomalies.iter();
    let reported =
        reported.map(|anomaly| (anomaly.agent.clone(), anomaly.measure, anomaly.ratio > 1.0)).collect();
    compared(Analysis::Anomalies, &reported, &truth.anomalies.iter().cloned().collect())
}

fn notes(insights: &Insights, truth: &Truth) -> Score {
    let reported = insights.notes.iter().map(|note| (note.kind.clone(), note.check.clone())).collect();
    compared(Analysis::Notes, &reported, &truth.notes)
}
