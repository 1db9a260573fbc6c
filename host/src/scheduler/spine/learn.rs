//! What an attempt's end says of its agent: the breaker at once, the statistics once it is judged.

use std::sync::Arc;

use super::{Spine, attempt};
use crate::agent::breaker::Breaker;
use crate::clock::Time;
use crate::fault::{ErrorClass, Fault};
use crate::id::{AgentId, TaskId};
use crate::op::{End, Op};
use crate::scheduler::pool::Pulse;

/// Whose claim the validators have before them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimant {
    agent: AgentId,
    started: Time,
}

/// What an attempt or a probe says of an agent's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Good,
    Bad(String),
    Neither,
}

impl Sign {
    fn of(fault: &Fault) -> Self {
        if fault.class.blames_agent() { Self::Bad(fault.to_string()) } else { Self::Neither }
    }
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Accepted,
    Refused,
    Failed,
}

impl Spine {
    /// After an attempt ended by itself.
    pub(super) fn learn(
        &mut self,
        id: TaskId,
        agent: AgentId,
        started: Time,
        validated: bool,
        result: &attempt::Result,
    ) {
        let judged = match result {
            attempt::Result::Claimed(_) => {
                self.move_breaker(agent, Sign::Good);
                if validated {
                    self.claimants.insert(id, Claimant { agent, started });
                    return;
                }
                Judged::Accepted
            }
            attempt::Result::Over(End::Failed { fault, .. }) => {
                self.move_breaker(agent, Sign::of(fault));
                Judged::Failed
            }
            attempt::Result::Over(End::Accepted { .. } | End::Released { .. } | End::Cancelled { .. })
            | attempt::Result::Asked => return,
        };
        self.tally(id, agent, started, judged);
    }

    /// After validators spoke.
    pub(super) fn judged(&mut self, op: &Op) {
        let Op::Finish { task, end, .. } = op else { return };
        let Some(Claimant { agent, started }) = self.claimants.remove(task) else { return };
        match end {
            End::Accepted { .. } => self.tally(*task, agent, started, Judged::Accepted),
            End::Failed { fault, .. } if fault.class == ErrorClass::Unaccepted => {
                self.tally(*task, agent, started, Judged::Refused);
            }
            End::Failed { .. } | End::Released { .. } | End::Cancelled { .. } => {}
        }
    }

    /// What was heard of an agent reaches its breaker; only moves are stored.
    pub(super) fn move_breaker(&mut self, agent: AgentId, sign: Sign) {
        let now = self.around.clock.now();
        let policy = self.pool.policy;
        let Some(worker) = self.pool.get_mut(agent) else { return };
        worker.pulse = Pulse::Heard(now);
        let before = worker.agent.breaker.at(now);
        let (after, why) = match sign {
            Sign::Good => (before.succeeded(), "an attempt went well".to_owned()),
            Sign::Bad(why) => (before.failed(policy, now), why),
            Sign::Neither => (before, String::new()),
        };
        worker.agent.breaker = after;
        if std::mem::discriminant(&before) != std::mem::discriminant(&after) {
            if let Breaker::Open { until, .. } = after {
                tracing::warn!("{} is left alone until {until}: {why}", worker.agent.card.name);
            }
            self.pending.push(Op::MoveBreaker { agent, breaker: after, why });
        }
    }

    fn tally(&mut self, id: TaskId, agent: AgentId, started: Time, judged: Judged) {
        let Some(terms) = self.board.task(id).map(|task| Arc::clone(self.board.terms(task.terms))) else {
            return;
        };
        let took = u64::try_from(self.around.clock.now().since(started).as_millis()).unwrap_or(0);
        let Some(worker) = self.pool.get_mut(agent) else { return };
        for skill in &terms.skills {
            let tally = worker.stats.entry(skill.clone()).or_default();
            tally.total_ms += took;
            match judged {
                Judged::Accepted => tally.accepted += 1,
                Judged::Refused => tally.refused += 1,
                Judged::Failed => tally.failed += 1,
            }
        }
    }
}
