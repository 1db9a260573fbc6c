//! Made-up histories whose truth is known: what was planted in them must be found, and nothing in those in which nothing
//! was.

mod draws;
mod play;
mod score;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use score::{Analysis, Score, scored};

use baton_core::episode::Episode;
use baton_core::seed::Seed;
use baton_learn::anomaly::Metric;
use baton_learn::drift::Direction;
use world::World;

/// A history, and what is true of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    pub episodes: Vec<Episode>,
    /// What each agent says that it can do.
    pub declared: BTreeMap<String, Vec<String>>,
    pub truth: Truth,
}

/// What was planted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Giver, taker, and whether the taker does better for it.
    pub pairs: Vec<(String, String, bool)>,
    /// Agent, skill and direction.
    pub drifts: Vec<(String, String, Direction)>,
    /// Skills that nobody has.
    pub gaps: BTreeSet<String>,
    /// Agent and skill: able, and not declared.
    pub undeclared: BTreeSet<(String, String)>,
    /// Agent and skill: declared, and not able.
    pub overstated: BTreeSet<(String, String)>,
    /// Globs of the files that only some agents do well with.
    pub proposals: BTreeSet<String>,
    pub teams: Vec<BTreeSet<String>>,
    /// Kinds that take much longer than others.
    pub slow: BTreeSet<String>,
    /// Pairs of kinds of which the second depends on the first in the planted shape.
    pub shape: BTreeSet<(String, String)>,
    /// Its kinds, sorted.
    pub shape_kinds: Vec<String>,
    /// Agent, measure, and whether there is more of it.
    pub anomalies: Vec<(String, Metric, bool)>,
    /// Kind and check: refused now and then, and mended.
    pub notes: BTreeSet<(String, String)>,
}

/// A history of 300 runs of 40 tasks by 20 agents, in which something was planted for each analysis.
#[must_use]
pub fn planted(seed: Seed) -> Planted {
    sized(seed, 20, 300, true)
}

/// The same without any of it: able and unable agents, busy pairs, kinds and folders there are still.
#[must_use]
pub fn null(seed: Seed) -> Planted {
    sized(seed, 20, 300, false)
}

/// The same with another number of agents, at least 20, and of runs.
#[must_use]
pub fn sized(seed: Seed, agents: usize, runs: usize, with: bool) -> Planted {
    let world = World::drawn(seed.of(1), agents.max(20), runs, with);
    let episodes = play::played(&world, seed.of(2), runs);
    let mut truth = world.truth;
    if !with {
        truth = Truth::default();
    }
    Planted { episodes, declared: world.declared, truth }
}

#[cfg(test)]
mod tests {
    use baton_learn::insights;
    use baton_learn::teams::teams;

    use super::*;

    #[test]
    fn what_was_planted_is_found() {
        let mut sums: Vec<Score> = Vec::new();
        for seed in 0..3 {
            let history = planted(Seed(seed));
            let scores = scored(&insights(&history.episodes, &history.declared, Seed(seed)), &history.truth);
            sums = match sums.is_empty() {
                true => scores,
                false => sums.into_iter().zip(scores).map(|(sum, score)| sum.plus(score)).collect(),
            };
        }
        for sum in sums {
            assert!(sum.precision() >= 0.9, "{sum:?}");
            assert!(sum.recall() >= 0.8, "{sum:?}");
        }
    }

    #[test]
    fn where_nothing_was_planted_nothing_is_found() {
        let mut told = 0;
        for seed in 0..3 {
            let history = null(Seed(seed));
            let scores = scored(&insights(&history.episodes, &history.declared, Seed(seed)), &history.truth);
            told += scores.iter().map(|score| score.told).sum::<usize>();
        }
        assert!(told <= 2, "{told} findings in three histories without any");
    }

    #[test]
    fn a_history_is_sorted_and_the_same_for_the_same_seed() {
        let history = sized(Seed(7), 20, 10, true);
        assert_eq!(history, sized(Seed(7), 20, 10, true));
        assert!(history.episodes.is_sorted_by(|a, b| a.seq < b.seq));
        assert_ne!(history.episodes, sized(Seed(8), 20, 10, true).episodes);
        assert!(sized(Seed(7), 0, 0, true).episodes.is_empty());
    }

    #[test]
    fn enough_is_planted() {
        for seed in 0..20 {
            let truth = sized(Seed(seed), 20, 40, true).truth;
            assert_eq!((truth.pairs.len(), truth.drifts.len(), truth.gaps.len()), (10, 4, 1));
            assert_eq!((truth.undeclared.len(), truth.teams.len(), truth.slow.len()), (24, 4, 1));
            assert_eq!((truth.shape.len(), truth.anomalies.len()), (4, 3));
            assert!(truth.overstated.len() >= 5 && truth.notes.len() == 48);
        }
    }

    #[test]
    fn the_same_episodes_give_the_same_insights() {
        let history = sized(Seed(3), 20, 30, true);
        let draw = || insights(&history.episodes, &history.declared, Seed(5));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn every_finding_names_events_that_happened() {
        let history = sized(Seed(3), 20, 60, true);
        let found = insights(&history.episodes, &history.declared, Seed(5));
        let happened = |seq: &i64| history.episodes.binary_search_by_key(seq, |episode| episode.seq).is_ok();
        let all = [
            found.pairs.iter().map(|one| &one.evidence).collect::<Vec<_>>(),
            found.drifts.iter().map(|one| &one.evidence).collect(),
            found.gaps.iter().map(|one| &one.evidence).collect(),
            found.skills.discovered.iter().chain(&found.skills.refuted).map(|one| &one.evidence).collect(),
            found.skills.proposals.iter().map(|one| &one.evidence).collect(),
            found.teams.teams.iter().map(|one| &one.evidence).collect(),
            found.bottlenecks.runs.iter().map(|one| &one.evidence).collect(),
            found.patterns.patterns.iter().map(|one| &one.evidence).collect(),
            found.anomalies.iter().map(|one| &one.evidence).collect(),
            found.notes.iter().map(|one| &one.evidence).collect(),
        ];
        for evidence in all.iter().flatten() {
            assert!((1..=20).contains(&evidence.len()) && evidence.iter().all(happened), "{evidence:?}");
        }
        assert!(all.iter().all(|findings| !findings.is_empty()));
    }

    #[test]
    fn agents_with_skills_dealt_at_random_are_no_teams() {
        for seed in 0..3 {
            let found = teams(&null(Seed(seed)).episodes, Seed(seed));
            assert!(!found.structured && found.teams.is_empty(), "{found:?}");
        }
    }
}
