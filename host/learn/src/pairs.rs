//! Relationship lift: whether an agent does better or worse with work handed over by a certain agent (or itself) than
//! with comparable work otherwise.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::episode::Episode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::discovery;
use super::evidence::telling;
use super::history::History;
use super::number::{mean, real, share};
use super::proportion::Proportion;
use super::strata::{Stratum, tails};

/// The hand-offs from one agent to another. A hand-off is a task of which `taker` made the first attempt, and which
/// depends on a task whose accepted attempt `giver` made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The agent that handed over.
    pub giver: String,
    /// The agent that took over; may be the giver itself.
    pub taker: String,
    /// Number of hand-offs, without those that also involve another giver that certainly makes a difference.
    pub hand_offs: usize,
    /// Hand-offs after which the taker's attempt was accepted.
    pub accepted: usize,
    /// Expected share of accepted attempts, 0.0 to 1.0: the taker's rate at the same work without this giver.
    pub expected: f64,
    /// The observed share minus the expected one, -1.0 to 1.0.
    pub lift: f64,
    /// 95 % interval of the lift.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Two-sided p-value of the hypothesis that the giver makes no difference.
    pub p: f64,
    /// At a false discovery rate of 5 % over all pairs.
    pub significant: bool,
    /// Numbers of events that ended the taker's attempts.
    pub evidence: Vec<i64>,
}

/// Weight of the level above in the hierarchical expectation, in attempts.
const BORROWED: f64 = 8.0;

/// The first attempt at a task that says something about its agent.
struct Opening {
    /// Index of the work (kind and skills) among the taker's.
    work: usize,
    good: bool,
    /// Indices among the givers, sorted.
    givers: Vec<usize>,
    seq: i64,
}

/// The openings of one taker.
#[derive(Default)]
struct Taker<'a> {
    works: BTreeMap<(&'a str, &'a [String]), usize>,
    givers: Vec<&'a str>,
    openings: Vec<Opening>,
}

/// Every ordered pair with a hand-off, the surest differences first.
///
/// The test conditions on how often the taker's comparable attempts (same kind and skills) were accepted without the
/// giver, so that the uncertainty of the expectation is accounted for. A pair that certainly differs would bias the
/// expectation of the others with the same taker, so its hand-offs are set aside for them.
#[must_use]
pub fn lifts(episodes: &[Episode]) -> Vec<Pair> {
    let takers = takers(episodes);
    let mut overall = Proportion::default();
    for opening in takers.values().flat_map(|taker| &taker.openings) {
        overall.add(opening.good);
    }
    let usual = overall.shrunk(0.5, 2.0);
    let mut pairs: Vec<Pair> = takers.iter().flat_map(|(name, taker)| taker.pairs(name, usual)).collect();
    let p_values: Vec<f64> = pairs.iter().map(|pair| pair.p).collect();
    for (pair, significant) in pairs.iter_mut().zip(discovery::by_p_values(&p_values, discovery::RATE)) {
        pair.significant = significant;
    }
    pairs.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| (&a.giver, &a.taker).cmp(&(&b.giver, &b.taker))));
    pairs
}

fn takers(episodes: &[Episode]) -> BTreeMap<&str, Taker<'_>> {
    let history = History::of(episodes);
    let mut takers: BTreeMap<&str, Taker> = BTreeMap::new();
    for attempts in history.tasks() {
        let first = attempts.iter().find_map(|episode| Some((*episode, episode.verdict.ability()?)));
        let Some((episode, good)) = first else { continue };
        let handed = episode.depends_on.iter().filter_map(|task| history.accepted(*task));
        let givers = handed.map(|giver| giver.agent.as_str()).collect();
        takers.entry(&episode.agent).or_default().add(episode, good, givers);
    }
    takers
}

