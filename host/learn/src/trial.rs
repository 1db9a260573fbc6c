//! The trial of a router against the one in office: which task is in which arm, and where the trial stands.

use std::fmt;

use baton_core::id::{RunId, TaskId};
use baton_core::trial::Trial;
use baton_stats::arm::Arm;
use baton_stats::interval::Interval;
use baton_stats::sequential::{ArmTotals, Conclusion, SequentialTest};
use serde::{Deserialize, Serialize};

use super::guard::{Breach, GuardSample, Guards, Try};

/// Whose decision a task follows in a trial.
#[must_use]
pub fn arm(trial: &Trial, run: RunId, task: TaskId) -> Arm {
    if trial.is_candidates(run, task) { Arm::Candidate } else { Arm::Baseline }
}

/// What a stage of a trial has brought so far. Each stage begins a new one, as the share of the arms must not change
/// under it. It holds no time and no names, and is small enough to be kept in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialProgress {
    test: SequentialTest,
    guards: Guards,
    /// Attempts, retries included: of the baseline, of the candidate.
    attempts: [u64; 2],
}

impl TrialProgress {
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        let share = trial.stage.share();
        Self {
            test: SequentialTest::new(share, trial.alpha),
            guards: Guards::new(share, &trial.guards),
            attempts: [0; 2],
        }
    }

    /// The race counts first attempts only, whose arms are independent draws; the guards count all.
    pub fn observe(&mut self, arm: Arm, which: Try, seen: &GuardSample) {
        let [baseline, candidate] = &mut self.attempts;
        match arm {
            Arm::Baseline => *baseline += 1,
            Arm::Candidate => *candidate += 1,
        }
        match which {
            Try::First => self.test.observe(arm, f64::from(u8::from(seen.accepted))),
            Try::Again => {}
        }
        self.guards.observe(arm, which, seen);
    }

    #[must_use]
    pub fn attempts(&self, arm: Arm) -> u64 {
        let [baseline, candidate] = self.attempts;
        match arm {
            Arm::Baseline => baseline,
            Arm::Candidate => candidate,
        }
    }

    #[must_use]
    pub fn breach(&self) -> Option<Breach> {
        self.guards.breach()
    }

    #[must_use]
    pub fn test(&self) -> &SequentialTest {
        &self.test
    }

    /// A breach outweighs a victory: what is accepted more often may still take too long or cost too much.
    #[must_use]
    pub fn status(&self) -> TrialStatus {
        match (self.guards.breach(), self.test.conclusion()) {
            (Some(breach), Conclusion::Undecided | Conclusion::Better | Conclusion::Worse) => {
                TrialStatus::Breached(breach)
            }
            (None, Conclusion::Undecided) => TrialStatus::Running,
            (None, Conclusion::Better) => TrialStatus::Won(self.margin()),
            (None, Conclusion::Worse) => TrialStatus::Lost(self.margin()),
        }
    }

    fn margin(&self) -> Margin {
        Margin {
            baseline: self.test.totals(Arm::Baseline),
            candidate: self.test.totals(Arm::Candidate),
            difference: self.test.difference(),
        }
    }
}

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialStatus {
    Running,
    Won(Margin),
    Lost(Margin),
    Breached(Breach),
}

/// By how much a race was decided: first attempts, and how many of them were accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    pub baseline: ArmTotals,
    pub candidate: ArmTotals,
    /// Of the shares of accepted first attempts, candidate less baseline.
    pub difference: Interval,
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} of the candidate's {} tasks were accepted at once and {:.0} of the baseline's {}, a difference of {}",
            self.candidate.sum, self.candidate.count, self.baseline.sum, self.baseline.count, self.difference
        )
    }
}

impl fmt::Display for TrialStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("undecided so far"),
            Self::Won(margin) => write!(f, "the candidate is better: {margin}"),
            Self::Lost(margin) => write!(f, "the candidate is worse: {margin}"),
            Self::Breached(breach) => write!(f, "ended by a guard: {breach}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use baton_core::trial::{GuardLimits, Limit, TrialPhase};

    use super::*;

    fn trial(id: i64, stage: TrialPhase) -> Trial {
        Trial { id, stage, alpha: 0.05, guards: GuardLimits::default() }
    }

    fn seen(accepted: bool, latency_ms: u64) -> GuardSample {
        GuardSample { accepted, latency_ms, cost_micros: Some(100) }
    }

    /// A ledger after tasks that were all accepted in one arm and none in the other.
    fn decided(better: Arm, slow: u64) -> TrialProgress {
        let trial = trial(5, TrialPhase::Split { share: 0.5 });
        let mut ledger = TrialProgress::new(&trial);
        for task in 1..=60 {
            let arm = arm(&trial, RunId(1), TaskId(task));
            let latency = if arm == Arm::Candidate { slow } else { 100 };
            ledger.observe(arm, Try::First, &seen(arm == better, latency));
        }
        ledger
    }

    #[test]
    fn a_trial_is_won_lost_or_breached() {
        let fresh = TrialProgress::new(&trial(5, TrialPhase::Split { share: 0.5 }));
        assert_eq!(fresh.status(), TrialStatus::Running);
        let won = decided(Arm::Candidate, 100).status();
        assert!(matches!(won, TrialStatus::Won(margin) if margin.baseline.sum == 0.0), "{won}");
        assert!(won.to_string().starts_with("the candidate is better: "), "{won}");
        let breached = decided(Arm::Candidate, 900).status();
        assert!(matches!(breached, TrialStatus::Breached(Breach::Latency { .. })), "{breached}");
        let lenient =
            GuardLimits { acceptance: Limit { tolerance: 1.0, alpha: 0.01 }, ..GuardLimits::default() };
        let patient = Trial { guards: lenient, ..trial(5, TrialPhase::Split { share: 0.5 }) };
        let mut ledger = TrialProgress::new(&patient);
        for _ in 0..60 {
            ledger.observe(Arm::Baseline, Try::First, &seen(true, 100));
            ledger.observe(Arm::Candidate, Try::First, &seen(false, 100));
        }
        assert!(matches!(ledger.status(), TrialStatus::Lost(_)), "{}", ledger.status());
    }

    #[test]
    fn retries_count_for_the_guards_and_not_for_the_test() {
        let mut ledger = TrialProgress::new(&trial(5, TrialPhase::Split { share: 0.5 }));
        for _ in 0..200 {
            ledger.observe(Arm::Baseline, Try::Again, &seen(true, 100));
            ledger.observe(Arm::Candidate, Try::Again, &seen(false, 100));
        }
        assert_eq!(ledger.test().totals(Arm::Candidate).count, 0);
        assert_eq!((ledger.attempts(Arm::Candidate), ledger.attempts(Arm::Baseline)), (200, 200));
        assert!(matches!(ledger.status(), TrialStatus::Breached(Breach::Acceptance { .. })));
    }

    #[test]
    fn a_trial_and_its_ledger_survive_being_written_down() {
        let trial = trial(5, TrialPhase::Probation { holdback: 0.1 });
        let text = serde_json::to_string(&trial).unwrap();
        assert_eq!(serde_json::from_str::<Trial>(&text).unwrap(), trial);
        let ledger = decided(Arm::Candidate, 100);
        let again: TrialProgress = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        assert_eq!(again.attempts, ledger.attempts);
        assert!(matches!(again.status(), TrialStatus::Won(_)));
    }
}
