//! Guards end a trial when the candidate's outcomes are accepted less often, take longer or cost more than is
//! tolerated. They may be inspected after every attempt.

use std::collections::VecDeque;
use std::fmt;

use baton_core::trial::{GuardLimits, Limit};
use baton_stats::arm::Arm;
use baton_stats::contrast::{Contrast, RunningMean};
use baton_stats::eprocess::EProcess;
use baton_stats::sequential::ArmTotals;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardSample {
    /// Whether the outcome was accepted.
    pub accepted: bool,
    /// How long the agent worked, in milliseconds.
    pub latency_ms: u64,
    /// In millionths of the currency; none = unknown, and the cost guard skips the attempt.
    pub cost_micros: Option<u64>,
}

/// Whether an attempt is its task's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Try {
    /// The first attempt.
    First,
    /// A retry.
    Again,
}

/// The guard that ended a trial, with its figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "of")]
pub enum Breach {
    /// Too few attempts were accepted. The rates are over the whole phase.
    Acceptance {
        /// 0.0 to 1.0.
        baseline: f64,
        /// 0.0 to 1.0.
        candidate: f64,
        /// Tolerated difference.
        tolerance: f64,
        /// The candidate's attempts.
        attempts: u64,
    },
    /// Attempts took too long. Medians are of the last attempts.
    Latency {
        /// The lower median.
        baseline_ms: u64,
        /// The lower median.
        candidate_ms: u64,
        /// Tolerated ratio.
        tolerance: f64,
        /// The candidate's attempts.
        attempts: u64,
    },
    /// Attempts cost too much. Medians are of the last attempts.
    Cost {
        /// In millionths of the currency.
        baseline_micros: u64,
        /// In millionths of the currency.
        candidate_micros: u64,
        /// Tolerated ratio.
        tolerance: f64,
        /// The candidate's attempts.
        attempts: u64,
    },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Acceptance { baseline, candidate, tolerance, attempts } => write!(
                f,
                "{:.0} % of the candidate's {attempts} attempts were accepted and {:.0} % of the baseline's, which is \
                 more than {:.0} points apart",
                candidate * 100.0,
                baseline * 100.0,
                tolerance * 100.0
            ),
            Self::Latency { baseline_ms, candidate_ms, tolerance, attempts } => write!(
                f,
                "the candidate's attempts take more than {tolerance} times as long as the baseline's: half of the last \
                 took over {candidate_ms} ms and {baseline_ms} ms ({attempts} attempts of the candidate)"
            ),
            Self::Cost { baseline_micros, candidate_micros, tolerance, attempts } => write!(
                f,
                "the candidate's attempts cost more than {tolerance} times as much as the baseline's: half of the last \
                 cost over {candidate_micros} and {baseline_micros} millionths ({attempts} attempts of the candidate)"
            ),
        }
    }
}

/// The three guards of a trial. All attempts count, retries included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    acceptance: GuardTest,
    accepted: [ArmTotals; 2],
    latency: Ranking,
    cost: Ranking,
    breach: Option<Breach>,
}

impl Guards {
    /// `share` is the candidate's share of the tasks; unless it is strictly between 0 and 1 there is nothing to
    /// compare.
    #[must_use]
    pub fn new(share: f64, limits: &GuardLimits) -> Self {
        Self {
            acceptance: GuardTest::new(share, limits.acceptance),
            accepted: [ArmTotals::default(); 2],
            latency: Ranking::new(share, limits.latency),
            cost: Ranking::new(share, limits.cost),
            breach: None,
        }
    }

    /// Adds an attempt; attempts come in the order in which they ended.
    pub fn observe(&mut self, arm: Arm, which: Try, seen: &GuardSample) {
        let accepted = f64::from(u8::from(seen.accepted));
        let [baseline, candidate] = &mut self.accepted;
        match arm {
            Arm::Baseline => baseline.add(accepted),
            Arm::Candidate => candidate.add(accepted),
        }
        self.acceptance.add(arm, which, 1.0 - accepted, self.acceptance.limit.tolerance);
        self.latency.add(arm, which, seen.latency_ms);
        if let Some(cost) = seen.cost_micros {
            self.cost.add(arm, which, cost);
        }
        self.breach = self.breach.or_else(|| self.found());
    }

