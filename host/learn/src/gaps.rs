//! Gaps: skills that tasks ask for and no agent delivers.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::episode::Episode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::discovery;
use super::evidence::telling;
use super::history::History;
use super::number::{amount, real};
use super::proportion::Proportion;
use super::ranks::median;
use super::strata::{Stratum, tails};

/// Demand for a skill, and how much of it is met. Tasks that were never attempted have no episodes and aren't
/// counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The skill.
    pub skill: String,
    /// Tasks that asked for it.
    pub demand: usize,
    /// Tasks of these that were accepted, at any attempt.
    pub met: usize,
    /// 95 % interval of the share that is met, 0.0 to 1.0.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// The least number of further tasks that would have been accepted at the rate of tasks without this skill: the
    /// demand times (that rate minus `high`).
    pub shortfall: f64,
    /// Median time from ready to started of first attempts, in milliseconds.
    pub waiting_ms: f64,
    /// Agents that attempted such tasks, sorted.
    pub agents: Vec<String>,
    /// One-sided p-value of the hypothesis that tasks with the skill are accepted as often as others.
    pub p: f64,
    /// Met at least a fifth less often than usual, at a false discovery rate of 5 % over all skills. A skill that is
    /// short only because it is asked for together with another one that is isn't lacking.
    pub lacking: bool,
    /// Numbers of events, attempts that were not accepted first.
    pub evidence: Vec<i64>,
}

/// A lacking skill is met at most this often, relative to the usual rate.
const SHORT: f64 = 0.8;

/// A task's demand for skills.
struct Need<'a> {
    met: bool,
    skills: &'a [String],
    attempts: &'a [&'a Episode],
}

/// Every skill that was asked for: lacking ones first, then by shortfall and by unmet demand.
#[must_use]
pub fn gaps(episodes: &[Episode]) -> Vec<Gap> {
    let history = History::of(episodes);
    let needs: Vec<Need> = history.tasks().filter_map(need).collect();
    let mut by_skill: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (need, place) in needs.iter().zip(0..) {
        for skill in need.skills {
            by_skill.entry(skill).or_default().push(place);
        }
    }
    let lacking = lacking(&needs, &by_skill);
    let all = tally(&needs);
    let mut gaps: Vec<Gap> = by_skill
        .iter()
        .map(|(skill, places)| {
            let own: Vec<&Need> = places.iter().map(|place| &needs[*place]).collect();
            let (lacking, p) = lacking.get(skill).copied().unwrap_or((false, 1.0));
            gap(skill, &own, all, p, lacking)
        })
        .collect();
    gaps.sort_by(|a, b| {
        b.lacking
            .cmp(&a.lacking)
            .then_with(|| b.shortfall.total_cmp(&a.shortfall))
            .then_with(|| (b.demand - b.met).cmp(&(a.demand - a.met)))
            .then_with(|| a.skill.cmp(&b.skill))
    });
    gaps
}

fn need<'a>(attempts: &'a [&'a Episode]) -> Option<Need<'a>> {
    let first = attempts.first()?;
    let met = attempts.iter().any(|episode| episode.verdict.is_accepted());
    Some(Need { met, skills: &first.skills, attempts })
}

fn tally<'n>(needs: impl IntoIterator<Item = &'n Need<'n>>) -> Proportion {
    let mut tally = Proportion::default();
    needs.into_iter().for_each(|need| tally.add(need.met));
    tally
}

/// Whether each skill is lacking, with its p-value. The surest is taken first, and tasks that asked for it are set
/// aside before the others are tested.
fn lacking<'a>(needs: &[Need], by_skill: &BTreeMap<&'a str, Vec<usize>>) -> BTreeMap<&'a str, (bool, f64)> {
    let mut left = vec![true; needs.len()];
    let mut found: BTreeMap<&str, (bool, f64)> = BTreeMap::new();
    loop {
        let shortages = shortages(needs, by_skill, &left);
        let open: Vec<(&str, f64)> =
            shortages.into_iter().filter(|(skill, _)| !found.contains_key(skill)).collect();
        let known = found.values().map(|(_, p)| *p);
        let p_values: Vec<f64> = open.iter().map(|(_, p)| *p).chain(known).collect();
        let significant = discovery::by_p_values(&p_values, discovery::RATE);
        let best = open
            .iter()
            .zip(significant)
            .filter(|(_, significant)| *significant)
            .map(|(open, _)| *open)
            .min_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(b.0)));
        let Some((skill, p)) = best else {
            found.extend(open.into_iter().map(|(skill, p)| (skill, (false, p))));
            return found;
        };
        for place in by_skill.get(skill).into_iter().flatten() {
            left[*place] = false;
        }
        found.insert(skill, (true, p));
    }
}

