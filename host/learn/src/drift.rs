//! Capability drift: agents that became better or worse at a skill.

mod detector;
mod hindsight;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use baton_core::episode::Episode;
pub use detector::{Alarm, Detector};
use hindsight::{Change, changes};

use super::discovery;
use super::evidence::telling;
use super::proportion::Proportion;

/// A change in how often an agent's attempts with a skill are accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// The agent's name.
    pub agent: String,
    /// The skill.
    pub skill: String,
    /// Better or worse.
    pub direction: Direction,
    /// The first event after the change.
    pub from: i64,
    /// The event with which the [`Detector`] noticed it.
    pub noticed: i64,
    /// Attempts before the change, since the previous change; `after` is up to the next one.
    pub before: Proportion,
    /// See `before`.
    pub after: Proportion,
    /// Natural logarithm of the e-value against "there is no change between the previous and the next one": how many
    /// times likelier the order of attempts is with a change than without.
    pub ln_evidence: f64,
    /// Confirmed in hindsight, at a false discovery rate of 5 % over all agents and skills. The rest are alarms, of
    /// which about one in 1,300 attempts is false.
    pub held: bool,
    /// Numbers of events, those after the change first.
    pub evidence: Vec<i64>,
}

/// Which way a rate changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More attempts are accepted.
    Up,
    /// Fewer attempts are accepted.
    Down,
}

/// The results of an agent's attempts with a skill, in order.
type Series = Vec<(i64, bool)>;

/// The changes that a [`Detector`] noticed, located and tested with all data; confirmed ones first, then by strength.
#[must_use]
pub fn drifts(episodes: &[Episode]) -> Vec<Drift> {
    let cells = cells(episodes);
    let mut hypotheses = 0;
    let mut drifts = Vec::new();
    for ((agent, skill), series) in &cells {
        let changes = changes(series);
        hypotheses += changes.len().max(1);
        drifts.extend(changes.iter().map(|change| named(agent, skill, series, change)));
    }
    let strengths: Vec<f64> = drifts.iter().map(|drift| drift.ln_evidence).collect();
    let held = discovery::by_e_values(&strengths, hypotheses, discovery::RATE);
    for (drift, held) in drifts.iter_mut().zip(held) {
        drift.held = held;
    }
    drifts.sort_by(|a, b| {
        b.held
            .cmp(&a.held)
            .then_with(|| b.ln_evidence.total_cmp(&a.ln_evidence))
            .then_with(|| (&a.agent, &a.skill, a.from).cmp(&(&b.agent, &b.skill, b.from)))
    });
    drifts
}

fn cells(episodes: &[Episode]) -> BTreeMap<(&str, &str), Series> {
    let mut cells: BTreeMap<(&str, &str), Series> = BTreeMap::new();
    for episode in episodes {
        let Some(good) = episode.verdict.ability() else { continue };
        for skill in &episode.skills {
            cells.entry((&episode.agent, skill)).or_default().push((episode.seq, good));
        }
    }
    cells
}

fn named(agent: &str, skill: &str, series: &[(i64, bool)], change: &Change) -> Drift {
    let side = |from: usize, to: usize| series.get(from..to).unwrap_or_default();
    let count = |side: &[(i64, bool)]| Proportion {
        good: side.iter().filter(|(_, good)| *good).count(),
        of: side.len(),
    };
    let (before, after) = (side(change.start, change.split), side(change.split, change.end));
    let up = count(after).rate() > count(before).rate();
    let for_it = after.iter().filter(|(_, good)| *good == up).map(|(seq, _)| (true, *seq));
    let against_it = before.iter().filter(|(_, good)| *good != up).map(|(seq, _)| (false, *seq));
    Drift {
        agent: agent.to_owned(),
        skill: skill.to_owned(),
        direction: if up { Direction::Up } else { Direction::Down },
        from: after.first().map_or(change.noticed, |(seq, _)| *seq),
        noticed: change.noticed,
        before: count(before),
        after: count(after),
        ln_evidence: change.ln_evidence,
        held: false,
        evidence: telling(for_it.chain(against_it)),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    /// 30 agents with 200 attempts each at one skill, at these rates.
    fn world(seed: u64, rate: impl Fn(i64, i64) -> f64) -> Vec<Episode> {
        let attempt = |seq: i64| {
            let (agent, turn) = (seq % 30, seq / 30);
            let good = Seed(seed).of(seq).fraction() < rate(agent, turn);
            let verdict = if good { Verdict::Accepted } else { Verdict::Refused };
            Episode { agent: format!("a{agent}"), verdict, ..crate::sample::sample(seq) }
        };
        (0..6000).map(attempt).collect()
    }

    #[test]
    fn a_fall_and_a_rise_are_found_where_they_are() {
        for seed in 0..10 {
            let rate = |agent: i64, turn: i64| match agent {
                3 if turn >= 120 => 0.35,
                3 => 0.8,
                5 if turn < 80 => 0.35,
                _ => 0.8,
            };
            let held: Vec<Drift> =
                drifts(&world(seed, rate)).into_iter().filter(|drift| drift.held).collect();
            let found: BTreeMap<&str, &Drift> =
                held.iter().map(|drift| (drift.agent.as_str(), drift)).collect();
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), ["a3", "a5"]);
            let (fall, rise) = (found["a3"], found["a5"]);
            assert_eq!((fall.direction, rise.direction), (Direction::Down, Direction::Up));
            assert!(
                (fall.from / 30 - 120).abs() <= 15 && (rise.from / 30 - 80).abs() <= 15,
                "{fall:?} {rise:?}"
            );
            assert!(fall.noticed > fall.from && fall.before.of + fall.after.of == 200);
            assert!(fall.evidence.len() == 20 && fall.evidence.iter().all(|seq| *seq >= fall.from));
        }
    }

    #[test]
    fn an_agent_that_stays_as_it_is_has_no_drift_that_holds() {
        for seed in 0..20 {
            let found = drifts(&world(seed, |agent, _| f64::from(u8::try_from(agent).unwrap()) / 30.0));
            assert!(found.iter().all(|drift| !drift.held), "{found:?}");
        }
    }

    #[test]
    fn what_lies_outside_the_agent_does_not_count() {
        let mut episodes = world(1, |_, _| 0.9);
        for episode in episodes.iter_mut().filter(|episode| episode.seq > 3000) {
            episode.verdict = Verdict::Failed(baton_core::fault::ErrorClass::RateLimited);
        }
        assert!(drifts(&episodes).iter().all(|drift| !drift.held));
        assert!(drifts(&[]).is_empty());
    }
}
