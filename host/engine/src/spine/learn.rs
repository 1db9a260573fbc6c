//! What an attempt's end says of its agent's health. What it says of the agent's work is learned once it is judged.

use baton_core::agent::breaker::Breaker;
use baton_core::fault::Fault;
use baton_core::id::AgentId;
use baton_core::op::{End, Op};

use super::{Spine, attempt};
use crate::pool::Pulse;

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

impl Spine {
    /// After an attempt ended by itself.
    pub(super) fn learn(&mut self, agent: AgentId, result: &attempt::Result) {
        match result {
            attempt::Result::Claimed(_) => self.move_breaker(agent, Sign::Good),
            attempt::Result::Over(End::Failed { fault, .. }) => self.move_breaker(agent, Sign::of(fault)),
            attempt::Result::Over(
                End::Accepted { .. } | End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. },
            )
            | attempt::Result::Asked => {}
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
}
