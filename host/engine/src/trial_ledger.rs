//! What a trial has brought, from the record.

use std::collections::HashSet;

use baton_core::id::RunId;
use baton_core::knowledge::Observation;
use baton_learn::guard::{self, Try};
use baton_learn::trial::{self, TrialProgress};
use baton_stats::arm::Arm;
use baton_store::read::routing::{Past, TrialRow, each_past};
use baton_store::read::{self, history};
use baton_store::{Reader, Reading};

/// Whether an attempt was assigned in the present stage of a trial.
#[must_use]
pub fn counts(row: &TrialRow, observation: &Observation) -> bool {
    observation.decision.is_some() && observation.started >= row.moved
}

pub fn add(ledger: &mut TrialProgress, arm: Arm, observation: &Observation) {
    let which = if observation.epoch.0 <= 1 { Try::First } else { Try::Again };
    let seen = guard::GuardSample {
        accepted: observation.verdict.is_accepted(),
        latency_ms: observation.latency_ms(),
        cost_micros: observation.cost_micros,
    };
    ledger.observe(arm, which, &seen);
}

/// Adds up all attempts of the present stage of a trial. A run that the candidate decides anyway is of neither arm.
///
/// # Errors
/// The store can't be read.
pub fn ledger(reader: &Reader, row: &TrialRow) -> Reading<TrialProgress> {
    let trial = row.trial();
    let mut ledger = TrialProgress::new(&trial);
    let runs = read::runs(reader)?;
    let theirs: HashSet<RunId> =
        runs.iter().filter(|run| run.router == row.router).map(|run| run.id).collect();
    let before = history::seq_before(reader, row.moved)?;
    let count = |past: Past| {
        let seen = &past.observation;
        if counts(row, seen) && !theirs.contains(&seen.run) {
            add(&mut ledger, trial::arm(&trial, seen.run, seen.task), seen);
        }
    };
    each_past(reader, before, count)?;
    Ok(ledger)
}