    /// The first breach; it stays.
    #[must_use]
    pub fn breach(&self) -> Option<Breach> {
        self.breach
    }

    fn found(&self) -> Option<Breach> {
        let attempts = self.accepted[1].count;
        if self.acceptance.alarms() {
            return Some(Breach::Acceptance {
                baseline: self.accepted[0].mean().unwrap_or(0.0),
                candidate: self.accepted[1].mean().unwrap_or(0.0),
                tolerance: self.acceptance.limit.tolerance,
                attempts,
            });
        }
        if self.latency.test.alarms() {
            return Some(Breach::Latency {
                baseline_ms: self.latency.baseline.median(),
                candidate_ms: self.latency.candidate.median(),
                tolerance: self.latency.test.limit.tolerance,
                attempts,
            });
        }
        self.cost.test.alarms().then(|| Breach::Cost {
            baseline_micros: self.cost.baseline.median(),
            candidate_micros: self.cost.candidate.median(),
            tolerance: self.cost.test.limit.tolerance,
            attempts,
        })
    }
}

/// Bets that the candidate's mean harm, a score between 0 and 1, exceeds the baseline's by more than a margin.
///
/// A retry is in the arm of its first attempt, so it may only be compared with other retries, which have a centre of
/// their own. Once that centre has converged, retries contribute nothing on average if the arms are equal; the tests
/// measure how few false alarms many retries raise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct GuardTest {
    share: f64,
    limit: Limit,
    first: RunningMean,
    again: RunningMean,
    bets: EProcess,
}

impl GuardTest {
    fn new(share: f64, limit: Limit) -> Self {
        Self {
            share: if share > 0.0 && share < 1.0 { share } else { 0.0 },
            limit,
            first: RunningMean::default(),
            again: RunningMean::default(),
            bets: EProcess::default(),
        }
    }

    fn add(&mut self, arm: Arm, which: Try, harm: f64, margin: f64) {
        let centre = match which {
            Try::First => &mut self.first,
            Try::Again => &mut self.again,
        };
        if self.share > 0.0 {
            let contrast = Contrast::of(arm, harm, centre.value(), self.share);
            self.bets.bet(contrast.value - margin, contrast.down + margin);
        }
        centre.add(harm);
    }

    fn alarms(&self) -> bool {
        self.bets.evidence() >= -self.limit.alpha.min(0.5).ln()
    }
}

/// Tests an amount of any distribution by ranks: an attempt's rank among the baseline's last ones, after the
/// candidate's amounts are divided by the tolerated ratio. If they are then no larger than the baseline's, their
/// ranks are no higher on average, whatever the window contains, because it was filled before and both arms are
/// ranked in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ranking {
    test: GuardTest,
    baseline: Window,
    candidate: Window,
}

impl Ranking {
    fn new(share: f64, limit: Limit) -> Self {
        Self { test: GuardTest::new(share, limit), baseline: Window::default(), candidate: Window::default() }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds and millionths stay far below 2^53")]
    fn add(&mut self, arm: Arm, which: Try, amount: u64) {
        let fair = match arm {
            Arm::Baseline => amount as f64,
            Arm::Candidate => amount as f64 / self.test.limit.tolerance,
        };
        self.test.add(arm, which, self.baseline.rank(fair), 0.0);
        match arm {
            Arm::Baseline => self.baseline.push(amount),
            Arm::Candidate => self.candidate.push(amount),
        }
    }
}

/// The last amounts of an arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Window(VecDeque<u64>);

/// Size of a window. More would give finer ranks, which isn't what limits the comparison.
const WINDOW: usize = 64;

impl Window {
    fn push(&mut self, amount: u64) {
        if self.0.len() >= WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(amount);
    }

    /// The share of the window that is smaller, 0 to 1; ties count half.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds and millionths stay far below 2^53")]
    fn rank(&self, amount: f64) -> f64 {
        let beaten: f64 = self
            .0
            .iter()
            .map(|other| *other as f64)
            .map(|other| if other < amount { 1.0 } else { f64::from(u8::from(other <= amount)) / 2.0 })
            .sum();
        (beaten + 0.5) / (self.0.len() as f64 + 1.0)
    }

