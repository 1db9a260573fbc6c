//! Anomalies: agents whose latest attempts take longer, cost more or fail more often than theirs used to, or less.

use std::collections::BTreeMap;

use baton_core::episode::Episode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::discovery;
use super::evidence::MOST;
use super::number::{amount, real};
use super::proportion::Proportion;
use super::ranks::{median, rank_sum, spread};
use super::strata::{Stratum, tails};

/// A shift in an agent's latest attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Anomaly {
    /// The agent's name.
    pub agent: String,
    /// None = over all kinds.
    pub kind: Option<String>,
    /// What shifted.
    pub measure: Metric,
    /// The former value, and with `now` the current one: the median in milliseconds or millionths of the currency, or
    /// the share of failed attempts. The mix of kinds may have changed, so `ratio` need not be their quotient.
    pub before: f64,
    /// See `before`.
    pub now: f64,
    /// The current value relative to comparable former attempts; for failures the ratio of rates, with half a failure
    /// added on both sides.
    pub ratio: f64,
    /// The shift in robust standard deviations of single attempts, on a logarithmic scale; none for failures and where
    /// attempts did not differ before.
    pub deviations: Option<f64>,
    /// Two-sided p-value.
    pub p: f64,
    /// Attempts in the window, which are compared with those in history.
    pub window: usize,
    /// Attempts before the window.
    pub history: usize,
    /// The first event of the window.
    pub since: i64,
    /// Numbers of events in the window, the most extreme first.
    pub evidence: Vec<i64>,
}

/// What can shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Duration of attempts, in milliseconds.
    Latency,
    /// Cost of attempts, in millionths of the currency.
    Cost,
    /// Share of failed attempts.
    Failures,
}

/// The number of newest attempts that are compared with those before; of an agent at one kind, fewer.
const WINDOW: usize = 40;
const WINDOW_OF_KIND: usize = 20;
/// Minimum number of attempts in the window, and in history.
const LEAST: usize = 8;
const LEAST_HISTORY: usize = 20;
/// A shift by a smaller factor, up or down, isn't reported however sure it is.
const FACTOR: f64 = 1.25;

/// Shifts at a false discovery rate of 1 % over all agents, kinds and metrics, the surest first. A kind is reported
/// only if the agent as a whole isn't.
#[must_use]
pub fn anomalies(episodes: &[Episode]) -> Vec<Anomaly> {
    let mut agents: BTreeMap<&str, Vec<&Episode>> = BTreeMap::new();
    for episode in episodes {
        agents.entry(&episode.agent).or_default().push(episode);
    }
    let mut all = Vec::new();
    for (agent, attempts) in &agents {
        all.extend(shifts(agent, None, attempts, WINDOW));
        let mut kinds: BTreeMap<&str, Vec<&Episode>> = BTreeMap::new();
        for episode in attempts {
            kinds.entry(&episode.kind).or_default().push(episode);
        }
        all.extend(kinds.iter().flat_map(|(kind, own)| shifts(agent, Some(kind), own, WINDOW_OF_KIND)));
    }
    significant(all)
}

fn significant(all: Vec<Anomaly>) -> Vec<Anomaly> {
    let p_values: Vec<f64> = all.iter().map(|anomaly| anomaly.p).collect();
    let sure = discovery::by_p_values(&p_values, discovery::STRICT);
    let large = |anomaly: &Anomaly| anomaly.ratio >= FACTOR || anomaly.ratio <= 1.0 / FACTOR;
    let mut found: Vec<Anomaly> = all
        .into_iter()
        .zip(sure)
        .filter(|(anomaly, sure)| *sure && large(anomaly))
        .map(|(found, _)| found)
        .collect();
    let whole: Vec<(String, Metric, bool)> =
        found.iter().filter(|anomaly| anomaly.kind.is_none()).map(Anomaly::says).collect();
    found.retain(|anomaly| anomaly.kind.is_none() || !whole.contains(&anomaly.says()));
    found.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| (a.says(), &a.kind).cmp(&(b.says(), &b.kind))));
    found
}

impl Anomaly {
    fn says(&self) -> (String, Metric, bool) {
        (self.agent.clone(), self.measure, self.ratio > 1.0)
    }
}

/// Attempts of one agent, or of one agent at one kind: the newest, and those before.
struct Comparison<'a> {
    agent: &'a str,
    kind: Option<&'a str>,
    window: &'a [&'a Episode],
    history: &'a [&'a Episode],
}

