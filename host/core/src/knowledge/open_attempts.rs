//! Attempts that haven't ended, with what their observations will need.

use std::collections::HashMap;

use super::{Observation, Verdict};
use crate::budget::{Basis, Bill};
use crate::clock::Time;
use crate::event::Fact;
use crate::id::{AgentId, DecisionId, Epoch, TaskId};
use crate::task::{State, Task, TaskPolicy, WaitingOn};

/// What is known of an attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    /// The attempt's epoch.
    pub epoch: Epoch,
    /// The agent that makes it.
    pub agent: AgentId,
    /// The router's decision behind it; none if the host decided by itself.
    pub decision: Option<DecisionId>,
    /// Time of assignment.
    pub started: Time,
    /// When the agent reported an outcome; none = it is still at work.
    pub claimed: Option<Time>,
    /// Millionths of the operator's currency; none = not billed, or unknown.
    pub cost_micros: Option<u64>,
}

/// By task, because a task has one attempt at a time.
#[derive(Clone, Debug, Default)]
pub struct OpenAttempts(HashMap<TaskId, OpenAttempt>);

impl OpenAttempt {
    /// The bill's cost, if it is known and not merely what was reserved.
    #[must_use]
    pub fn cost(bill: &Bill) -> Option<u64> {
        match bill.basis {
            Basis::Reported | Basis::Priced => Some(bill.cost.0),
            Basis::Reserved | Basis::Unknown => None,
        }
    }
}

impl OpenAttempts {
    /// Whether the task has an open attempt.
    #[must_use]
    pub fn contains(&self, task: TaskId) -> bool {
        self.0.contains_key(&task)
    }

    /// The attempt of a task that is not over.
    #[must_use]
    pub fn open(&self, task: TaskId) -> Option<OpenAttempt> {
        self.0.get(&task).copied()
    }

    /// Takes back what was told since [`Self::open`] gave this.
    pub fn restore(&mut self, task: TaskId, open: Option<OpenAttempt>) {
        match open {
            Some(open) => self.0.insert(task, open),
            None => self.0.remove(&task),
        };
    }

    /// Adds an attempt that began before this was created.
    pub fn load(&mut self, task: TaskId, open: OpenAttempt) {
        self.0.insert(task, open);
    }

    /// Whether [`Self::observe`] needs the task's open attempt for this fact.
    #[must_use]
    pub fn needs(fact: &Fact) -> bool {
        matches!(
            fact,
            Fact::Claimed
                | Fact::Charged { .. }
                | Fact::Accepted { .. }
                | Fact::Retrying { charged: true, .. }
                | Fact::Failed { .. }
        )
    }

    /// Applies a fact about a task, which is passed as it is after the fact. Returns the observation if the fact
    /// ended an attempt.
    pub fn observe(
        &mut self,
        seq: i64,
        at: Time,
        task: &Task,
        terms: &TaskPolicy,
        fact: &Fact,
    ) -> Option<Observation> {
        let verdict = match fact {
            Fact::Assigned { agent, decision, .. } => {
                let (agent, decision) = (*agent, *decision);
                let epoch = task.epoch;
                let open =
                    OpenAttempt { epoch, agent, decision, started: at, claimed: None, cost_micros: None };
                self.0.insert(task.id, open);
                return None;
            }
            Fact::Claimed => {
                self.0.get_mut(&task.id)?.claimed = Some(at);
                return None;
            }
            Fact::Charged { bill } => {
                self.0.get_mut(&task.id)?.cost_micros = OpenAttempt::cost(bill);
                return None;
            }
            Fact::Accepted { .. } => Some(Verdict::Accepted),
            Fact::Retrying { fault, charged: true, .. } | Fact::Failed { fault } => Verdict::of(fault),
            _ if is_attempted(task.state) => return None,
            _ => None,
        };
        let OpenAttempt { epoch, agent, decision, started, claimed, cost_micros } =
            self.0.remove(&task.id)?;
        let quality = match fact {
            Fact::Accepted { quality, .. } => *quality,
            _ => None,
        };
        Some(Observation {
            seq,
            run: task.run,
            task: task.id,
            epoch,
            agent,
            decision,
            skills: terms.all_skills(),
            verdict: verdict?,
            started,
            worked_until: claimed.unwrap_or(at),
            ended: at,
            cost_micros,
            quality,
        })
    }
}

/// Whether the task has an attempt, at work or in validation.
fn is_attempted(state: State) -> bool {
    match state {
        State::Running { .. } | State::Waiting { stage: WaitingOn::Acceptance, .. } => true,
        State::Blocked
        | State::Ready { .. }
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => false,
    }
}
