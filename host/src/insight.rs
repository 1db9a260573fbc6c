//! Insight: what the record of attempts teaches about agents, the work, and what goes between them. Every analysis is a
//! pure function of the episodes, and every finding names the events that it rests on.

pub mod anomaly;
pub mod bottleneck;
mod discovery;
pub mod drift;
pub mod episode;
mod evidence;
pub mod gaps;
mod history;
pub mod notes;
mod number;
pub mod pairs;
pub mod patterns;
pub mod planted;
pub mod proportion;
mod ranks;
pub mod skills;
mod strata;
pub mod teams;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use anomaly::{Anomaly, anomalies};
pub use bottleneck::{Bottlenecks, bottlenecks};
pub use drift::{Drift, drifts};
pub use episode::{Episode, Verdict};
pub use gaps::{Gap, gaps};
pub use notes::{Note, learned};
pub use pairs::{Pair, lifts};
pub use patterns::{Patterns, patterns};
pub use proportion::Proportion;
pub use skills::{Bar, Skills, skills};
pub use teams::{Teams, teams};

use crate::seed::Seed;

/// All that the record teaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Insights {
    pub pairs: Vec<Pair>,
    pub drifts: Vec<Drift>,
    pub gaps: Vec<Gap>,
    pub skills: Skills,
    pub teams: Teams,
    pub bottlenecks: Bottlenecks,
    pub patterns: Patterns,
    pub anomalies: Vec<Anomaly>,
    pub notes: Vec<Note>,
}

/// Draws all insights from episodes sorted by `seq`, the skills that each agent declares, and a seed for the searches
/// that need one.
#[must_use]
pub fn drawn(episodes: &[Episode], declared: &BTreeMap<String, Vec<String>>, seed: Seed) -> Insights {
    Insights {
        pairs: lifts(episodes),
        drifts: drifts(episodes),
        gaps: gaps(episodes),
        skills: skills(episodes, declared, &Bar::default()),
        teams: teams(episodes, seed),
        bottlenecks: bottlenecks(episodes),
        patterns: patterns(episodes),
        anomalies: anomalies(episodes),
        notes: learned(episodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::fault::ErrorClass;
    use crate::id::{RunId, TaskId};

    /// Episodes that no host would record: circular and missing dependencies, times that run backwards, equal numbers.
    fn garbage(seed: u64) -> Vec<Episode> {
        let count = i64::try_from(seed * 7 % 90).unwrap();
        let episode = |seq: i64| {
            let draw = |n: i64, bound: u64| i64::try_from(Seed(seed).of(seq).of(n).0 % bound).unwrap();
            let names = ["", "a", "b", "ü/ß", "*"];
            let name = |n: i64| names[usize::try_from(draw(n, 5)).unwrap()].to_owned();
            Episode {
                seq: seq / 2,
                run: RunId(draw(1, 3)),
                task: TaskId(draw(2, 20)),
                name: name(3),
                kind: name(4),
                skills: (0..draw(5, 3)).map(|n| name(20 + n)).collect(),
                agent: name(6),
                verdict: match draw(7, 3) {
                    0 => Verdict::Accepted,
                    1 => Verdict::Refused,
                    _ => Verdict::Failed(ErrorClass::ALL[usize::try_from(draw(8, 13)).unwrap()]),
                },
                ready: Time(draw(9, 50) - 10),
                started: if draw(10, 9) == 0 { Time(i64::MIN) } else { Time(draw(11, 50)) },
                ended: if draw(12, 9) == 0 { Time::NEVER } else { Time(draw(13, 50)) },
                cost_micros: (draw(14, 2) == 0).then_some(if draw(15, 5) == 0 { u64::MAX } else { 7 }),
                quality: None,
                files: (0..draw(16, 3)).map(|n| format!("{}/x.{}", name(30 + n), name(40 + n))).collect(),
                depends_on: (0..draw(17, 4)).map(|n| TaskId(draw(50 + n, 22))).collect(),
                remarks: (0..draw(18, 3)).map(|n| format!("{}: '{}", name(60 + n), name(70 + n))).collect(),
            }
        };
        (0..count).map(episode).collect()
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(drawn(&[], &BTreeMap::new(), Seed(1)), Insights::default());
    }

    #[test]
    fn no_episodes_however_odd_do_harm() {
        for seed in 0..200 {
            let episodes = garbage(seed);
            let insights = drawn(&episodes, &BTreeMap::new(), Seed(seed));
            let text = serde_json::to_string(&insights).unwrap();
            serde_json::from_str::<Insights>(&text).expect("a number that is none does not read back");
        }
    }

    #[test]
    fn the_same_episodes_give_the_same_insights() {
        let history = planted::sized(Seed(3), 20, 30, true);
        let draw = || drawn(&history.episodes, &history.declared, Seed(5));
        assert_eq!(draw(), draw());
    }

    #[test]
    fn every_finding_names_events_that_happened() {
        let history = planted::sized(Seed(3), 20, 60, true);
        let found = drawn(&history.episodes, &history.declared, Seed(5));
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
}
