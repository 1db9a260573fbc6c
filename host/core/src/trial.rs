//! Trials of a router against the promoted one: their phases, their limits, and which tasks the candidate decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{RunId, TaskId};
use crate::seed::Seed;

/// The phases of a trial, by how much the candidate decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum TrialPhase {
    /// Its decisions are recorded and not followed.
    Shadow,
    /// It decides a share of the tasks.
    Split {
        /// The candidate's share, 0.0 to 1.0.
        share: f64,
    },
    /// It decides all tasks but a share that stays with the baseline, so that both can still be compared.
    Probation {
        /// The baseline's share, 0.0 to 1.0.
        holdback: f64,
    },
}

impl TrialPhase {
    /// The candidate's share of the tasks, 0.0 to 1.0.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::Shadow => 0.0,
            // `max` turns NaN into 0.
            Self::Split { share } => share.clamp(0.0, 1.0).max(0.0),
            Self::Probation { holdback } => 1.0 - holdback.clamp(0.0, 1.0).max(0.0),
        }
    }
}

/// The tolerance of a guard and the probability that it raises a false alarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// A difference or a factor, as the guard says.
    pub tolerance: f64,
    /// The probability of a false alarm, 0.0 to 1.0.
    pub alpha: f64,
}

/// When a trial is ended because the candidate does worse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardLimits {
    /// Tolerated difference of the acceptance rates, such as 0.05.
    pub acceptance: Limit,
    /// Tolerated ratio of the latencies, such as 1.25.
    pub latency: Limit,
    /// Tolerated ratio of the costs, such as 1.25.
    pub cost: Limit,
}

impl Default for GuardLimits {
    /// Together the three raise a false alarm in at most 5 % of trials (Bonferroni).
    fn default() -> Self {
        let alpha = 0.05 / 3.0;
        Self {
            acceptance: Limit { tolerance: 0.05, alpha },
            latency: Limit { tolerance: 1.25, alpha },
            cost: Limit { tolerance: 1.25, alpha },
        }
    }
}

/// A trial that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, which selects the tasks of each arm.
    pub id: i64,
    /// The current phase.
    pub stage: TrialPhase,
    /// Significance level of the sequential test: the probability that it decides although both routers are equally
    /// good.
    pub alpha: f64,
    /// When to end it early.
    pub guards: GuardLimits,
}

/// Keeps the arms' draws apart from all others that derive from small numbers: the letters `batonarm` as a number.
const DOMAIN: Seed = Seed(0x6261_746f_6e61_726d);

impl Trial {
    /// Whether the candidate decides a task. The answer is the same for every attempt, whatever else is going on.
    ///
    /// `DOMAIN.of(trial).of(run).of(task).fraction()` in terms of [`Seed::of`], which is a step of SplitMix64 for each
    /// number; a task is the candidate's where that is below the candidate's share. So a task that is the candidate's
    /// remains so when the share grows. Runs recorded with one version are read by later ones: this never changes.
    #[must_use]
    pub fn is_candidates(&self, run: RunId, task: TaskId) -> bool {
        DOMAIN.of(self.id).of(run.0).of(task.0).fraction() < self.stage.share()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(id: i64, stage: TrialPhase) -> Trial {
        Trial { id, stage, alpha: 0.05, guards: GuardLimits::default() }
    }

    fn candidates(trial: &Trial) -> Vec<bool> {
        (1..=100)
            .flat_map(|run| (1..=100).map(move |task| (RunId(run), TaskId(task))))
            .map(|(run, task)| trial.is_candidates(run, task))
            .collect()
    }

    fn share(of: &[bool]) -> f64 {
        f64::from(u32::try_from(of.iter().filter(|is| **is).count()).unwrap()) / 10_000.0
    }

    #[test]
    fn the_split_has_its_share_within_two_points() {
        for wanted in [0.0, 0.1, 0.5, 0.9, 1.0] {
            for id in 1..=20 {
                let found = share(&candidates(&trial(id, TrialPhase::Split { share: wanted })));
                assert!((found - wanted).abs() <= 0.02, "{found} is not {wanted} in trial {id}");
            }
        }
    }

    #[test]
    fn what_a_task_draws_never_changes() {
        let draw = |id: i64, run: i64, task: i64| DOMAIN.of(id).of(run).of(task).0;
        assert_eq!(draw(1, 1, 1), 16_956_057_645_226_749_170);
        assert_eq!(draw(7, 42, 1_000_000), 525_376_327_845_707_386);
        assert_eq!(draw(-1, 0, i64::MAX), 7_735_445_172_950_654_636);
        let half = trial(1, TrialPhase::Split { share: 0.5 });
        let letters: String =
            (1..=40).map(|task| if half.is_candidates(RunId(1), TaskId(task)) { 'c' } else { 'b' }).collect();
        assert_eq!(letters, "bcbbccbcbbcbbbcbcbbbcbcccbbbcbbbccbcbccc");
    }

    #[test]
    fn other_trials_tasks_and_runs_draw_independently() {
        let half = TrialPhase::Split { share: 0.5 };
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
        let small = candidates(&trial(3, TrialPhase::Split { share: 0.1 }));
        let large = candidates(&trial(3, TrialPhase::Split { share: 0.5 }));
        let nearly = candidates(&trial(3, TrialPhase::Probation { holdback: 0.05 }));
        assert!(small.iter().zip(&large).all(|(small, large)| !small || *large));
        assert!(large.iter().zip(&nearly).all(|(large, nearly)| !large || *nearly));
        assert!((share(&nearly) - 0.95).abs() < 0.02);
        assert!(candidates(&trial(3, TrialPhase::Shadow)).iter().all(|candidate| !candidate));
    }
}
