//! The lifecycle of a task. Pure: [`decide`] turns a command into a fact, [`evolve`] applies a fact, and a task is
//! nothing but the facts about it, applied in order.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::retry::{RetryDecision, after_failure};
use super::{Need, State, StateName, Task, TaskPolicy, WaitingOn};
use crate::clock::Time;
use crate::event::{Fact, Readied};
use crate::fault::{Begun, ErrorClass, Fault};
use crate::id::{AgentId, DecisionId, Epoch, QuestionId, TaskId};
use crate::people::Question;
use crate::seed::Seed;

/// A command to a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskCommand {
    /// Blocked → Ready.
    Unblock,
    /// Backoff → Ready.
    Due,
    /// Ready → Running, with a new epoch.
    Assign {
        /// The agent that works on it.
        agent: AgentId,
        /// End of the lease, unless it is renewed.
        lease_until: Time,
        /// The router's decision; none if the host decided by itself.
        decision: Option<DecisionId>,
    },
    /// Running → Waiting for acceptance.
    Claim {
        /// The attempt's epoch.
        epoch: Epoch,
    },
    /// Ready → Waiting for the executor, with a new epoch.
    Delegate,
    /// Waiting → Waiting for children; Ready → Waiting for a consultation.
    Await {
        /// The task's epoch.
        epoch: Epoch,
        /// The plugin that asked for the children.
        stage: WaitingOn,
        /// When the task wakes.
        need: Need,
    },
    /// Waiting for children → Waiting for the stage, or Ready when it was the router.
    Wake,
    /// Running → Waiting for a person; no change of state if the policy has answered.
    Ask {
        /// The attempt's epoch.
        epoch: Epoch,
        /// The question's id.
        id: QuestionId,
        /// The question.
        question: Box<Question>,
        /// When the policy answers; none = it never does.
        until: Option<Time>,
        /// Whether the attempt ends until there is an answer.
        waits: bool,
    },
    /// Waiting for a person → Ready.
    Answer {
        /// The question's id.
        question: QuestionId,
        /// The answer.
        text: String,
        /// A person's name, or `policy`.
        by: String,
    },
    /// Running or Waiting → Succeeded.
    Accept {
        /// The attempt's epoch.
        epoch: Epoch,
        /// Number of checks that were made.
        checks: u32,
        /// Their mean score, 0.0 to 1.0; none without checks.
        quality: Option<f64>,
    },
    /// Running or Waiting → Backoff or Failed.
    Fail {
        /// The attempt's epoch.
        epoch: Epoch,
        /// Why it failed.
        fault: Fault,
    },
    /// Ready → Failed: a router found no suitable agent, or the deadline passed before the start.
    Reject {
        /// Why no agent may do it.
        fault: Fault,
    },
    /// Running → Backoff or Failed, because the host that ran it is gone or its lease lapsed.
    LoseLease {
        /// Recorded for people.
        why: String,
    },
    /// Running → Ready, not charged; Failed if it may have had external effects.
    Release {
        /// The attempt's epoch.
        epoch: Epoch,
        /// Recorded for people.
        why: String,
        /// Whether anything may have happened outside.
        begun: Begun,
    },
    /// Waiting → Ready, not charged: its changes conflict with changes that landed meanwhile.
    Conflict {
        /// The attempt's epoch.
        epoch: Epoch,
        /// Paths that both changed.
        files: Vec<String>,
    },
    /// Ready → Backoff, not charged.
    Defer {
        /// The router isn't asked again before then.
        until: Time,
    },
    /// Any state that isn't terminal; sets [`Task::held`].
    Hold,
    /// Clears [`Task::held`].
    Unhold,
    /// Any state but Running → Cancelled at once; a running attempt is asked to stop.
    Cancel {
        /// Recorded for people.
        why: String,
    },
    /// Running or Waiting → Cancelled, once the attempt has stopped.
    Cancelled {
        /// The attempt's epoch.
        epoch: Epoch,
        /// Recorded for people.
        why: String,
    },
    /// Blocked → Skipped.
    Skip {
        /// The dependency that did not succeed.
        because: TaskId,
    },
    /// Failed, Cancelled or Skipped → Ready or Blocked, with its attempts reset.
    Redrive,
    /// Stays Failed, but no longer as a dead letter.
    Drop,
}