/// For each skill the probability of at most this many met tasks, among those that are left.
fn shortages<'a>(
    needs: &[Need],
    by_skill: &BTreeMap<&'a str, Vec<usize>>,
    left: &[bool],
) -> Vec<(&'a str, f64)> {
    let all = tally(needs.iter().zip(left).filter(|(_, left)| **left).map(|(need, _)| need));
    by_skill
        .iter()
        .map(|(skill, places)| {
            let own = tally(places.iter().filter(|place| left[**place]).map(|place| &needs[*place]));
            (*skill, tails(&[Stratum { own, rest: all.minus(own) }]).few)
        })
        .collect()
}

fn gap(skill: &str, own: &[&Need], all: Proportion, p: f64, lacking: bool) -> Gap {
    let met = tally(own.iter().copied());
    let usual = all.minus(met).rate();
    let (low, high) = met.interval();
    let attempts = || own.iter().flat_map(|need| need.attempts.iter());
    let agents: BTreeSet<&str> = attempts().map(|episode| episode.agent.as_str()).collect();
    let waits: Vec<f64> =
        own.iter().filter_map(|need| need.attempts.first()).map(|first| amount(first.waiting_ms())).collect();
    Gap {
        skill: skill.to_owned(),
        demand: met.of,
        met: met.good,
        low,
        high,
        shortfall: real(met.of) * (usual - high).max(0.0),
        waiting_ms: median(&waits),
        agents: agents.into_iter().map(str::to_owned).collect(),
        p,
        lacking: lacking && high <= SHORT * usual,
        evidence: telling(attempts().map(|episode| (!episode.verdict.is_accepted(), episode.seq))),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::clock::Time;
    use baton_core::id::TaskId;
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    fn attempt(seq: i64, task: i64, agent: &str, skills: &[&str], good: bool) -> Episode {
        Episode {
            task: TaskId(task),
            agent: agent.into(),
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            verdict: if good { Verdict::Accepted } else { Verdict::Refused },
            ready: Time(0),
            started: Time(seq),
            ..crate::sample::sample(seq)
        }
    }

    /// Nine of ten tasks are delivered, of whatever skills; of those with
    /// cobol, which are half of those with rust, one of ten.
    fn world(seed: u64, gap: bool) -> Vec<Episode> {
        let task = |seq: i64| {
            let draw = |n: i64| Seed(seed).of(seq).of(n).fraction();
            let (skills, rate): (&[&str], f64) = match seq % 20 {
                0 if gap => (&["cobol", "rust"], 0.1),
                0 | 1 => (&["rust"], 0.9),
                2..12 => (&["sql"], 0.9),
                _ => (&["react", "sql"], 0.9),
            };
            attempt(seq, seq, "a", skills, draw(1) < rate)
        };
        (0..1000).map(task).collect()
    }

    #[test]
    fn a_planted_gap_is_first_and_what_comes_with_it_is_no_gap() {
        for seed in 0..20 {
            let gaps = gaps(&world(seed, true));
            assert_eq!((gaps[0].skill.as_str(), gaps[0].demand, gaps[0].lacking), ("cobol", 50, true));
            assert!(gaps[0].shortfall > 25.0 && gaps[1..].iter().all(|gap| !gap.lacking), "{gaps:?}");
        }
    }

    #[test]
    fn where_all_is_delivered_nothing_lacks() {
        for seed in 0..20 {
            assert!(gaps(&world(seed, false)).iter().all(|gap| !gap.lacking));
        }
        assert!(gaps(&[]).is_empty());
    }

    #[test]
    fn a_task_counts_once_and_is_met_by_its_last_attempt() {
        let gaps = gaps(&[
            attempt(10, 1, "b", &["rust"], false),
            attempt(30, 1, "a", &["rust"], true),
            attempt(50, 2, "b", &["rust"], false),
        ]);
        let gap = &gaps[0];
        assert_eq!((gap.demand, gap.met, gap.agents.as_slice()), (2, 1, &["a".to_owned(), "b".into()][..]));
        assert!((gap.waiting_ms - 30.0).abs() < 1e-9);
        assert_eq!(gap.evidence, [50, 10, 30]);
    }
}
