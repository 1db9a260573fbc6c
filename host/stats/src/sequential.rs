//! A race of two arms that may be looked at after every observation and stopped at will: its error does not grow with
//! the looks.

use serde::{Deserialize, Serialize};

use super::contrast::{Contrast, RunningMean};
use super::eprocess::{EProcess, Sums, evidence_above, mean_log};
use super::interval::Interval;
use crate::arm::Arm;

/// Whether the candidate's mean reward is another than the baseline's. If tasks are split by chance with a known
/// share, and there is no difference, a verdict is ever reached with a chance of at most `alpha`, however the reward
/// drifts over time.
///
/// Of each observation the mean of those before is taken off, which makes the test two to four times as fast as
/// without and costs nothing, as the arm is drawn by chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialTest {
    share: f64,
    alpha: f64,
    centre: RunningMean,
    better: EProcess,
    worse: EProcess,
    contrasts: Sums,
    baseline: ArmTotals,
    candidate: ArmTotals,
    verdict: Conclusion,
}

/// What a test has come to. A verdict stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    #[default]
    Undecided,
    Better,
    Worse,
}

/// What was seen of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmTotals {
    pub count: u64,
    pub sum: f64,
}

impl ArmTotals {
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    /// None of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of observations stay far below 2^53")]
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl SequentialTest {
    /// `share` of the tasks are the candidate's; where that is not strictly between 0 and 1 there is nothing to compare
    /// and no verdict. `alpha` is the chance of a verdict when there is no difference.
    #[must_use]
    pub fn new(share: f64, alpha: f64) -> Self {
        Self {
            share: if share > 0.0 && share < 1.0 { share } else { 0.0 },
            alpha: alpha.clamp(1e-9, 0.5).max(1e-9),
            centre: RunningMean::default(),
            better: EProcess::default(),
            worse: EProcess::default(),
            contrasts: Sums::default(),
            baseline: ArmTotals::default(),
            candidate: ArmTotals::default(),
            verdict: Conclusion::default(),
        }
    }

    /// `reward` is between 0 and 1, and is taken to the nearer end if it is not.
    pub fn observe(&mut self, arm: Arm, reward: f64) {
        self.observe_expecting(arm, reward, self.centre.value());
    }

    /// The same with the reward that was expected of the task before its arm was drawn. The better the expectation, the
    /// sooner a verdict; a bad one only delays it.
    pub fn observe_expecting(&mut self, arm: Arm, reward: f64, expected: f64) {
        // `max` takes what is not a number to the other one.
        let (reward, expected) = (reward.clamp(0.0, 1.0).max(0.0), expected.clamp(0.0, 1.0).max(0.0));
        self.centre.add(reward);
        match arm {
            Arm::Baseline => self.baseline.add(reward),
            Arm::Candidate => self.candidate.add(reward),
        }
        if self.share > 0.0 {
            let contrast = Contrast::of(arm, reward, expected, self.share);
            self.better.bet(contrast.value, contrast.down);
            self.worse.bet(-contrast.value, contrast.up);
            self.contrasts.add(contrast.value);
            self.decide();
        }
    }

    fn decide(&mut self) {
        match self.verdict {
            Conclusion::Better | Conclusion::Worse => {}
            Conclusion::Undecided if self.evidence() < -self.alpha.ln() => {}
            Conclusion::Undecided if self.better.evidence() > self.worse.evidence() => {
                self.verdict = Conclusion::Better;
            }
            Conclusion::Undecided => self.verdict = Conclusion::Worse,
        }
    }

    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        self.verdict
    }