/// Why a command was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// The attempt was superseded.
    #[error("the attempt with epoch {held} is stale, the task is at epoch {current}")]
    Stale {
        /// The attempt's epoch.
        held: Epoch,
        /// The task's.
        current: Epoch,
    },
    /// The command doesn't apply in the task's state.
    #[error("this can't be done while the task is {is}")]
    WrongState {
        /// The task's state.
        is: StateName,
    },
    /// A task on hold starts nothing.
    #[error("the task is on hold")]
    Held,
}

/// The fact that the command leads to.
///
/// # Errors
/// [`Refused::Stale`] if the epoch is not the task's, [`Refused::WrongState`] if the command doesn't apply in the
/// task's state, [`Refused::Held`] if it would start a task on hold.
pub fn decide(
    task: &Task,
    terms: &TaskPolicy,
    command: TaskCommand,
    now: Time,
    seed: Seed,
) -> Result<Fact, Refused> {
    let wrong = || Err(Refused::WrongState { is: task.state.name() });
    match (command, task.state) {
        (TaskCommand::Unblock, State::Blocked) => Ok(Fact::Readied { why: Readied::Dependencies }),
        (TaskCommand::Due, State::Backoff { .. }) => Ok(Fact::Readied { why: Readied::Due }),
        (TaskCommand::Assign { .. } | TaskCommand::Delegate, State::Ready { .. }) if task.held => {
            Err(Refused::Held)
        }
        (TaskCommand::Assign { agent, lease_until, decision }, State::Ready { .. }) => {
            Ok(Fact::Assigned { agent, lease_until, decision })
        }
        (TaskCommand::Delegate, State::Ready { .. }) => Ok(Fact::Delegated),
        (TaskCommand::Claim { epoch }, State::Running { .. }) if task.cancelling => {
            current(task, epoch).map(|()| Fact::Cancelled { why: "it was asked to stop".into() })
        }
        (
            TaskCommand::Claim { epoch },
            State::Running { .. } | State::Waiting { stage: WaitingOn::Executor, need: None, .. },
        ) => current(task, epoch).map(|()| Fact::Claimed),
        (TaskCommand::Await { epoch, stage, need }, State::Waiting { stage: at, need: None, .. })
            if at == stage =>
        {
            current(task, epoch).map(|()| Fact::Awaiting { stage, need })
        }
        (TaskCommand::Await { epoch, stage: WaitingOn::Routing, need }, State::Ready { .. }) => {
            current(task, epoch).map(|()| Fact::Awaiting { stage: WaitingOn::Routing, need })
        }
        (TaskCommand::Wake, State::Waiting { stage: WaitingOn::Routing, need: Some(_), .. }) => {
            Ok(Fact::Readied { why: Readied::Consulted })
        }
        (
            TaskCommand::Wake,
            State::Waiting { stage: WaitingOn::Executor | WaitingOn::Acceptance, need: Some(_), .. },
        ) => Ok(Fact::Woken),
        (TaskCommand::Ask { epoch, waits: true, .. }, State::Running { .. }) if task.cancelling => {
            current(task, epoch).map(|()| Fact::Cancelled { why: "it was asked to stop".into() })
        }
        (TaskCommand::Ask { epoch, id, question, until, waits }, State::Running { .. }) => {
            let Question { purpose, text, choices, .. } = *question;
            let fact = Fact::Asked { question: id, purpose, text, choices, until, waits };
            current(task, epoch).map(|()| fact)
        }
        (TaskCommand::Answer { question, text, by }, State::Waiting { stage: WaitingOn::Person, .. }) => {
            Ok(Fact::Answered { question, text, by })
        }
        (TaskCommand::Accept { .. }, State::Waiting { stage: WaitingOn::Person, .. }) => wrong(),
        // Nobody answered in time. Later failures of the attempt that asked change nothing.
        (TaskCommand::Fail { epoch, fault }, State::Waiting { stage: WaitingOn::Person, .. }) => {
            current(task, epoch)?;
            match fault.class {
                ErrorClass::Environment | ErrorClass::Deadline => Ok(Fact::Failed { fault }),
                _ => wrong(),
            }
        }
        (TaskCommand::Accept { epoch, checks, quality }, State::Running { .. } | State::Waiting { .. }) => {
            current(task, epoch).map(|()| Fact::Accepted { checks, quality })
        }
        (TaskCommand::Fail { epoch, fault }, State::Running { .. } | State::Waiting { .. }) => {
            current(task, epoch).map(|()| failed(task, terms, fault, now, seed))
        }
        (TaskCommand::Reject { fault }, State::Ready { .. } | State::Blocked | State::Backoff { .. }) => {
            Ok(Fact::Failed { fault })
        }
        (TaskCommand::LoseLease { why }, State::Running { .. }) => Ok(lost(task, terms, why, now)),
        (TaskCommand::Release { epoch, why, begun }, State::Running { .. }) => {
            current(task, epoch).map(|()| released(task, terms, why, begun))
        }
        (TaskCommand::Conflict { epoch, files }, State::Waiting { stage: WaitingOn::Acceptance, .. }) => {
            current(task, epoch).map(|()| conflicted(task, terms, files, now, seed))
        }
        (TaskCommand::Defer { until }, State::Ready { .. }) => Ok(Fact::Deferred { until }),
        (TaskCommand::Hold, state) if !state.is_terminal() && !task.held => Ok(Fact::Held),
        (TaskCommand::Unhold, _) if task.held => Ok(Fact::Unheld),
        (TaskCommand::Cancel { .. }, State::Running { .. }) if !task.cancelling => Ok(Fact::CancelRequested),
        (
            TaskCommand::Cancel { why },
            State::Blocked | State::Ready { .. } | State::Waiting { .. } | State::Backoff { .. },
        ) => Ok(Fact::Cancelled { why }),
        (TaskCommand::Cancelled { epoch, why }, State::Running { .. } | State::Waiting { .. }) => {
            current(task, epoch).map(|()| Fact::Cancelled { why })
        }
        (TaskCommand::Skip { because }, State::Blocked) => Ok(Fact::Skipped { because }),
        (TaskCommand::Redrive, State::Failed { .. } | State::Cancelled { .. } | State::Skipped { .. }) => {
            Ok(Fact::Redriven)
        }
        (TaskCommand::Drop, State::Failed { .. }) => Ok(Fact::Dropped),
        (
            TaskCommand::Unblock
            | TaskCommand::Due
            | TaskCommand::Assign { .. }
            | TaskCommand::Claim { .. }
            | TaskCommand::Delegate
            | TaskCommand::Await { .. }
            | TaskCommand::Wake
            | TaskCommand::Ask { .. }
            | TaskCommand::Answer { .. }
            | TaskCommand::Accept { .. }
            | TaskCommand::Fail { .. }
            | TaskCommand::Reject { .. }
            | TaskCommand::LoseLease { .. }
            | TaskCommand::Release { .. }
            | TaskCommand::Conflict { .. }
            | TaskCommand::Defer { .. }
            | TaskCommand::Hold
            | TaskCommand::Unhold
            | TaskCommand::Cancel { .. }
            | TaskCommand::Cancelled { .. }
            | TaskCommand::Skip { .. }
            | TaskCommand::Redrive
            | TaskCommand::Drop,
            _,
        ) => wrong(),
    }
}