fn shifts(agent: &str, kind: Option<&str>, attempts: &[&Episode], window: usize) -> Vec<Anomaly> {
    let newest = window.min(attempts.len() / 3);
    let (history, window) = attempts.split_at(attempts.len() - newest);
    let comparison = Comparison { agent, kind, window, history };
    let latency = |episode: &Episode| episode.verdict.ability().map(|_| amount(episode.working_ms()));
    let cost = |episode: &Episode| episode.cost_micros.map(amount);
    [
        comparison.amounts(Metric::Latency, latency),
        comparison.amounts(Metric::Cost, cost),
        comparison.failures(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An attempt's amount, and its logarithm minus the median of its kind in history.
struct Reading {
    seq: i64,
    value: f64,
    residual: f64,
}

impl Comparison<'_> {
    /// Compares logarithms, because amounts vary by factors, each minus what is usual for its kind, because the mix
    /// of kinds varies.
    fn amounts(&self, measure: Metric, of: impl Fn(&Episode) -> Option<f64>) -> Option<Anomaly> {
        let mut usual: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for episode in self.history {
            usual.entry(&episode.kind).or_default().extend(of(episode).map(f64::ln_1p));
        }
        let usual: BTreeMap<&str, f64> = usual
            .iter()
            .filter(|(_, logs)| logs.len() >= 5)
            .map(|(kind, logs)| (*kind, median(logs)))
            .collect();
        let readings = |episodes: &[&Episode]| -> Vec<Reading> {
            let reading = |episode: &&Episode| {
                let value = of(episode)?;
                let residual = value.ln_1p() - usual.get(episode.kind.as_str())?;
                Some(Reading { seq: episode.seq, value, residual })
            };
            episodes.iter().filter_map(reading).collect()
        };
        let (now, before) = (readings(self.window), readings(self.history));
        if now.len() < LEAST || before.len() < LEAST_HISTORY {
            return None;
        }
        let residuals = |readings: &[Reading]| readings.iter().map(|one| one.residual).collect::<Vec<f64>>();
        let values = |readings: &[Reading]| readings.iter().map(|one| one.value).collect::<Vec<f64>>();
        let (new, old) = (residuals(&now), residuals(&before));
        let (shift, spread) = (median(&new) - median(&old), spread(&old));
        Some(Anomaly {
            before: median(&values(&before)),
            now: median(&values(&now)),
            ratio: shift.exp(),
            deviations: (spread > 0.0).then(|| shift / spread),
            p: rank_sum(&new, &old),
            evidence: extremes(now.iter().map(|one| (one.residual * shift.signum(), one.seq)).collect()),
            ..self.blank(measure, now.len(), before.len())
        })
    }

    /// Kind by kind, because kinds differ in how often they fail.
    fn failures(&self) -> Option<Anomaly> {
        if self.window.len() < LEAST || self.history.len() < LEAST_HISTORY {
            return None;
        }
        let mut strata: BTreeMap<&str, Stratum> = BTreeMap::new();
        for episode in self.window {
            strata.entry(&episode.kind).or_default().own.add(episode.verdict.is_failed());
        }
        for episode in self.history {
            strata.entry(&episode.kind).or_default().rest.add(episode.verdict.is_failed());
        }
        let strata: Vec<Stratum> = strata.into_values().collect();
        let sum = |side: fn(&Stratum) -> Proportion| {
            strata.iter().map(side).fold(Proportion::default(), Proportion::plus)
        };
        let (now, before) = (sum(|stratum| stratum.own), sum(|stratum| stratum.rest));
        let odds = |seen: Proportion| (real(seen.good) + 0.5) / (real(seen.of) + 1.0);
        let more = odds(now) > odds(before);
        let events = self
            .window
            .iter()
            .map(|episode| (f64::from(u8::from(episode.verdict.is_failed() == more)), episode.seq));
        Some(Anomaly {
            before: before.rate(),
            now: now.rate(),
            ratio: odds(now) / odds(before),
            p: tails(&strata).two_sided(),
            evidence: extremes(events.collect()),
            ..self.blank(Metric::Failures, now.of, before.of)
        })
    }

    fn blank(&self, measure: Metric, window: usize, history: usize) -> Anomaly {
        Anomaly {
            agent: self.agent.to_owned(),
            kind: self.kind.map(str::to_owned),
            measure,
            before: 0.0,
            now: 0.0,
            ratio: 1.0,
            deviations: None,
            p: 1.0,
            window,
            history,
            since: self.window.first().map_or(0, |episode| episode.seq),
            evidence: Vec::new(),
        }
    }
}

/// The largest first, newest first among equals.
fn extremes(mut events: Vec<(f64, i64)>) -> Vec<i64> {
    events.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| b.1.cmp(&a.1)));
    events.into_iter().take(MOST).map(|(_, seq)| seq).collect()
}

