//! The router on trial: whose tasks are whose, how both do, and what follows from that.

use baton_core::event::TrialEnding;
use baton_core::id::{RunId, TaskId};
use baton_core::knowledge::Observation;
use baton_core::op::{Op, Rejection, RouterChoice};
use baton_core::trial::TrialPhase;
use baton_learn::trial::{self, TrialProgress, TrialStatus};
use baton_stats::arm::Arm;
use baton_store::read::routing::{TrialRow, trial};

use super::{Spine, unreadable};
use crate::contest;

pub(super) struct Contest {
    pub(super) row: TrialRow,
    ledger: TrialProgress,
    /// Failures of the candidate in a row.
    stumbles: u32,
    /// Its end is on its way to the store.
    pub(super) over: bool,
}

/// Failures in a row that end a trial.
const PATIENCE: u32 = 3;

impl Contest {
    pub(super) fn arm(&self, run: RunId, task: TaskId) -> Arm {
        trial::arm(&self.row.trial(), run, task)
    }
}

impl Spine {
    /// Takes the trial as it is in the store, with what came of its present stage so far.
    pub(super) fn reload_contest(&mut self) -> Result<(), Rejection> {
        let row = trial(&self.reader).map_err(unreadable)?;
        let known = self.contest.as_ref().map(|contest| &contest.row);
        if known == row.as_ref() {
            return Ok(());
        }
        self.contest = match row {
            Some(row) => {
                let ledger = contest::ledger(&self.reader, &row).map_err(unreadable)?;
                Some(Contest { row, ledger, stumbles: 0, over: false })
            }
            None => None,
        };
        Ok(())
    }

    /// Counts an attempt for its arm, and ends the trial where that decides it.
    pub(super) fn judge(&mut self, observation: &Observation) {
        let Some(contest) = self.contest.as_mut().filter(|contest| !contest.over) else { return };
        let own = self.conducts.get(&observation.run).map(|conduct| &conduct.router);
        if own == Some(&contest.row.router) || !contest::counts(&contest.row, observation) {
            return;
        }
        let arm = contest.arm(observation.run, observation.task);
        contest::add(&mut contest.ledger, arm, observation);
        let ending = match (contest.ledger.status(), contest.row.terms.stage) {
            (standing @ (TrialStatus::Lost(_) | TrialStatus::Breached(_)), _) => {
                Some((TrialEnding::RolledBack, standing.to_string()))
            }
            (TrialStatus::Running | TrialStatus::Won(_), TrialPhase::Probation { .. })
                if contest.ledger.attempts(Arm::Candidate) >= contest.row.terms.probation =>
            {
                let attempts = contest.row.terms.probation;
                Some((
                    TrialEnding::Promoted,
                    format!("no guard was breached in {attempts} attempts on probation"),
                ))
            }
            (TrialStatus::Running | TrialStatus::Won(_), _) => None,
        };
        if let Some((ending, why)) = ending {
            self.end_trial(ending, why);
        }
    }

    /// The candidate gave a usable answer.
    pub(super) fn recovered(&mut self, router: &RouterChoice) {
        if let Some(contest) = self.contest.as_mut().filter(|contest| contest.row.router == *router) {
            contest.stumbles = 0;
        }
    }

    /// The candidate gave no usable answer.
    pub(super) fn stumbled(&mut self, router: &RouterChoice, why: &str) {
        let Some(contest) = self.contest.as_mut() else { return };
        if contest.row.router != *router || contest.over {
            return;
        }
        contest.stumbles += 1;
        if contest.stumbles >= PATIENCE {
            let why = format!("it gave no usable answer {PATIENCE} times in a row: {why}");
            self.end_trial(TrialEnding::RolledBack, why);
        }
    }

    fn end_trial(&mut self, ending: TrialEnding, why: String) {
        let Some(contest) = self.contest.as_mut() else { return };
        contest.over = true;
        let name = &contest.row.router.name;
        match ending {
            TrialEnding::Promoted => tracing::info!("{name} is promoted: {why}"),
            TrialEnding::RolledBack => tracing::warn!("{name} is rolled back: {why}"),
        }
        self.pending.push(Op::EndTrial { trial: contest.row.id, ending, why });
    }
}
