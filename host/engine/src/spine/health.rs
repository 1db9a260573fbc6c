//! Asking agents whether they are there: before a broken one is tried again, and those that were silent for long.

use std::sync::Arc;

use baton_core::agent::Standing;
use baton_core::agent::breaker::Breaker;
use baton_core::clock::Time;
use baton_core::id::AgentId;
use baton_core::op::Op;
use baton_plugin::PluginError;
use baton_plugin::agent::ProbeResult;

use super::learn::Sign;
use super::start::adapter;
use super::{Message, Spine};
use crate::pool::{Pulse, Worker};
use crate::probe;

impl Spine {
    /// Starts what probes are due. A run that waits for its agents is worth a probe; an idle host asks nobody.
    pub(super) fn probe_agents(&mut self) {
        if self.conducts.values().all(|conduct| conduct.settled) {
            return;
        }
        let now = self.around.clock.now();
        let every = self.pool.policy.probe;
        for index in 0..self.pool.workers.len() {
            let worker = &mut self.pool.workers[index];
            let over = matches!(worker.agent.breaker, Breaker::Open { until, .. } if until <= now);
            if over {
                worker.agent.breaker = worker.agent.breaker.at(now);
                let why = "its pause is over".to_owned();
                let (agent, breaker) = (worker.agent.id, worker.agent.breaker);
                self.pending.push(Op::MoveBreaker { agent, breaker, why });
            }
            if over || every.is_some_and(|every| is_silent(worker, now, every)) {
                worker.pulse = Pulse::Asked;
                self.ask(index);
            }
        }
    }

    fn ask(&self, index: usize) {
        let Some(worker) = self.pool.workers.get(index) else { return };
        let (agent, card) = (worker.agent.id, worker.agent.card.clone());
        let (library, around, outbox) = (Arc::clone(&self.library), self.around.clone(), self.outbox.clone());
        tokio::spawn(async move {
            let asked = async {
                let adapter = adapter(&library, &card.adapter).await?;
                probe::probe(&around, &adapter, &card, probe::TIMEOUT).await
            };
            let said = asked.await;
            let _ = outbox.send(Message::Probed { agent, said });
        });
    }

    pub(super) fn probed(&mut self, agent: AgentId, said: Result<ProbeResult, PluginError>) {
        let sign = match said {
            Ok(ProbeResult::Ready | ProbeResult::Degraded(_)) => Sign::Neither,
            Ok(ProbeResult::Unreachable(why)) => Sign::Bad(format!("unreachable: {why}")),
            Err(why) => Sign::Bad(why.to_string()),
        };
        self.move_breaker(agent, sign);
    }
}

/// Whether nothing was heard for so long of an agent that could be given work.
fn is_silent(worker: &Worker, now: Time, every: std::time::Duration) -> bool {
    let Pulse::Heard(heard) = worker.pulse else { return false };
    let idle = worker.running == 0 && worker.agent.standing == Standing::Active;
    idle && matches!(worker.agent.breaker, Breaker::Closed { .. }) && heard + every <= now
}