    /// Natural logarithm of the e-value against "there is no difference"; the verdict falls at ln(1/alpha). It is the
    /// mean of two bets, that the candidate is better and that it is worse.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        mean_log(&[self.better.evidence(), self.worse.evidence()])
    }

    #[must_use]
    pub fn totals(&self, arm: Arm) -> ArmTotals {
        match arm {
            Arm::Baseline => self.baseline,
            Arm::Candidate => self.candidate,
        }
    }

    /// Candidate less baseline. It holds a difference that does not change at all times at once, with a chance of at
    /// least 1 − alpha. It is somewhat wider than the race is sharp, so a verdict may come while 0 is still in it.
    #[must_use]
    pub fn difference(&self) -> Interval {
        if self.contrasts.count < 1.0 {
            return Interval { estimate: 0.0, low: -1.0, high: 1.0 };
        }
        let estimate = (self.contrasts.sum / self.contrasts.count).clamp(-1.0, 1.0);
        let low = self.least(self.contrasts).min(estimate);
        let high = -self.least(self.contrasts.mirrored());
        Interval { estimate, low, high: high.max(estimate) }
    }

    /// The least mean that half of alpha does not rule out, by bisection: evidence falls as the mean rises.
    fn least(&self, contrasts: Sums) -> f64 {
        let worst = 1.0 / self.share.min(1.0 - self.share) + 1.0;
        let enough = (2.0 / self.alpha).ln();
        let (mut low, mut high) = (-1.0, 1.0);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if evidence_above(middle, &contrasts, worst) >= enough {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use baton_core::seed::Seed;

    use super::*;

    struct Task {
        arm: Arm,
        reward: f64,
        expected: f64,
    }

    /// The mean reward at a time and a task's place between 0 and 1, before what the candidate adds.
    type Mean = fn(f64, f64) -> f64;

    fn tasks(seed: Seed, share: f64, gain: f64, mean: Mean) -> impl Iterator<Item = Task> {
        (0..).map(move |i| {
            let draw = |k: i64| seed.of(3 * i + k).fraction();
            let arm = if draw(0) < share { Arm::Candidate } else { Arm::Baseline };
            let time = f64::from(i32::try_from(i).unwrap_or(i32::MAX));
            let expected = mean(time, draw(2));
            let chance = match arm {
                Arm::Candidate => expected + gain,
                Arm::Baseline => expected,
            };
            Task { arm, reward: f64::from(u8::from(draw(1) < chance)), expected }
        })
    }

    const FLAT: Mean = |_, _| 0.5;
    const HARD_AND_EASY: Mean = |_, place| if place < 0.5 { 0.15 } else { 0.85 };
    const DRIFT: Mean = |time, _| if (time / 300.0) % 2.0 < 1.0 { 0.9 } else { 0.3 };

    #[derive(Clone, Copy)]
    enum Centring {
        Nothing,
        RunningMean,
        Expectation,
    }

    /// When each run came to its verdict, and which; those that did not within `limit` observations are left out.
    fn finishes(
        runs: i64,
        limit: usize,
        share: f64,
        gain: f64,
        mean: Mean,
        by: Centring,
    ) -> Vec<(usize, Conclusion)> {
        let finish = |run| {
            let mut test = SequentialTest::new(share, 0.05);
            tasks(Seed(9).of(run), share, gain, mean).zip(1..=limit).find_map(|(task, seen)| {
                match by {
                    Centring::Nothing => test.observe_expecting(task.arm, task.reward, 0.0),
                    Centring::RunningMean => test.observe(task.arm, task.reward),
                    Centring::Expectation => test.observe_expecting(task.arm, task.reward, task.expected),
                }
                (test.conclusion() != Conclusion::Undecided).then_some((seen, test.conclusion()))
            })
        };
        let mut found: Vec<_> = (0..runs).filter_map(finish).collect();
        found.sort_unstable_by_key(|(seen, _)| *seen);
        found
    }

    /// After how many observations so many of 100 runs have their verdict.
    fn needed(finishes: &[(usize, Conclusion)], place: usize) -> usize {
        finishes.get(place - 1).map_or(usize::MAX, |(seen, _)| *seen)
    }

    #[test]
    fn without_a_difference_a_verdict_is_rare_however_often_one_looks() {
        for share in [0.1, 0.5] {
            let alarms = finishes(400, 2000, share, 0.0, FLAT, Centring::RunningMean).len();
            assert!(alarms <= 20, "{alarms} of 400 at {share}");
        }
        for (share, mean) in [(0.5, DRIFT), (0.1, HARD_AND_EASY)] {
            let alarms = finishes(200, 1000, share, 0.0, mean, Centring::RunningMean).len();
            assert!(alarms <= 10, "{alarms} of 200 at {share}");
        }
    }

    #[test]
    fn a_difference_of_a_tenth_is_found() {
        for (gain, verdict) in [(0.1, Conclusion::Better), (-0.1, Conclusion::Worse)] {
            for (share, half, most) in [(0.5, 1000, 1600), (0.1, 3000, 4700)] {
                let found = finishes(100, 8000, share, gain, FLAT, Centring::RunningMean);
                assert!(needed(&found, 50) <= half, "half of the runs at {share}: {}", needed(&found, 50));
                assert!(needed(&found, 80) <= most, "80 % of the runs at {share}: {}", needed(&found, 80));
                assert!(found.iter().all(|(_, is)| *is == verdict), "{share} {gain}");
            }
        }
    }

    #[test]
    fn a_centre_makes_a_test_faster_and_an_expectation_still_more() {
        let half = |by| needed(&finishes(100, 8000, 0.5, 0.1, HARD_AND_EASY, by), 50);
        let (bare, centred) = (half(Centring::Nothing), half(Centring::RunningMean));
        let expecting = half(Centring::Expectation);
        assert!(bare > centred * 3 / 2 && centred > expecting * 3 / 2, "{bare}, {centred}, {expecting}");
        let alarms = finishes(200, 1000, 0.1, 0.0, HARD_AND_EASY, Centring::Expectation).len();
        assert!(alarms <= 10, "{alarms}");
    }

    #[test]
    fn the_interval_of_the_difference_holds_it_at_all_times_at_once() {
        for (share, gain) in [(0.5, 0.0), (0.5, 0.3), (0.1, 0.3)] {
            let missed = (0..100).filter(|run| {
                let mut test = SequentialTest::new(share, 0.05);
                tasks(Seed(19).of(*run), share, gain, FLAT).take(1500).enumerate().any(|(seen, task)| {
                    test.observe(task.arm, task.reward);
                    seen % 50 == 0 && !test.difference().holds(gain)
                })
            });
            assert!(missed.count() <= 5);
        }
        let mut test = SequentialTest::new(0.5, 0.05);
        for task in tasks(Seed(2), 0.5, 0.3, FLAT).take(2000) {
            test.observe(task.arm, task.reward);
        }
        let found = test.difference();
        assert!(found.low > 0.15 && found.high < 0.45, "{found}");
    }

    #[test]
    fn swapping_the_arms_mirrors_the_test() {
        let (mut test, mut mirror) = (SequentialTest::new(0.5, 0.05), SequentialTest::new(0.5, 0.05));
        for task in tasks(Seed(4), 0.5, 0.2, FLAT).take(400) {
            let other = if task.arm == Arm::Baseline { Arm::Candidate } else { Arm::Baseline };
            test.observe(task.arm, task.reward);
            mirror.observe(other, task.reward);
        }
        assert_eq!((test.conclusion(), mirror.conclusion()), (Conclusion::Better, Conclusion::Worse));
        assert!((test.evidence() - mirror.evidence()).abs() < 1e-9);
        assert!((test.difference().low + mirror.difference().high).abs() < 1e-9);
        assert_eq!(test.totals(Arm::Baseline), mirror.totals(Arm::Candidate));
    }

    #[test]
    fn a_verdict_stays_and_survives_being_written_down() {
        let mut test = SequentialTest::new(0.5, 0.05);
        for _ in 0..200 {
            test.observe(Arm::Candidate, 1.0);
            test.observe(Arm::Baseline, 0.0);
        }
        assert_eq!(test.conclusion(), Conclusion::Better);
        let text = serde_json::to_string(&test).unwrap();
        assert!(text.len() < 1000, "{text}");
        let mut again: SequentialTest = serde_json::from_str(&text).unwrap();
        for _ in 0..2000 {
            again.observe(Arm::Candidate, 0.0);
            again.observe(Arm::Baseline, 1.0);
        }
        assert_eq!(again.conclusion(), Conclusion::Better);
        assert_eq!(again.totals(Arm::Candidate).mean(), Some(200.0 / 2200.0));
    }

    #[test]
    fn without_a_split_there_is_no_verdict() {
        for share in [0.0, 1.0, f64::NAN, -3.0] {
            let mut test = SequentialTest::new(share, 0.05);
            for _ in 0..500 {
                test.observe(Arm::Baseline, 0.0);
                test.observe(Arm::Candidate, 1.0);
            }
            assert_eq!((test.conclusion(), test.totals(Arm::Baseline).count), (Conclusion::Undecided, 500));
            assert_eq!(test.difference(), Interval { estimate: 0.0, low: -1.0, high: 1.0 });
        }
        assert_eq!(ArmTotals::default().mean(), None);
    }

    #[test]
    fn rewards_and_expectations_out_of_range_break_nothing() {
        let mut test = SequentialTest::new(0.5, f64::NAN);
        for reward in [-5.0, 7.0, f64::NAN, f64::INFINITY] {
            test.observe_expecting(Arm::Candidate, reward, -reward);
        }
        assert!(test.evidence().is_finite() && test.difference().width().is_finite());
    }
}