#[cfg(test)]
mod tests {
    use baton_core::clock::Time;
    use baton_core::fault::ErrorClass;
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    /// 12 agents with 200 attempts each, at two kinds of which one takes ten times as long; heavy tails.
    fn world(seed: u64, change: impl Fn(&mut Episode, i64)) -> Vec<Episode> {
        let attempt = |seq: i64| {
            let draw = |n: i64| Seed(seed).of(seq).of(n).fraction();
            let long = draw(1) < 0.5;
            let tail = (1_000_000_000_000 / (Seed(seed).of(seq).of(2).0 % 1_000_000 + 1)).isqrt();
            let length = i64::try_from(tail).unwrap() * if long { 10 } else { 1 };
            let failed = draw(3) < 0.05;
            let mut episode = Episode {
                agent: format!("a{}", seq % 12),
                kind: if long { "long".into() } else { "short".into() },
                verdict: if failed { Verdict::Failed(ErrorClass::Timeout) } else { Verdict::Accepted },
                started: Time(0),
                ended: Time(length),
                cost_micros: Some(100 + u64::try_from(length).unwrap() / 7),
                ..crate::sample::sample(seq)
            };
            change(&mut episode, seq / 12);
            episode
        };
        (0..2400).map(attempt).collect()
    }

    #[test]
    fn nothing_is_told_of_agents_that_stay_as_they_are() {
        let significant: usize = (0..20).map(|seed| anomalies(&world(seed, |_, _| ())).len()).sum();
        assert!(significant <= 1, "{significant} in 20 histories");
        assert!(anomalies(&[]).is_empty());
    }

    #[test]
    fn a_shift_of_each_measure_is_found_and_measured() {
        for seed in 0..10 {
            let found = anomalies(&world(seed, |episode, turn| {
                let late = turn >= 160;
                match episode.agent.as_str() {
                    "a1" if late => episode.ended = Time(episode.ended.0 * 3),
                    "a2" if late => episode.cost_micros = episode.cost_micros.map(|cost| cost / 3),
                    "a3" if late && turn % 2 == 0 => episode.verdict = Verdict::Failed(ErrorClass::Transient),
                    _ => {}
                }
            }));
            let significant: Vec<(&str, Metric, bool)> =
                found.iter().map(|one| (one.agent.as_str(), one.measure, one.ratio > 1.0)).collect();
            let mut sorted = significant.clone();
            sorted.sort();
            assert_eq!(
                sorted,
                [("a1", Metric::Latency, true), ("a2", Metric::Cost, false), ("a3", Metric::Failures, true)],
                "seed {seed}"
            );
            let slow = found.iter().find(|one| one.agent == "a1").unwrap();
            assert!(
                (1.8..5.0).contains(&slow.ratio) && slow.deviations.unwrap() > 0.5 && slow.kind.is_none()
            );
            assert!(slow.since >= 1900 && slow.evidence.iter().all(|seq| *seq >= slow.since));
        }
    }

    #[test]
    fn another_mix_of_kinds_is_no_shift() {
        for seed in 0..10 {
            let mut episodes = world(seed, |_, _| ());
            episodes.retain(|episode| episode.seq < 1900 || episode.kind == "long");
            let found = anomalies(&episodes);
            assert!(found.iter().all(|one| one.measure == Metric::Failures), "{found:?}");
        }
    }

    #[test]
    fn a_shift_at_one_kind_is_told_of_that_kind() {
        let found = anomalies(&world(4, |episode, turn| {
            if episode.agent == "a5" && episode.kind == "short" && turn >= 150 {
                episode.ended = Time(episode.ended.0 * 8);
            }
        }));
        assert!(
            found
                .iter()
                .any(|one| one.agent == "a5" && one.kind.as_deref().is_none_or(|kind| kind == "short"))
        );
    }

    #[test]
    fn constant_amounts_and_unknown_costs_do_no_harm() {
        let episodes: Vec<Episode> = (0..200).map(crate::sample::sample).collect();
        assert!(anomalies(&episodes).is_empty());
    }
}
