//! Attempts that are not over: what must be remembered of each until the event that ends it.

use std::collections::HashMap;

use super::{Observation, Verdict};
use crate::budget::{Basis, Bill};
use crate::clock::Time;
use crate::event::Fact;
use crate::id::{AgentId, DecisionId, Epoch, TaskId};
use crate::task::{State, Task, TaskPolicy, WaitingOn};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    pub epoch: Epoch,
    pub agent: AgentId,
    pub decision: Option<DecisionId>,
    pub started: Time,
    pub claimed: Option<Time>,
    pub cost_micros: Option<u64>,
}

/// By task: it has one attempt at a time.
#[derive(Clone, Debug, Default)]
pub struct OpenAttempts(HashMap<TaskId, OpenAttempt>);

impl OpenAttempt {
    #[must_use]
    pub fn cost(bill: &Bill) -> Option<u64> {
        match bill.basis {
            Basis::Reported | Basis::Priced => Some(bill.cost.0),
            Basis::Reserved | Basis::Unknown => None,
        }
    }
}

impl OpenAttempts {
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

    /// For an attempt that began before this was made.
    pub fn restore(&mut self, task: TaskId, open: OpenAttempt) {
        self.0.insert(task, open);
    }

    /// Whether a fact says something of an attempt that must be known by then.
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

    /// Takes note of what happened to a task, which is given as it is after that. An attempt that ended comes back.
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

/// Whether an attempt goes on, at work or before its validators.
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