/// Refuses an epoch that isn't the task's current one.
fn current(task: &Task, held: Epoch) -> Result<(), Refused> {
    if held == task.epoch { Ok(()) } else { Err(Refused::Stale { held, current: task.epoch }) }
}

fn failed(task: &Task, terms: &TaskPolicy, fault: Fault, now: Time, seed: Seed) -> Fact {
    if task.cancelling {
        return Fact::Cancelled { why: fault.message };
    }
    if terms.needs_confirmation(begun(task, &fault)) {
        return Fact::Failed { fault: Fault { message: in_doubt(&fault.message), ..fault } };
    }
    let expired = task.deadline.is_some_and(|deadline| deadline <= now);
    match after_failure(task, &terms.retry, &fault, now, seed) {
        RetryDecision::Retry { at, charged, crashed } if !expired => {
            Fact::Retrying { fault, until: at, charged, crashed }
        }
        RetryDecision::Retry { .. } | RetryDecision::GiveUp => Fact::Failed { fault },
    }
}

/// A task that conflicted is retried alone, so it can only conflict again if the target branch is moved from outside.
/// This bounds how often.
const CONFLICTS: u32 = 10;

fn conflicted(task: &Task, terms: &TaskPolicy, files: Vec<String>, now: Time, seed: Seed) -> Fact {
    if task.conflicts < CONFLICTS {
        return Fact::Conflicted { files };
    }
    let why =
        format!("it conflicted {CONFLICTS} times with what landed meanwhile, now in {}", files.join(", "));
    failed(task, terms, Fault::new(ErrorClass::Unaccepted, why), now, seed)
}

