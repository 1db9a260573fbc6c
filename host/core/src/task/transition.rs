//! The lifecycle of a task: what may follow what. Pure: [`decide`] says what a command comes to, [`evolve`] applies
//! what happened, and a task is nothing but the facts about it, applied in order.

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

/// What someone wants of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskCommand {
    /// Blocked → Ready.
    Unblock,
    /// Backoff → Ready.
    Due,
    /// Ready → Running, with a new epoch.
    Assign {
        agent: AgentId,
        lease_until: Time,
        decision: Option<DecisionId>,
    },
    /// Running → Waiting for acceptance.
    Claim {
        epoch: Epoch,
    },
    /// Ready → Waiting for the executor, with a new epoch.
    Delegate,
    /// Waiting → Waiting for children; Ready → Waiting for a consultation.
    Await {
        epoch: Epoch,
        stage: WaitingOn,
        need: Need,
    },
    /// Waiting for children → Waiting for the stage, or Ready when it was the router.
    Wake,
    /// Running → Waiting for a person, or nothing but a fact where the policy has answered.
    Ask {
        epoch: Epoch,
        id: QuestionId,
        question: Box<Question>,
        until: Option<Time>,
        waits: bool,
    },
    /// Waiting for a person → Ready.
    Answer {
        question: QuestionId,
        text: String,
        by: String,
    },
    /// Running or Waiting → Succeeded.
    Accept {
        epoch: Epoch,
        checks: u32,
        quality: Option<f64>,
    },
    /// Running or Waiting → Backoff or Failed.
    Fail {
        epoch: Epoch,
        fault: Fault,
    },
    /// Ready → Failed: a router found nobody fit, or the deadline passed before the start.
    Reject {
        fault: Fault,
    },
    /// Running → Backoff or Failed, because the host that ran it is gone or its lease lapsed.
    LoseLease {
        why: String,
    },
    /// Running → Ready, nothing charged; Failed where it may have acted.
    Release {
        epoch: Epoch,
        why: String,
        begun: Begun,
    },
    /// Waiting → Ready, nothing charged: what it claims can't land beside what landed meanwhile.
    Conflict {
        epoch: Epoch,
        files: Vec<String>,
    },
    /// Ready → Backoff, nothing charged.
    Defer {
        until: Time,
    },
    Hold,
    Unhold,
    /// Any but Running → Cancelled at once; Running is asked to stop.
    Cancel {
        why: String,
    },
    /// Running or Waiting → Cancelled, by whoever stopped the attempt.
    Cancelled {
        epoch: Epoch,
        why: String,
    },
    /// Blocked → Skipped.
    Skip {
        because: TaskId,
    },
    /// Failed, Cancelled or Skipped → Ready or Blocked, with its attempts back.
    Redrive,
    /// Failed stays Failed and is no dead letter any more.
    Drop,
}

/// Why a command was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    #[error("the attempt with epoch {held} is stale, the task is at epoch {current}")]
    Stale { held: Epoch, current: Epoch },
    #[error("the task is {is}, which does not allow it")]
    WrongState { is: StateName },
    #[error("the task is on hold")]
    Held,
}

/// What the command comes to.
///
/// # Errors
/// [`Refused`] says why the task as it is does not allow it.
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
        // Nobody has answered in time. What the attempt that asked has to say afterwards changes nothing.
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

/// Whether `held` is the task's present epoch.
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

/// Alone on top of what landed it can't conflict again, unless somebody else moves the target: not without end.
const CONFLICTS: u32 = 10;

fn conflicted(task: &Task, terms: &TaskPolicy, files: Vec<String>, now: Time, seed: Seed) -> Fact {
    if task.conflicts < CONFLICTS {
        return Fact::Conflicted { files };
    }
    let why =
        format!("it conflicted {CONFLICTS} times with what landed meanwhile, now in {}", files.join(", "));
    failed(task, terms, Fault::new(ErrorClass::Unaccepted, why), now, seed)
}

/// Whether what failed may have done something outside: an attempt knows of itself; a composite task whose children
/// ran, or a claim that was not accepted, surely may.
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
/// host down ends as a dead letter. What may have acted on the world is never run again unasked.
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

