//! Who decides, and how the router on trial does.

use baton_core::id::DecisionId;
use baton_core::trial::TrialPhase;
use baton_engine::{decide, trial_ledger};
use baton_learn::guard::Breach;
use baton_learn::trial::TrialProgress;
use baton_plugin::router::{Answer, Choice};
use baton_stats::arm::Arm;
use baton_stats::interval::Interval;
use baton_store::Reader;
use baton_store::read::routing::{self, TrialRow};
use schemars::JsonSchema;
use serde::Serialize;

use crate::runs::Nothing;
use crate::{App, AppError};

/// Who decides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RouterStatus {
    /// The router of the configuration, which decides unless one was promoted.
    pub configured: String,
    /// The router that was promoted in this store.
    pub promoted: Option<String>,
    /// The router on trial.
    pub trial: Option<TrialStatus>,
}

/// How a router on trial does.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrialStatus {
    /// Its name.
    pub router: String,
    /// Of its component.
    pub digest: String,
    /// How much it may do.
    pub stage: TrialPhase,
    /// When the stage began: RFC 3339, in UTC.
    pub since: String,
    /// How often it chose the same as the one that was followed; in its shadow only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// The router that decides otherwise.
    pub baseline: ArmRecord,
    /// The router on trial.
    pub candidate: ArmRecord,
    /// Of the shares of accepted first attempts, candidate less baseline; it holds at any time.
    pub difference: Interval,
    /// What can be said so far.
    pub standing: String,
    /// The guard that ended the trial.
    pub breach: Option<Breach>,
}

/// How often two routers chose the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Agreement {
    /// Decisions that both made.
    pub decisions: u64,
    /// Tasks of these decisions.
    pub tasks: u64,
    /// Tasks that both gave to the same agent, or both to none.
    pub same: u64,
}

/// What came of one side of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ArmRecord {
    /// All attempts.
    pub attempts: u64,
    /// Tasks whose first attempt is over.
    pub tasks: u64,
    /// The share of these that was accepted, 0 to 1.
    pub accepted_at_once: Option<f64>,
}

/// Who decides, and how the router on trial does.
///
/// # Errors
/// The store can't be read.
pub(crate) fn status(app: &App, _: &Nothing) -> Result<RouterStatus, AppError> {
    let reader = &app.reader()?;
    let promoted = routing::office(reader).map_err(AppError::unreadable)?.map(|router| router.name);
    let trial = routing::trial(reader).map_err(AppError::unreadable)?;
    let trial = trial.map(|row| of_trial(reader, &row)).transpose()?;
    Ok(RouterStatus { configured: app.config.router.clone(), promoted, trial })
}

fn of_trial(reader: &Reader, row: &TrialRow) -> Result<TrialStatus, AppError> {
    let ledger = trial_ledger::ledger(reader, row).map_err(AppError::unreadable)?;
    let agreement = match row.terms.stage {
        TrialPhase::Shadow => Some(agreement(reader, row)?),
        TrialPhase::Split { .. } | TrialPhase::Probation { .. } => None,
    };
    Ok(TrialStatus {
        router: row.router.name.clone(),
        digest: row.router.digest.clone(),
        stage: row.terms.stage,
        since: row.moved.to_string(),
        agreement,
        baseline: ArmRecord::of(&ledger, Arm::Baseline),
        candidate: ArmRecord::of(&ledger, Arm::Candidate),
        difference: ledger.test().difference(),
        standing: ledger.status().to_string(),
        breach: ledger.breach(),
    })
}

impl ArmRecord {
    fn of(ledger: &TrialProgress, arm: Arm) -> Self {
        let tally = ledger.test().totals(arm);
        Self { attempts: ledger.attempts(arm), tasks: tally.count, accepted_at_once: tally.mean() }
    }
}

fn agreement(reader: &Reader, row: &TrialRow) -> Result<Agreement, AppError> {
    let mut found = Agreement::default();
    for (shadow, followed) in routing::shadows(reader, row.id).map_err(AppError::unreadable)? {
        // One that can't be read is left out: `baton router verify` says what is wrong with it.
        let (Some(shadow), Some(followed)) = (answer(reader, shadow), answer(reader, followed)) else {
            continue;
        };
        found.add(shadow.0, &shadow.1, &followed.1);
    }
    Ok(found)
}

/// How many tasks a decision was about, and its answer.
fn answer(reader: &Reader, id: DecisionId) -> Option<(usize, Answer)> {
    let decided = routing::decision(reader, id).ok()?;
    let (snapshot, answer) = decide::recorded(&decided.input, &decided.answer).ok()?;
    Some((snapshot.requests.len(), answer))
}

impl Agreement {
    fn add(&mut self, tasks: usize, one: &Answer, other: &Answer) {
        self.decisions += 1;
        self.tasks += tasks as u64;
        let pairs = one.decisions.iter().zip(&other.decisions);
        let same = pairs.filter(|(one, other)| chosen(&one.choice) == chosen(&other.choice)).count();
        self.same += same as u64;
    }
}

fn chosen(choice: &Choice) -> Option<u32> {
    match choice {
        Choice::Assign(assignment) => Some(assignment.agent),
        Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use baton_plugin::conformance::snapshot;
    use baton_plugin::router::least_loaded;

    use super::*;

    #[test]
    fn two_routers_agree_on_a_task_that_both_give_to_one_agent_or_to_none() {
        let one = least_loaded(&snapshot(4, 3, 1));
        let mut other = one.clone();
        other.decisions[1].choice = Choice::Defer(1000);
        let mut found = Agreement::default();
        found.add(3, &one, &one);
        found.add(3, &one, &other);
        found.add(3, &other, &other);
        assert_eq!(found, Agreement { decisions: 3, tasks: 9, same: 8 });
    }
}