/// Whether the failed work may have had external effects. An attempt's fault says; a composite task whose children
/// ran, and a claim that was not accepted, count as yes.
fn begun(task: &Task, fault: &Fault) -> Begun {
    match task.state {
        State::Running { .. } => fault.begun,
        State::Waiting { stage: WaitingOn::Executor | WaitingOn::Acceptance, .. } => Begun::Yes,
        State::Waiting { stage: WaitingOn::Routing | WaitingOn::Person, .. }
        | State::Blocked
        | State::Ready { .. }
        | State::Backoff { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => Begun::No,
    }
}

fn released(task: &Task, terms: &TaskPolicy, why: String, begun: Begun) -> Fact {
    if task.cancelling {
        Fact::Cancelled { why }
    } else if terms.needs_confirmation(begun) {
        Fact::Failed { fault: Fault::new(ErrorClass::Lost, in_doubt(&why)) }
    } else {
        Fact::Released { why }
    }
}

fn in_doubt(why: &str) -> String {
    format!("{why}; it may have acted already: look, then redrive or drop it")
}

/// A lost host is not the task's fault, so no attempt is charged; it counts as a crash, so that a task that takes its
/// host down ends as a dead letter. A task that may have had external effects is not run again unless a person says
/// so.
fn lost(task: &Task, terms: &TaskPolicy, why: String, now: Time) -> Fact {
    if task.cancelling {
        return Fact::Cancelled { why };
    }
    let again = task.crashes + 1 < terms.retry.crashes;
    if terms.needs_confirmation(Begun::Yes) {
        return Fact::Failed { fault: Fault::new(ErrorClass::Lost, in_doubt(&why)) };
    }
    let fault = Fault::new(ErrorClass::Lost, why);
    if again {
        Fact::Retrying { fault, until: now, charged: false, crashed: true }
    } else {
        Fact::Failed { fault }
    }
}

/// Extends a lease, also one that lapsed while its host was suspended: only a new epoch ends the right to act. This
/// is not a fact, as it says only that time went by.
///
/// # Errors
/// [`Refused::Stale`] if the epoch is not the task's, [`Refused::WrongState`] if the task isn't running.
pub fn renew(task: &mut Task, epoch: Epoch, until: Time) -> Result<(), Refused> {
    current(task, epoch)?;
    let is = task.state.name();
    match &mut task.state {
        State::Running { lease_until: held, .. } => {
            *held = until;
            Ok(())
        }
        State::Blocked
        | State::Ready { .. }
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => Err(Refused::WrongState { is }),
    }
}

/// Applies a fact to a task. Facts about runs and the host don't change it. `db check` replays records that may have
/// been tampered with, so counters saturate.
pub fn evolve(task: &mut Task, at: Time, fact: &Fact) {
    match fact {
        Fact::Submitted { task: first } | Fact::Amended { task: first } => *task = (**first).clone(),
        Fact::Readied { .. } => task.state = State::Ready { since: at },
        Fact::Assigned { agent, lease_until, .. } => {
            task.state = State::Running { agent: *agent, since: at, lease_until: *lease_until };
            task.epoch = task.epoch.next();
            task.attempts = task.attempts.saturating_add(1);
        }
        Fact::Claimed => task.state = State::Waiting { stage: WaitingOn::Acceptance, need: None, since: at },
        Fact::Delegated => {
            task.state = State::Waiting { stage: WaitingOn::Executor, need: None, since: at };
            task.epoch = task.epoch.next();
            task.attempts = task.attempts.saturating_add(1);
        }
        Fact::Awaiting { stage, need } => {
            task.state = State::Waiting { stage: *stage, need: Some(*need), since: at };
        }
        Fact::Woken => {
            if let State::Waiting { need, .. } = &mut task.state {
                *need = None;
            }
        }
        Fact::Asked { waits: false, .. } => {}
        Fact::Asked { until, .. } => {
            let need = until.map(|until| Need { ended: 0, until: Some(until) });
            task.state = State::Waiting { stage: WaitingOn::Person, need, since: at };
            // An attempt that asked a person isn't charged.
            task.attempts = task.attempts.saturating_sub(1);
        }
        Fact::Answered { .. } => {
            if let State::Waiting { stage: WaitingOn::Person, .. } = task.state {
                task.state = State::Ready { since: at };
            }
        }
        Fact::Accepted { .. } => task.state = State::Succeeded { at },
        Fact::Retrying { until, charged, crashed, .. } => {
            task.state = State::Backoff { until: *until };
            task.epoch = task.epoch.next();
            task.attempts = task.attempts.saturating_sub(u32::from(!charged));
            task.crashes = task.crashes.saturating_add(u32::from(*crashed));
        }
        Fact::Failed { fault } => {
            task.state = State::Failed { at, class: fault.class };
            task.crashes = task
                .crashes
                .saturating_add(u32::from(matches!(fault.class, ErrorClass::Crashed | ErrorClass::Lost)));
            task.epoch = task.epoch.next();
        }
        Fact::Released { .. } => {
            task.state = State::Ready { since: at };
            task.epoch = task.epoch.next();
            task.attempts = task.attempts.saturating_sub(1);
        }
        Fact::Conflicted { .. } => {
            task.state = State::Ready { since: at };
            task.epoch = task.epoch.next();
            task.attempts = task.attempts.saturating_sub(1);
            task.conflicts = task.conflicts.saturating_add(1);
        }
        Fact::Deferred { until } => task.state = State::Backoff { until: *until },
        Fact::Held => task.held = true,
        Fact::Unheld => task.held = false,
        Fact::CancelRequested => task.cancelling = true,
        Fact::Cancelled { .. } => {
            task.state = State::Cancelled { at };
            task.epoch = task.epoch.next();
            task.cancelling = false;
        }
        Fact::Skipped { .. } | Fact::Removed => {
            task.state = State::Skipped { at };
            task.epoch = task.epoch.next();
        }
        Fact::Redriven => {
            task.state = State::Blocked;
            task.epoch = task.epoch.next();
            task.attempts = 0;
            task.crashes = 0;
            task.conflicts = 0;
            task.cancelling = false;
        }
        Fact::Dropped
        | Fact::Landed { .. }
        | Fact::LandingStalled { .. }
        | Fact::Charged { .. }
        | Fact::Feedback { .. }
        | Fact::BudgetLow { .. }
        | Fact::BudgetSpent { .. }
        | Fact::Relinked { .. }
        | Fact::RunSubmitted { .. }
        | Fact::RunAmended { .. }
        | Fact::RunHeld
        | Fact::RunUnheld
        | Fact::RunSettled { .. }
        | Fact::RunReopened
        | Fact::RouterUsed { .. }
        | Fact::RouterDegraded { .. }
        | Fact::RouterRolledBack { .. }
        | Fact::RouterJudged { .. }
        | Fact::RouterPromoted { .. }
        | Fact::TrialStarted { .. }
        | Fact::TrialMoved { .. }
        | Fact::TrialEnded { .. }
        | Fact::HostStarted { .. }
        | Fact::HostStopped { .. }
        | Fact::AgentRegistered { .. }
        | Fact::AgentDraining { .. }
        | Fact::AgentResumed { .. }
        | Fact::AgentRemoved { .. }
        | Fact::BreakerMoved { .. }
        | Fact::PluginAdded { .. }
        | Fact::PluginRemoved { .. }
        | Fact::PluginFailed { .. }
        | Fact::CallDenied { .. }
        | Fact::Written { .. } => {}
    }
}