/// Lets a lease last until then, also where it lapsed while its host stood still: only a new epoch ends the right to act.
/// It is no fact: it says nothing but that time went by.
///
/// # Errors
/// [`Refused`] says why the task as it is does not allow it.
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

/// Applies what happened to a task. Facts about runs and the host leave it alone. A check of the record replays events
/// that may have been altered, so no number may overflow.
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
            // An attempt that waits for a person has not failed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RunId, TermsId};
    use crate::plan::Workstream;
    use crate::task::policy::Effects;
    use crate::task::policy::Effects::{External, Pure, Workspace};

    const EPOCH: Epoch = Epoch(1);

    fn task(state: State) -> Task {
        Task {
            id: TaskId(7),
            run: RunId(1),
            parent: None,
            terms: TermsId(1),
            state,
            held: false,
            cancelling: false,
            epoch: EPOCH,
            attempts: 1,
            crashes: 0,
            conflicts: 0,
            priority: 0,
            created: Time(0),
            deadline: None,
        }
    }

    fn running() -> State {
        State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(9) }
    }

    fn terms(effects: Effects, idempotent: bool) -> TaskPolicy {
        let mut terms = Workstream { effects, idempotent, ..Workstream::named("a") }.terms();
        (terms.retry.attempts, terms.retry.crashes) = (100, 100);
        terms
    }

    /// All ways in which an attempt can end without being accepted, but those that a person asked for.
    fn ends(begun: Begun) -> Vec<TaskCommand> {
        let fail = |class| {
            let fault = Fault { begun, retry_after_ms: Some(1), ..Fault::new(class, "why") };
            TaskCommand::Fail { epoch: EPOCH, fault }
        };
        let mut ends: Vec<_> = ErrorClass::ALL.into_iter().map(fail).collect();
        ends.push(TaskCommand::Release { epoch: EPOCH, why: "why".into(), begun });
        if begun == Begun::Yes {
            ends.push(TaskCommand::LoseLease { why: "why".into() });
        }
        ends
    }

    #[test]
    fn what_may_have_acted_is_never_made_again_unasked_however_it_ended() {
        let waiting = |stage| State::Waiting { stage, need: None, since: Time(0) };
        let mut asked = 0;
        for state in [running(), waiting(WaitingOn::Executor), waiting(WaitingOn::Acceptance)] {
            for end in ends(Begun::Yes) {
                let decided = decide(&task(state), &terms(External, false), end.clone(), Time(5), Seed(1));
                // A release and a lost lease are of what runs only.
                let Ok(fact) = decided else { continue };
                let Fact::Failed { fault } = &fact else { panic!("{end:?} in {state:?} came to {fact:?}") };
                assert!(fault.message.contains("it may have acted already"), "{end:?}: {fault}");
                asked += 1;
            }
        }
        assert_eq!(
            asked,
            3 * ErrorClass::ALL.len() + 2,
            "every class in every state, a release, a lost lease"
        );
    }

    #[test]
    fn what_had_not_begun_or_may_be_repeated_is_made_again() {
        let cases = [
            (terms(External, false), Begun::No),
            (terms(External, true), Begun::Yes),
            (terms(Pure, false), Begun::Yes),
            (terms(Workspace, false), Begun::Yes),
        ];
        for (terms, begun) in cases {
            let again = |end: &TaskCommand| {
                let decided = decide(&task(running()), &terms, end.clone(), Time(5), Seed(1));
                matches!(decided, Ok(Fact::Retrying { .. } | Fact::Released { .. }))
            };
            let again = ends(begun).iter().filter(|end| again(end)).count();
            // Nine classes by the table of retries, a release, and a lost host where there was one.
            let expected = if begun == Begun::Yes { 11 } else { 10 };
            assert_eq!(again, expected, "{:?} {begun:?}", terms.effects);
        }
    }

    #[test]
    fn only_a_new_epoch_ends_the_right_to_renew() {
        let mut lapsed = task(running());
        assert_eq!(renew(&mut lapsed, EPOCH, Time(500)), Ok(()));
        assert!(matches!(lapsed.state, State::Running { lease_until: Time(500), .. }));
        let stale = renew(&mut lapsed, Epoch(0), Time(900));
        assert_eq!(stale, Err(Refused::Stale { held: Epoch(0), current: EPOCH }));
    }
}