impl<'a> Taker<'a> {
    fn add(&mut self, episode: &'a Episode, good: bool, givers: BTreeSet<&'a str>) {
        let next = self.works.len();
        let work = *self.works.entry((&episode.kind, &episode.skills)).or_insert(next);
        let mut places = Vec::new();
        for giver in givers {
            let known = self.givers.iter().position(|other| *other == giver);
            places.push(known.unwrap_or_else(|| {
                self.givers.push(giver);
                self.givers.len() - 1
            }));
        }
        places.sort_unstable();
        self.openings.push(Opening { work, good, givers: places, seq: episode.seq });
    }

    fn pairs(&self, name: &str, usual: f64) -> Vec<Pair> {
        let known = self.certain();
        let mut skills: Vec<&[String]> = vec![&[]; self.works.len()];
        for ((_, asked), work) in &self.works {
            skills[*work] = asked;
        }
        let pair = |(giver, place)| pair(giver, name, &self.compared(place, &known), &skills, usual);
        self.givers.iter().copied().zip(0..).filter_map(pair).collect()
    }

    /// Whether each giver certainly makes a difference; found one at a time, with the earlier ones set aside.
    fn certain(&self) -> Vec<bool> {
        let bar = discovery::RATE / real(self.givers.len().max(1));
        let mut known = vec![false; self.givers.len()];
        loop {
            let best = (0..known.len())
                .filter(|giver| !known[*giver])
                .map(|giver| {
                    (tails(&self.compared(giver, &known).strata(self.works.len())).two_sided(), giver)
                })
                .min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| self.givers[a.1].cmp(self.givers[b.1])));
            match best {
                Some((p, giver)) if p <= bar => known[giver] = true,
                Some(_) | None => return known,
            }
        }
    }

    fn compared(&self, giver: usize, known: &[bool]) -> Comparison<'_> {
        let apart = |opening: &&Opening| opening.givers.iter().all(|other| *other == giver || !known[*other]);
        let (own, rest) =
            self.openings.iter().filter(apart).partition(|opening| opening.givers.contains(&giver));
        Comparison { own, rest }
    }
}

/// A taker's attempts with one giver, and the comparable rest.
struct Comparison<'o> {
    own: Vec<&'o Opening>,
    rest: Vec<&'o Opening>,
}

impl Comparison<'_> {
    fn strata(&self, works: usize) -> Vec<Stratum> {
        let mut strata = vec![Stratum::default(); works];
        for opening in &self.own {
            strata[opening.work].own.add(opening.good);
        }
        for opening in &self.rest {
            strata[opening.work].rest.add(opening.good);
        }
        strata
    }
}

/// A taker's expected rate on each work, with its variance: each borrows from its skills, these from all of the
/// taker's work, and that from what is usual.
fn expectations(strata: &[Stratum], skills: &[&[String]], usual: f64) -> Vec<(f64, f64)> {
    let mut overall = Proportion::default();
    let mut by_skill: BTreeMap<&str, Proportion> = BTreeMap::new();
    for (stratum, skills) in strata.iter().zip(skills) {
        overall = overall.plus(stratum.rest);
        for skill in *skills {
            let sum = by_skill.entry(skill).or_default();
            *sum = sum.plus(stratum.rest);
        }
    }
    let overall = overall.shrunk(usual, BORROWED);
    let work = |(stratum, skills): (&Stratum, &&[String])| {
        let seen = skills.iter().filter_map(|skill| by_skill.get(skill.as_str()));
        let priors: Vec<f64> = seen.map(|proportion| proportion.shrunk(overall, BORROWED)).collect();
        let prior = if priors.is_empty() { overall } else { mean(&priors) };
        let p = stratum.rest.shrunk(prior, BORROWED);
        (p, p * (1.0 - p) / (real(stratum.rest.of) + BORROWED + 1.0))
    };
    strata.iter().zip(skills).map(work).collect()
}

