//! A/A tests: a router on trial against itself.

use baton_core::id::{RunId, TaskId};
use baton_core::trial::{GuardLimits, Trial, TrialPhase};
use baton_learn::guard::{GuardSample, Try};
use baton_learn::trial::{self, TrialProgress, TrialStatus};

use super::{Bench, Finding, Gate, GateError};
use crate::play::Demand;
use crate::score::Played;
use crate::world::{Config, World};

const QUIET: f64 = 0.95;
const TASKS: usize = 2000;

/// Number of simulated worlds; trials with different splits are evaluated on each.
pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G5);
    let mut worlds = bench.worlds(&Config { tasks: TASKS, ..Config::default() });
    worlds.truncate(10);
    let mut plays = Vec::new();
    for world in &worlds {
        let mut played = bench.play(world, "capability", Demand::Preferred, false)?.played;
        played.sort_by_key(|one| (one.ended_ms, one.task));
        plays.push((world, played));
    }
    for share in [0.1, 0.5] {
        let mut loud = 0;
        for test in 0..bench.scale.tests {
            let (world, played) = &plays[usize::try_from(test).unwrap_or(0) % plays.len()];
            let id = i64::try_from(test + 1).unwrap_or(1);
            let trial =
                Trial { id, stage: TrialPhase::Split { share }, alpha: 0.05, guards: GuardLimits::default() };
            let standing = watched(&trial, world, played);
            if standing != TrialStatus::Running {
                loud += 1;
                finding.losing.push(format!("share {share}, test {id}: {standing}"));
            }
        }
        let tests = super::real(bench.scale.tests);
        let quiet = 1.0 - f64::from(loud) / tests;
        finding.demand(
            quiet >= QUIET,
            format!("share {share}: quiet tests"),
            format!("{:.1} % of {tests} over {TASKS} tasks, looked at after every one", quiet * 100.0),
        );
    }
    Ok(finding)
}

/// Inspects the trial after every attempt, and stops at the first result.
fn watched(trial: &Trial, world: &World, played: &[Played]) -> TrialStatus {
    let run = RunId(i64::try_from(world.config.seed).unwrap_or(1));
    let mut ledger = TrialProgress::new(trial);
    for one in played {
        let task = TaskId(i64::try_from(one.task + 1).unwrap_or(1));
        let seen = GuardSample {
            accepted: one.accepted,
            latency_ms: one.ended_ms - one.started_ms,
            cost_micros: Some(world.cost_micros(one.agent, one.task)),
        };
        ledger.observe(trial::arm(trial, run, task), Try::First, &seen);
        let standing = ledger.status();
        if standing != TrialStatus::Running {
            return standing;
        }
    }
    TrialStatus::Running
}
