//! The trial of a router against the one in office: which task is in which arm, and where the trial stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::guard::{Breach, GuardLimits, Guards, Observation, Try};
use super::interval::Interval;
use super::sequential::{Race, Tally, Verdict};
use crate::id::{RunId, TaskId};
use crate::seed::Seed;

/// Whose decision a task follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// The router in office.
    Baseline,
    /// The router on trial.
    Candidate,
}

/// How much the candidate may do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Stage {
    /// It decides, and nothing follows from it.
    Shadow,
    /// It has a share of the tasks, between 0 and 1.
    Split { share: f64 },
    /// It has all tasks but a share, between 0 and 1, that stays with the baseline so that both can still be compared.
    Probation { holdback: f64 },
}

impl Stage {
    /// The candidate's share of the tasks, 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::Shadow => 0.0,
            // `max` takes what is not a number to the other one.
            Self::Split { share } => share.clamp(0.0, 1.0).max(0.0),
            Self::Probation { holdback } => 1.0 - holdback.clamp(0.0, 1.0).max(0.0),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub id: i64,
    pub stage: Stage,
    /// The chance that the race ends with a verdict though both routers are equally good.
    pub alpha: f64,
    pub guards: GuardLimits,
}

/// Keeps the arms' draws apart from all others that derive from small numbers: the letters `batonarm` as a number.
const DOMAIN: Seed = Seed(0x6261_746f_6e61_726d);

impl Trial {
    /// The arm of a task: the same for each of its attempts, whatever else is going on.
    ///
    /// `DOMAIN.of(trial).of(run).of(task).fraction()` in terms of [`Seed::of`], which is a step of SplitMix64 for each
    /// number; a task is the candidate's where that is below the candidate's share. So a task that is the candidate's
    /// remains so when the share grows. Runs recorded with one version are read by later ones: this never changes.
    #[must_use]
    pub fn arm(&self, run: RunId, task: TaskId) -> Arm {
        if DOMAIN.of(self.id).of(run.0).of(task.0).fraction() < self.stage.share() {
            Arm::Candidate
        } else {
            Arm::Baseline
        }
    }
}

/// What a stage of a trial has brought so far. Each stage begins a new one, as the share of the arms must not change
/// under it. It holds no time and no names, and is small enough to be kept in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    race: Race,
    guards: Guards,
    /// Attempts, retries included: of the baseline, of the candidate.
    attempts: [u64; 2],
}

impl Ledger {
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        let share = trial.stage.share();
        Self {
            race: Race::new(share, trial.alpha),
            guards: Guards::new(share, &trial.guards),
            attempts: [0; 2],
        }
    }

    /// The race counts first attempts only, whose arms are independent draws; the guards count all.
    pub fn observe(&mut self, arm: Arm, which: Try, seen: &Observation) {
        let [baseline, candidate] = &mut self.attempts;
        match arm {
            Arm::Baseline => *baseline += 1,
            Arm::Candidate => *candidate += 1,
        }
        match which {
            Try::First => self.race.observe(arm, f64::from(u8::from(seen.accepted))),
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
    pub fn race(&self) -> &Race {
        &self.race
    }

    /// A breach outweighs a victory: what is accepted more often may still take too long or cost too much.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.guards.breach(), self.race.verdict()) {
            (Some(breach), Verdict::Undecided | Verdict::Better | Verdict::Worse) => {
                Standing::Breached(breach)
            }
            (None, Verdict::Undecided) => Standing::Running,
            (None, Verdict::Better) => Standing::Won(self.margin()),
            (None, Verdict::Worse) => Standing::Lost(self.margin()),
        }
    }

    fn margin(&self) -> Margin {
        Margin {
            baseline: self.race.tally(Arm::Baseline),
            candidate: self.race.tally(Arm::Candidate),
            difference: self.race.difference(),
        }
    }
}

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Running,
    Won(Margin),
    Lost(Margin),
    Breached(Breach),
}

/// By how much a race was decided: first attempts, and how many of them were accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    pub baseline: Tally,
    pub candidate: Tally,
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

impl fmt::Display for Standing {
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
    use super::*;
    use crate::lab::guard::Limit;

    fn trial(id: i64, stage: Stage) -> Trial {
        Trial { id, stage, alpha: 0.05, guards: GuardLimits::default() }
    }

    fn candidates(trial: &Trial) -> Vec<bool> {
        (1..=100)
            .flat_map(|run| (1..=100).map(move |task| (RunId(run), TaskId(task))))
            .map(|(run, task)| trial.arm(run, task) == Arm::Candidate)
            .collect()
    }

    fn share(of: &[bool]) -> f64 {
        f64::from(u32::try_from(of.iter().filter(|is| **is).count()).unwrap()) / 10_000.0
    }

    #[test]
    fn the_split_is_as_told_within_two_points() {
        for told in [0.0, 0.1, 0.5, 0.9, 1.0] {
            for id in 1..=20 {
                let found = share(&candidates(&trial(id, Stage::Split { share: told })));
                assert!((found - told).abs() <= 0.02, "{found} is not {told} in trial {id}");
            }
        }
    }

