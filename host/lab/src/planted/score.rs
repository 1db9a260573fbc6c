//! How much of what was planted was found, and how much of what was found was planted.

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
    /// Counts pairs of agents that are in one team.
    Teams,
    Bottlenecks,
    /// A pattern is right when it has an edge of the planted shape; found is the shape as a whole.
    Patterns,
    Anomalies,
    Notes,
}

/// Findings of one analysis against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    pub analysis: Analysis,
    /// Findings told, and those of them that are true.
    pub told: usize,
    pub right: usize,
    /// What was planted, and what of it was found.
    pub planted: usize,
    pub found: usize,
}

impl Score {
    /// The share of findings that are true; 1.0 when nothing was told.
    #[must_use]
    pub fn precision(&self) -> f64 {
        if self.told == 0 { 1.0 } else { real(self.right) / real(self.told) }
    }

    /// The share of what was planted that was found; 1.0 when nothing was planted.
    #[must_use]
    pub fn recall(&self) -> f64 {
        if self.planted == 0 { 1.0 } else { real(self.found) / real(self.planted) }
    }

    /// Scores of several histories together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            analysis: self.analysis,
            told: self.told + other.told,
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

/// Where a finding is a thing that was planted, or is not.
fn compared<T: Ord>(analysis: Analysis, told: &BTreeSet<T>, planted: &BTreeSet<T>) -> Score {
    let right = told.intersection(planted).count();
    Score { analysis, told: told.len(), right, planted: planted.len(), found: right }
}

fn pairs(insights: &Insights, truth: &Truth) -> Score {
    let told = insights.pairs.iter().filter(|pair| pair.significant);
    let told = told.map(|pair| (pair.giver.clone(), pair.taker.clone(), pair.lift > 0.0)).collect();
    compared(Analysis::Pairs, &told, &truth.pairs.iter().cloned().collect())
}

/// A drift shows also in the skill that is asked for together with the one that drifts: that is neither right nor wrong.
fn drifts(insights: &Insights, truth: &Truth) -> Score {
    let name = |drift: &Drift| (drift.agent.clone(), drift.skill.clone(), drift.direction);
    let echo = |drift: &&Drift| {
        drift.skill != COMMON || truth.drifts.iter().all(|(agent, _, _)| *agent != drift.agent)
    };
    let told: Vec<_> = insights.drifts.iter().filter(|drift| drift.held).filter(echo).map(name).collect();
    let right = told.iter().filter(|drift| truth.drifts.contains(drift)).count();
    let found = truth.drifts.iter().filter(|drift| told.contains(drift)).count();
    Score { analysis: Analysis::Drifts, told: told.len(), right, planted: truth.drifts.len(), found }
}

fn gaps(insights: &Insights, truth: &Truth) -> Score {
    let told = insights.gaps.iter().filter(|gap| gap.lacking).map(|gap| gap.skill.clone()).collect();
    compared(Analysis::Gaps, &told, &truth.gaps)
}

fn abilities(analysis: Analysis, insights: &Insights, truth: &Truth) -> Score {
    let (told, planted) = match analysis {
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
    let told = told.iter().map(|ability| (ability.agent.clone(), ability.skill.clone())).collect();
    compared(analysis, &told, planted)
}

/// One proposal stands for all globs that mark the same files.
fn proposals(insights: &Insights, truth: &Truth) -> Score {
    let proposals = &insights.skills.proposals;
    let right = proposals
        .iter()
        .filter(|proposal| proposal.patterns.iter().all(|pattern| truth.proposals.contains(pattern)))
        .count();
    let planted = usize::from(!truth.proposals.is_empty());
    Score { analysis: Analysis::Proposals, told: proposals.len(), right, planted, found: right.min(planted) }
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
    let told = both(&mut insights.teams.teams.iter().map(|team| team.agents.clone()));
    let planted = both(&mut truth.teams.iter().map(|team| team.iter().cloned().collect()));
    compared(Analysis::Teams, &told, &planted)
}

fn bottlenecks(insights: &Insights, truth: &Truth) -> Score {
    let told = insights.bottlenecks.kinds.iter().filter(|load| load.stands_out);
    compared(Analysis::Bottlenecks, &told.map(|load| load.name.clone()).collect(), &truth.slow)
}

fn patterns(insights: &Insights, truth: &Truth) -> Score {
    let told: Vec<&Pattern> = insights.patterns.patterns.iter().filter(|pattern| pattern.unusual).collect();
    let edges = |pattern: &Pattern| -> Vec<(String, String)> {
        pattern.edges.iter().map(|(a, b)| (pattern.kinds[*a].clone(), pattern.kinds[*b].clone())).collect()
    };
    let right =
        told.iter().filter(|pattern| edges(pattern).iter().any(|edge| truth.shape.contains(edge))).count();
    let whole = |pattern: &&&Pattern| {
        let mut kinds = pattern.kinds.clone();
        kinds.sort();
        kinds == truth.shape_kinds && edges(pattern).into_iter().collect::<BTreeSet<_>>() == truth.shape
    };
    let planted = usize::from(!truth.shape.is_empty());
    let found = told.iter().find(whole).map_or(0, |_| planted);
    Score { analysis: Analysis::Patterns, told: told.len(), right, planted, found }
}

fn anomalies(insights: &Insights, truth: &Truth) -> Score {
    let told = insights.anomalies.iter();
    let told = told.map(|anomaly| (anomaly.agent.clone(), anomaly.measure, anomaly.ratio > 1.0)).collect();
    compared(Analysis::Anomalies, &told, &truth.anomalies.iter().cloned().collect())
}

fn notes(insights: &Insights, truth: &Truth) -> Score {
    let told = insights.notes.iter().map(|note| (note.kind.clone(), note.check.clone())).collect();
    compared(Analysis::Notes, &told, &truth.notes)
}
