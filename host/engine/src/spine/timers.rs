//! What happens by itself when its time has come: backoffs, waits, deadlines, leases.

use std::time::Duration;

use baton_core::agent::breaker::Breaker;
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::TaskId;
use baton_core::op::{End, Op};
use baton_core::task::{State, WaitingOn};
use baton_store::read;

use super::{LEASE, Running, Spine};
use crate::timed;

impl Spine {
    /// Backoffs that are over, waits whose time has come, deadlines that passed.
    pub(super) fn due(&mut self) {
        let now = self.around.clock.now();
        let (due, _) = self.board.due(now);
        for id in due {
            let Some(task) = self.board.task(id) else { continue };
            let asks = matches!(task.state, State::Waiting { stage: WaitingOn::Person, need: Some(_), .. });
            let Some(op) = timed::due(task, now).or_else(|| if asks { self.unanswered(id) } else { None })
            else {
                continue;
            };
            if !self.board.is_away(id) {
                self.board.depart(id);
                self.pending.push(op);
            }
        }
    }

    /// What the policy makes of a question whose time is over.
    fn unanswered(&self, id: TaskId) -> Option<Op> {
        let asked = read::people::of_task(&self.reader, id).ok()?;
        let open = asked.into_iter().rfind(|asked| asked.answer.is_none())?;
        Some(match self.people.answer(&open.question) {
            Some(text) => Op::Answer { question: open.id, text, by: "policy".into() },
            None => {
                let why = format!("nobody has answered {}: {}", open.id, open.question.text);
                let fault = Fault::new(ErrorClass::Environment, why);
                let epoch = self.board.task(id)?.epoch;
                Op::Finish { task: id, epoch, end: End::Failed { fault, checks: Vec::new() } }
            }
        })
    }

    async fn sleep_until(clock: baton_core::clock::Clock, at: Option<Time>) {
        match at {
            Some(at) => tokio::time::sleep(at.since(clock.now()).max(Duration::from_millis(1))).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn next_timer(&self) -> impl Future<Output = ()> + use<> {
        let now = self.around.clock.now();
        let (_, next) = self.board.due(now);
        let breakers = self.pool.workers.iter().filter_map(|worker| match worker.agent.breaker {
            Breaker::Open { until, .. } if until > now => Some(until),
            Breaker::Open { .. } | Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        });
        let at = next.into_iter().chain(breakers).min();
        Self::sleep_until(self.around.clock.clone(), at)
    }

    /// Renews leases of which half is gone, the host's own first. One that lapsed while the host stood still is renewed
    /// like any other: nobody else may have taken what it is for, or the store refuses the host itself.
    pub(super) fn renew(&mut self) {
        let now = self.around.clock.now();
        if self.around.lease.is_due(now) {
            self.pending.insert(0, Op::RenewHost { boot: self.boot });
        }
        let half = |running: &Running| running.lease_until.since(now) < LEASE / 2;
        let due = self.attempts.iter().filter(|(_, running)| half(running));
        let leases: Vec<_> = due.map(|(id, running)| (*id, running.epoch)).collect();
        if !leases.is_empty() {
            self.pending.push(Op::Renew { leases, until: now + LEASE });
        }
    }
}