    #[test]
    fn what_a_task_draws_never_changes() {
        let draw = |id: i64, run: i64, task: i64| DOMAIN.of(id).of(run).of(task).0;
        assert_eq!(draw(1, 1, 1), 16_956_057_645_226_749_170);
        assert_eq!(draw(7, 42, 1_000_000), 525_376_327_845_707_386);
        assert_eq!(draw(-1, 0, i64::MAX), 7_735_445_172_950_654_636);
        let half = trial(1, Stage::Split { share: 0.5 });
        let letters: String = (1..=40)
            .map(|task| if half.arm(RunId(1), TaskId(task)) == Arm::Candidate { 'c' } else { 'b' })
            .collect();
        assert_eq!(letters, "bcbbccbcbbcbbbcbcbbbcbcccbbbcbbbccbcbccc");
    }

    #[test]
    fn other_trials_tasks_and_runs_draw_independently() {
        let half = Stage::Split { share: 0.5 };
        let one = candidates(&trial(1, half));
        let agree = |left: &[bool], right: &[bool]| {
            share(&left.iter().zip(right).map(|(left, right)| left == right).collect::<Vec<_>>())
        };
        for other in [candidates(&trial(2, half)), one[1..].to_vec(), one[100..].to_vec()] {
            let found = agree(&one, &other);
            assert!((found - 0.5).abs() < 0.025, "{found}");
        }
    }

    #[test]
    fn a_task_stays_with_the_candidate_when_the_share_grows() {
        let small = candidates(&trial(3, Stage::Split { share: 0.1 }));
        let large = candidates(&trial(3, Stage::Split { share: 0.5 }));
        let nearly = candidates(&trial(3, Stage::Probation { holdback: 0.05 }));
        assert!(small.iter().zip(&large).all(|(small, large)| !small || *large));
        assert!(large.iter().zip(&nearly).all(|(large, nearly)| !large || *nearly));
        assert!((share(&nearly) - 0.95).abs() < 0.02);
        assert!(candidates(&trial(3, Stage::Shadow)).iter().all(|candidate| !candidate));
    }

    fn seen(accepted: bool, latency_ms: u64) -> Observation {
        Observation { accepted, latency_ms, cost_micros: Some(100) }
    }

    /// A ledger after tasks that were all accepted in one arm and none in the other.
    fn decided(better: Arm, slow: u64) -> Ledger {
        let trial = trial(5, Stage::Split { share: 0.5 });
        let mut ledger = Ledger::new(&trial);
        for task in 1..=60 {
            let arm = trial.arm(RunId(1), TaskId(task));
            let latency = if arm == Arm::Candidate { slow } else { 100 };
            ledger.observe(arm, Try::First, &seen(arm == better, latency));
        }
        ledger
    }

    #[test]
    fn a_trial_is_won_lost_or_breached() {
        let fresh = Ledger::new(&trial(5, Stage::Split { share: 0.5 }));
        assert_eq!(fresh.standing(), Standing::Running);
        let won = decided(Arm::Candidate, 100).standing();
        assert!(matches!(won, Standing::Won(margin) if margin.baseline.sum == 0.0), "{won}");
        assert!(won.to_string().starts_with("the candidate is better: "), "{won}");
        let breached = decided(Arm::Candidate, 900).standing();
        assert!(matches!(breached, Standing::Breached(Breach::Latency { .. })), "{breached}");
        let lenient =
            GuardLimits { acceptance: Limit { tolerance: 1.0, alpha: 0.01 }, ..GuardLimits::default() };
        let patient = Trial { guards: lenient, ..trial(5, Stage::Split { share: 0.5 }) };
        let mut ledger = Ledger::new(&patient);
        for _ in 0..60 {
            ledger.observe(Arm::Baseline, Try::First, &seen(true, 100));
            ledger.observe(Arm::Candidate, Try::First, &seen(false, 100));
        }
        assert!(matches!(ledger.standing(), Standing::Lost(_)), "{}", ledger.standing());
    }

    #[test]
    fn retries_count_for_the_guards_and_not_for_the_race() {
        let mut ledger = Ledger::new(&trial(5, Stage::Split { share: 0.5 }));
        for _ in 0..200 {
            ledger.observe(Arm::Baseline, Try::Again, &seen(true, 100));
            ledger.observe(Arm::Candidate, Try::Again, &seen(false, 100));
        }
        assert_eq!(ledger.race().tally(Arm::Candidate).count, 0);
        assert_eq!((ledger.attempts(Arm::Candidate), ledger.attempts(Arm::Baseline)), (200, 200));
        assert!(matches!(ledger.standing(), Standing::Breached(Breach::Acceptance { .. })));
    }

    #[test]
    fn a_trial_and_its_ledger_survive_being_written_down() {
        let trial = trial(5, Stage::Probation { holdback: 0.1 });
        let text = serde_json::to_string(&trial).unwrap();
        assert_eq!(serde_json::from_str::<Trial>(&text).unwrap(), trial);
        let ledger = decided(Arm::Candidate, 100);
        let again: Ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        assert_eq!(again.attempts, ledger.attempts);
        assert!(matches!(again.standing(), Standing::Won(_)));
    }
}
