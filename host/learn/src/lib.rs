//! Learning from the record: expectations for agents, guards of trials, and insights about agents and work. Every
//! analysis is a pure function of episodes, and every finding cites the events that it rests on.

#![deny(missing_docs)]

pub mod anomaly;
pub mod bottleneck;
mod discovery;
pub mod drift;
mod evidence;
pub mod gaps;
pub mod guard;
mod history;
pub mod notes;
pub mod number;
pub mod pairs;
pub mod patterns;
pub mod pooled;
pub mod proportion;
mod ranks;
#[cfg(test)]
mod sample;
pub mod skills;
mod strata;
pub mod teams;
pub mod trial;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use anomaly::{Anomaly, anomalies};
pub use bottleneck::{Bottlenecks, bottlenecks};
pub use drift::{Drift, drifts};
pub use gaps::{Gap, gaps};
pub use notes::learned;
pub use pairs::{Pair, lifts};
pub use patterns::{Patterns, patterns};
pub use proportion::Proportion;
pub use skills::{SkillThresholds, Skills, skills};
pub use teams::{Teams, teams};

use baton_core::episode::Episode;
use baton_core::note::Note;
use baton_core::seed::Seed;

/// The findings of all analyses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Insights {
    /// Hand-offs between agents, the surest differences first.
    pub pairs: Vec<Pair>,
    /// Agents that became better or worse, confirmed ones first.
    pub drifts: Vec<Drift>,
    /// Demand for skills, lacking ones first.
    pub gaps: Vec<Gap>,
    /// Differences from declared skills.
    pub skills: Skills,
    /// Agents that belong together.
    pub teams: Teams,
    /// Critical paths of runs.
    pub bottlenecks: Bottlenecks,
    /// Subgraphs that runs have in common.
    pub patterns: Patterns,
    /// Recent shifts of latency, cost and failures.
    pub anomalies: Vec<Anomaly>,
    /// What refusals taught, those with the highest weight first.
    pub notes: Vec<Note>,
}

/// Runs all analyses. `episodes` are sorted by `seq`, `declared` are the skills that each agent declares, and `seed`
/// is for randomised searches.
#[must_use]
pub fn insights(episodes: &[Episode], declared: &BTreeMap<String, Vec<String>>, seed: Seed) -> Insights {
    Insights {
        pairs: lifts(episodes),
        drifts: drifts(episodes),
        gaps: gaps(episodes),
        skills: skills(episodes, declared, &SkillThresholds::default()),
        teams: teams(episodes, seed),
        bottlenecks: bottlenecks(episodes),
        patterns: patterns(episodes),
        anomalies: anomalies(episodes),
        notes: learned(episodes),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::clock::Time;
    use baton_core::fault::ErrorClass;
    use baton_core::id::{RunId, TaskId};
    use baton_core::knowledge::Verdict;

    use super::*;

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
        assert_eq!(insights(&[], &BTreeMap::new(), Seed(1)), Insights::default());
    }

    #[test]
    fn no_episodes_however_odd_do_harm() {
        for seed in 0..200 {
            let episodes = garbage(seed);
            let insights = insights(&episodes, &BTreeMap::new(), Seed(seed));
            let text = serde_json::to_string(&insights).unwrap();
            serde_json::from_str::<Insights>(&text).expect("a number that is none does not read back");
        }
    }
}