fn pair(giver: &str, taker: &str, comparison: &Comparison, skills: &[&[String]], usual: f64) -> Option<Pair> {
    let strata = comparison.strata(skills.len());
    let observed = strata.iter().fold(Proportion::default(), |sum, stratum| sum.plus(stratum.own));
    if observed.of == 0 {
        return None;
    }
    let (mut expected, mut variance) = (0.0, 0.0);
    for (stratum, (p, spread)) in strata.iter().zip(expectations(&strata, skills, usual)) {
        let part = share(real(stratum.own.of), real(observed.of));
        expected += part * p;
        variance += part * part * spread;
    }
    let lift = observed.rate() - expected;
    let (low, high) = around(observed, expected, variance);
    let events = comparison.own.iter().map(|opening| (opening.good == (lift > 0.0), opening.seq));
    Some(Pair {
        giver: giver.to_owned(),
        taker: taker.to_owned(),
        hand_offs: observed.of,
        accepted: observed.good,
        expected,
        lift,
        low,
        high,
        p: tails(&strata).two_sided(),
        significant: false,
        evidence: telling(events),
    })
}

/// The interval of a difference, from those of its parts. Sources: Newcombe, "Interval Estimation for the Difference
/// between Independent Proportions", 1998; Zou and Donner, "Construction of Confidence Limits about Effect Measures", 2008.
fn around(observed: Proportion, expected: f64, variance: f64) -> (f64, f64) {
    let (low, high) = observed.wilson();
    let rate = observed.rate();
    let noise = 1.96_f64.powi(2) * variance;
    let lift = rate - expected;
    let below = ((rate - low).powi(2) + noise).sqrt();
    let above = ((high - rate).powi(2) + noise).sqrt();
    ((lift - below).max(-1.0), (lift + above).min(1.0))
}

#[cfg(test)]
mod tests {
    use baton_core::id::TaskId;
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    fn attempt(seq: i64, task: i64, agent: &str, good: bool, needs: &[i64]) -> Episode {
        Episode {
            task: TaskId(task),
            agent: agent.into(),
            verdict: if good { Verdict::Accepted } else { Verdict::Refused },
            depends_on: needs.iter().map(|need| TaskId(*need)).collect(),
            ..crate::sample::sample(seq)
        }
    }

    /// Hand-offs from six givers to six takers, who succeed at 0.7, and by `lift` more between some.
    fn world(seed: u64, lift: impl Fn(usize, usize) -> f64) -> Vec<Episode> {
        let mut episodes = Vec::new();
        for seq in 0..6000 {
            let draw = |n: i64| Seed(seed).of(seq).of(n);
            let place = |n: i64| usize::try_from(draw(n).0 % 6).unwrap();
            let (giver, taker) = (place(1), place(2));
            episodes.push(attempt(2 * seq, 2 * seq, &format!("g{giver}"), true, &[]));
            let good = draw(3).fraction() < 0.7 + lift(giver, taker);
            episodes.push(attempt(2 * seq + 1, 2 * seq + 1, &format!("t{taker}"), good, &[2 * seq]));
        }
        episodes
    }

    fn significant(pairs: &[Pair]) -> BTreeSet<(&str, &str)> {
        let significant = pairs.iter().filter(|pair| pair.significant);
        significant.map(|pair| (pair.giver.as_str(), pair.taker.as_str())).collect()
    }