    /// The lower median; 0 without values.
    fn median(&self) -> u64 {
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    /// What the candidate does worse.
    #[derive(Clone, Copy, Debug)]
    struct Harm {
        acceptance: f64,
        slower: f64,
        dearer: f64,
    }

    const NONE: Harm = Harm { acceptance: 0.0, slower: 1.0, dearer: 1.0 };

    /// Tasks differ in how hard they are, which shows in all of their attempts; up to three are made. Latency and cost
    /// have tails so heavy that they have no variance.
    fn attempts(seed: Seed, share: f64, harm: Harm) -> impl Iterator<Item = (Arm, Try, GuardSample)> {
        (0..).flat_map(move |task| {
            let draw = |k: i64| seed.of(task).of(k).fraction();
            let arm = if draw(0) < share { Arm::Candidate } else { Arm::Baseline };
            let worse = if arm == Arm::Candidate { harm } else { NONE };
            let hard = 0.5 * draw(1);
            let mut done = Vec::new();
            for attempt in 0..3 {
                let chance = 0.95 - hard - worse.acceptance - 0.2 * f64::from(u8::from(attempt > 0));
                let tail = |k: i64| (1.0 + hard) / (1.0 - draw(k)).powf(0.6);
                let accepted = draw(10 * attempt + 2) < chance;
                let seen = GuardSample {
                    accepted,
                    latency_ms: whole(1000.0 * tail(10 * attempt + 3) * worse.slower),
                    cost_micros: (draw(10 * attempt + 4) < 0.9)
                        .then(|| whole(5000.0 * tail(10 * attempt + 5) * worse.dearer)),
                };
                done.push((arm, if attempt == 0 { Try::First } else { Try::Again }, seen));
                if accepted {
                    break;
                }
            }
            done
        })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    fn whole(amount: f64) -> u64 {
        amount as u64
    }

    /// The breach that ended each of the trials within `limit` attempts, and after how many.
    fn alarms(runs: i64, longest: usize, share: f64, harm: Harm) -> Vec<(usize, Breach)> {
        let alarm = |run| {
            let mut guards = Guards::new(share, &GuardLimits::default());
            attempts(Seed(31).of(run), share, harm).zip(1..=longest).find_map(
                |((arm, which, seen), count)| {
                    guards.observe(arm, which, &seen);
                    guards.breach().map(|breach| (count, breach))
                },
            )
        };
        let mut found: Vec<_> = (0..runs).filter_map(alarm).collect();
        found.sort_by_key(|(count, _)| *count);
        found
    }

    /// After how many attempts half of 100 trials were ended, each for the right reason.
    fn caught(share: f64, harm: Harm, right: fn(&Breach) -> bool) -> usize {
        let found = alarms(100, 4000, share, harm);
        assert!(found.len() >= 95 && found.iter().all(|(_, breach)| right(breach)), "{}", found.len());
        found[49].0
    }

    #[test]
    fn equal_arms_raise_no_alarm() {
        for share in [0.1, 0.5, 0.95] {
            let found = alarms(100, 2000, share, NONE);
            assert!(found.len() <= 5, "{found:?}");
        }
    }

    #[test]
    fn at_the_edge_of_what_is_tolerated_each_guard_keeps_its_alpha() {
        let limit = |tolerance| Limit { tolerance, alpha: 0.05 };
        let limits = GuardLimits { acceptance: limit(0.0), latency: limit(1.0), cost: limit(1.0) };
        let mut alarms = [0; 3];
        for run in 0..200 {
            let mut guards = Guards::new(0.1, &limits);
            let mut ever = [false; 3];
            for (arm, which, seen) in attempts(Seed(32).of(run), 0.1, NONE).take(2000) {
                guards.observe(arm, which, &seen);
                let watches = [&guards.acceptance, &guards.latency.test, &guards.cost.test];
                ever = std::array::from_fn(|guard| ever[guard] || watches[guard].alarms());
            }
            alarms = std::array::from_fn(|guard| alarms[guard] + u32::from(ever[guard]));
        }
        // 10 of 200 are the most that is expected; more than 16 are seen with a chance of 1 in 40.
        assert!(alarms.iter().all(|count| *count <= 16), "{alarms:?}");
    }

    #[test]
    fn a_candidate_that_is_accepted_less_is_caught() {
        let is = |breach: &Breach| matches!(breach, Breach::Acceptance { .. });
        let attempts = caught(0.1, Harm { acceptance: 0.2, ..NONE }, is);
        assert!(attempts <= 1300, "{attempts}");
        let useless = caught(0.1, Harm { acceptance: 1.0, ..NONE }, is);
        assert!(useless <= 120, "{useless}");
    }

    #[test]
    fn a_candidate_that_takes_or_costs_twice_as_much_is_caught() {
        let slow = caught(0.1, Harm { slower: 2.0, ..NONE }, |is| matches!(is, Breach::Latency { .. }));
        let dear = caught(0.1, Harm { dearer: 2.0, ..NONE }, |is| matches!(is, Breach::Cost { .. }));
        assert!(slow <= 350 && dear <= 400, "{slow} {dear}");
    }

    #[test]
    fn what_is_tolerated_raises_no_alarm() {
        let tolerable = Harm { acceptance: 0.04, slower: 1.2, dearer: 1.2 };
        let found = alarms(100, 2000, 0.5, tolerable);
        assert!(found.len() <= 5, "{found:?}");
    }

    #[test]
    fn a_breach_says_what_happened_in_a_sentence() {
        let found = alarms(1, 4000, 0.5, Harm { acceptance: 0.6, ..NONE });
        let text = found[0].1.to_string();
        assert!(text.contains("of the candidate's") && text.contains("more than 5 points apart"), "{text}");
        let slow = Breach::Latency { baseline_ms: 900, candidate_ms: 2000, tolerance: 1.25, attempts: 30 };
        assert_eq!(
            slow.to_string(),
            "the candidate's attempts take more than 1.25 times as long as the baseline's: half of the last took over \
             2000 ms and 900 ms (30 attempts of the candidate)"
        );
    }

    #[test]
    fn a_breach_stays_and_guards_survive_being_written_down() {
        let mut guards = Guards::new(0.5, &GuardLimits::default());
        let quick = GuardSample { accepted: true, latency_ms: 10, cost_micros: None };
        for _ in 0..100 {
            guards.observe(Arm::Baseline, Try::First, &quick);
            guards.observe(Arm::Candidate, Try::First, &GuardSample { latency_ms: 50, ..quick });
        }
        let breach = guards.breach();
        assert!(
            matches!(breach, Some(Breach::Latency { baseline_ms: 10, candidate_ms: 50, .. })),
            "{breach:?}"
        );
        let text = serde_json::to_string(&guards).unwrap();
        assert!(text.len() < 4000, "{} bytes", text.len());
        let mut again: Guards = serde_json::from_str(&text).unwrap();
        for _ in 0..1000 {
            again.observe(Arm::Candidate, Try::First, &GuardSample { latency_ms: 1, ..quick });
        }
        assert_eq!(again.breach(), breach);
    }

    #[test]
    fn nothing_is_watched_without_a_split() {
        for share in [0.0, 1.0, f64::NAN] {
            let mut guards = Guards::new(share, &GuardLimits::default());
            for (arm, which, seen) in attempts(Seed(1), 0.5, Harm { acceptance: 0.9, ..NONE }).take(500) {
                guards.observe(arm, which, &seen);
            }
            assert_eq!(guards.breach(), None);
        }
    }

    #[test]
    fn a_rank_is_the_share_of_the_window_that_is_beaten() {
        let mut window = Window::default();
        assert!((window.rank(5.0) - 0.5).abs() < 1e-12);
        assert_eq!(window.median(), 0);
        for amount in [100, 1, 2, 2, 4] {
            window.push(amount);
        }
        assert!((window.rank(2.0) - (1.0 + 1.0 + 0.5) / 6.0).abs() < 1e-12);
        assert!((window.rank(1e9) - 5.5 / 6.0).abs() < 1e-12);
        assert_eq!(window.median(), 2);
        for _ in 0..WINDOW {
            window.push(7);
        }
        assert_eq!((window.0.len(), window.median()), (WINDOW, 7));
    }
}
