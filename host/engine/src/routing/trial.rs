//! The router on trial: whose tasks are whose, how both do, and what follows from that.

use baton_core::event::TrialEnding;
use baton_core::id::{RunId, TaskId};
use baton_core::knowledge::Observation;
use baton_core::op::{Op, RouterChoice};
use baton_core::trial::TrialPhase;
use baton_learn::trial::{TrialProgress, TrialStatus, arm};
use baton_stats::arm::Arm;
use baton_store::read::routing::TrialRow;

use super::{Asked, Routing};
use crate::effect::Effect;
use crate::trial_ledger;

/// Failures in a row that end a trial.
const FAILURES: u32 = 3;

pub struct ActiveTrial {
    row: TrialRow,
    ledger: TrialProgress,
    /// Failures of the candidate in a row.
    failures: u32,
    /// Its end is on its way to the store.
    over: bool,
}

impl ActiveTrial {
    #[must_use]
    pub fn new(row: TrialRow, ledger: TrialProgress) -> Self {
        Self { row, ledger, failures: 0, over: false }
    }

    #[must_use]
    pub fn row(&self) -> &TrialRow {
        &self.row
    }

    pub(super) fn router(&self) -> &RouterChoice {
        &self.row.router
    }

    pub(super) fn arm(&self, run: RunId, task: TaskId) -> Arm {
        arm(&self.row.trial(), run, task)
    }

    /// As a question is asked while it goes on.
    pub(super) fn asked(&self) -> Asked {
        Asked { id: self.row.id, shadows: self.shadows() }
    }

    /// Whether its router decides in the shadow of others, for now.
    pub(super) fn shadows(&self) -> bool {
        matches!(self.row.terms.stage, TrialPhase::Shadow) && !self.over
    }

    /// Counts an attempt for its arm, and ends the trial where that decides it. `own` is the router of the attempt's run.
    pub(super) fn observe(
        &mut self,
        observation: &Observation,
        own: Option<&RouterChoice>,
    ) -> Option<Effect> {
        if self.over || own == Some(&self.row.router) || !trial_ledger::counts(&self.row, observation) {
            return None;
        }
        let arm = self.arm(observation.run, observation.task);
        trial_ledger::add(&mut self.ledger, arm, observation);
        match (self.ledger.status(), self.row.terms.stage) {
            (standing @ (TrialStatus::Lost(_) | TrialStatus::Breached(_)), _) => {
                Some(self.end(TrialEnding::RolledBack, standing.to_string()))
            }
            (TrialStatus::Running | TrialStatus::Won(_), TrialPhase::Probation { .. })
                if self.ledger.attempts(Arm::Candidate) >= self.row.terms.probation =>
            {
                let attempts = self.row.terms.probation;
                let why = format!("no guard was breached in {attempts} attempts on probation");
                Some(self.end(TrialEnding::Promoted, why))
            }
            (TrialStatus::Running | TrialStatus::Won(_), _) => None,
        }
    }

    fn end(&mut self, ending: TrialEnding, why: String) -> Effect {
        self.over = true;
        let name = &self.row.router.name;
        match ending {
            TrialEnding::Promoted => tracing::info!("{name} is promoted: {why}"),
            TrialEnding::RolledBack => tracing::warn!("{name} is rolled back: {why}"),
        }
        Op::EndTrial { trial: self.row.id, ending, why }.into()
    }
}

impl Routing {
    /// The trial during which a question was asked, if it still goes on and the question went to its router.
    fn trial_of(&mut self, router: &RouterChoice, asked: Option<Asked>) -> Option<&mut ActiveTrial> {
        let asked = asked?;
        self.trial
            .as_mut()
            .filter(|trial| trial.row.id == asked.id && trial.row.router == *router && !trial.over)
    }

    /// The candidate gave a usable answer.
    pub(super) fn recovered(&mut self, router: &RouterChoice, asked: Option<Asked>) {
        if let Some(trial) = self.trial_of(router, asked) {
            trial.failures = 0;
        }
    }

    /// The candidate gave no usable answer.
    pub(super) fn stumbled(
        &mut self,
        router: &RouterChoice,
        asked: Option<Asked>,
        why: &str,
    ) -> Option<Effect> {
        let trial = self.trial_of(router, asked)?;
        trial.failures += 1;
        if trial.failures < FAILURES {
            return None;
        }
        let why = format!("it gave no usable answer {FAILURES} times in a row: {why}");
        Some(trial.end(TrialEnding::RolledBack, why))
    }
}