    /// Eight hand-offs from a to b of which six were accepted, and eight of b's attempts without of which two were. The
    /// tail by hand: (C(8,6)·C(8,2) + C(8,7)·C(8,1) + 1) / C(16,8) = (784 + 64 + 1) / 12870.
    #[test]
    fn the_test_is_exact_and_the_expectation_leaves_the_pair_out() {
        let givers = (0..8).map(|n| attempt(n, n, "a", true, &[]));
        let taken = (0..8).map(|n| attempt(10 + n, 10 + n, "b", n < 6, &[n]));
        let alone = (0..8).map(|n| attempt(20 + n, 20 + n, "b", n < 2, &[]));
        let pairs = lifts(&givers.chain(taken).chain(alone).collect::<Vec<_>>());
        let pair = &pairs[0];
        assert_eq!((pair.giver.as_str(), pair.taker.as_str(), pairs.len()), ("a", "b", 1));
        assert_eq!((pair.hand_offs, pair.accepted, pair.significant), (8, 6, false));
        assert!((pair.p - 2.0 * 849.0 / 12870.0).abs() < 1e-9, "{}", pair.p);
        let usual = 17.0 / 26.0;
        let overall = (2.0 + 8.0 * usual) / 16.0;
        let skill = (2.0 + 8.0 * overall) / 16.0;
        let work = (2.0 + 8.0 * skill) / 16.0;
        assert!((pair.expected - work).abs() < 1e-9 && (pair.lift - 0.75 + work).abs() < 1e-9);
        assert!(pair.low < pair.lift && pair.lift < pair.high);
        assert_eq!(&pair.evidence[..6], [15, 14, 13, 12, 11, 10]);
    }

    #[test]
    fn only_first_attempts_count_and_only_accepted_work_is_handed_over() {
        let pairs = lifts(&[
            attempt(1, 1, "bad", false, &[]),
            attempt(2, 1, "good", true, &[]),
            attempt(3, 2, "b", false, &[1]),
            attempt(4, 2, "c", true, &[1]),
            attempt(5, 3, "b", true, &[2, 1, 9]),
        ]);
        let seen: Vec<_> =
            pairs.iter().map(|pair| (pair.giver.as_str(), pair.taker.as_str(), pair.hand_offs)).collect();
        assert_eq!(seen, [("c", "b", 1), ("good", "b", 2)]);
    }

    #[test]
    fn an_agent_may_hand_over_to_itself() {
        let pairs = lifts(&[attempt(1, 1, "a", true, &[]), attempt(2, 2, "a", true, &[1])]);
        assert_eq!((pairs[0].giver.as_str(), pairs[0].taker.as_str()), ("a", "a"));
    }

    #[test]
    fn a_pair_without_effect_is_not_flagged() {
        let flagged: usize = (0..20).map(|seed| significant(&lifts(&world(seed, |_, _| 0.0))).len()).sum();
        assert!(flagged <= 2, "{flagged} of 720");
    }

    #[test]
    fn pairs_that_do_better_and_worse_are_found_and_do_not_shift_the_others() {
        let lift = |giver: usize, taker: usize| match (giver, taker) {
            (0, 0) | (1, 2) => 0.22,
            (2, 0) | (3, 3) => -0.25,
            _ => 0.0,
        };
        let planted = BTreeSet::from([("g0", "t0"), ("g1", "t2"), ("g2", "t0"), ("g3", "t3")]);
        let (mut right, mut all) = (0, 0);
        for seed in 0..20 {
            let pairs = lifts(&world(seed, lift));
            right += significant(&pairs).intersection(&planted).count();
            all += significant(&pairs).len();
            for pair in pairs.iter().filter(|pair| pair.significant) {
                assert!(pair.low > 0.0 || pair.high < 0.0, "{pair:?}");
            }
        }
        assert!(right >= 78 && all - right <= 6, "{right} of 80, {} false", all - right);
    }

    #[test]
    fn the_interval_holds_the_lift_about_as_often_as_it_says() {
        let (mut held, mut all) = (0, 0);
        for seed in 0..10 {
            for pair in lifts(&world(seed, |_, _| 0.0)) {
                all += 1;
                held += usize::from(pair.low <= 0.0 && 0.0 <= pair.high);
            }
        }
        assert!(real(held) > 0.92 * real(all) && real(held) < 0.98 * real(all), "{held} of {all}");
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert!(lifts(&[]).is_empty());
        assert!(lifts(&[attempt(1, 1, "a", true, &[1])]).iter().all(|pair| !pair.significant));
    }
}
