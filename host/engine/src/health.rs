//! Agents' health: their breakers, and asking those that are silent whether they are there.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::agent::breaker::{Breaker, BreakerPolicy};
use baton_core::agent::{Agent, Standing};
use baton_core::clock::Time;
use baton_core::fault::Fault;
use baton_core::id::AgentId;
use baton_core::knowledge::Observation;
use baton_core::op::{End, Op};
use baton_plugin::PluginError;
use baton_plugin::agent::ProbeResult as Said;

use crate::attempt;
use crate::board::Board;
use crate::effect::{Effect, Work};
use crate::pool::{Pool, Pulse, Worker};

/// What an attempt or a probe says of an agent's health. What an attempt says of its work is learned once it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Signal {
    Good,
    Bad(String),
    Neither,
}

impl Signal {
    fn of_attempt(result: &attempt::Result) -> Option<Self> {
        match result {
            attempt::Result::Claimed(_) => Some(Self::Good),
            attempt::Result::Over(End::Failed { fault, .. }) => Some(Self::of_fault(fault)),
            attempt::Result::Over(
                End::Accepted { .. } | End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. },
            )
            | attempt::Result::Asked => None,
        }
    }

    fn of_fault(fault: &Fault) -> Self {
        if fault.class.blames_agent() { Self::Bad(fault.to_string()) } else { Self::Neither }
    }

    fn of_probe(said: Result<Said, PluginError>) -> Self {
        match said {
            Ok(Said::Ready | Said::Degraded(_)) => Self::Neither,
            Ok(Said::Unreachable(why)) => Self::Bad(format!("unreachable: {why}")),
            Err(why) => Self::Bad(why.to_string()),
        }
    }
}

/// The registered agents, and how each is.
#[derive(Default)]
pub struct Health {
    pool: Pool,
}

impl Health {
    #[must_use]
    pub fn new(policy: BreakerPolicy, unusable: BTreeMap<String, String>) -> Self {
        Self { pool: Pool { policy, unusable, ..Pool::default() } }
    }

    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// For what is rebuilt from rows at start.
    pub fn pool_mut(&mut self) -> &mut Pool {
        &mut self.pool
    }

    /// An agent as it is registered now.
    pub fn registered(&mut self, agent: Agent) {
        self.pool.put(agent);
    }

    pub fn removed(&mut self, agent: AgentId) {
        self.pool.remove(agent);
    }

    /// What was missing may be there now.
    pub fn plugins_changed(&mut self) {
        self.pool.make_usable();
    }

    /// An attempt was judged.
    pub fn observe(&mut self, observation: &Observation) {
        self.pool.learn(observation);
    }

    /// A person rated an agent's work on these skills.
    pub fn rated(&mut self, agent: AgentId, skills: &[String], score: f64) {
        self.pool.rate(agent, skills, score);
    }

    /// What each agent runs, and whether it may be given more today.
    pub fn refresh_loads(&mut self, board: &Board, is_broke: impl Fn(&Agent) -> bool) {
        for worker in &mut self.pool.workers {
            worker.running = board.load(worker.agent.id);
            worker.broke = is_broke(&worker.agent);
        }
    }

    /// Starts the probes that are due: of agents whose breaker's pause is over, and of those that were silent for long.
    pub fn due(&mut self, now: Time) -> Vec<Effect> {
        let every = self.pool.policy.probe;
        let mut effects = Vec::new();
        for worker in &mut self.pool.workers {
            let over = matches!(worker.agent.breaker, Breaker::Open { until, .. } if until <= now);
            if over {
                worker.agent.breaker = worker.agent.breaker.at(now);
                let (agent, breaker) = (worker.agent.id, worker.agent.breaker);
                effects.push(Op::MoveBreaker { agent, breaker, why: "its pause is over".into() }.into());
            }
            if over || every.is_some_and(|every| is_silent(worker, now, every)) {
                worker.pulse = Pulse::Asked;
                let card = Box::new(worker.agent.card.clone());
                effects.push(Work::Probe { agent: worker.agent.id, card }.into());
            }
        }
        effects
    }

    /// When the next pause of a breaker ends.
    #[must_use]
    pub fn next(&self, now: Time) -> Option<Time> {
        let pauses = self.pool.workers.iter().filter_map(|worker| match worker.agent.breaker {
            Breaker::Open { until, .. } if until > now => Some(until),
            Breaker::Open { .. } | Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        });
        pauses.min()
    }

    /// An attempt ended by itself.
    pub fn ended(&mut self, agent: AgentId, result: &attempt::Result, now: Time) -> Option<Effect> {
        Signal::of_attempt(result).and_then(|signal| self.heard(agent, signal, now))
    }

    pub fn probed(&mut self, agent: AgentId, said: Result<Said, PluginError>, now: Time) -> Option<Effect> {
        self.heard(agent, Signal::of_probe(said), now)
    }

    /// What was heard of an agent reaches its breaker; only moves are stored.
    fn heard(&mut self, agent: AgentId, signal: Signal, now: Time) -> Option<Effect> {
        let policy = self.pool.policy;
        let worker = self.pool.get_mut(agent)?;
        worker.pulse = Pulse::Heard(now);
        let before = worker.agent.breaker.at(now);
        let (after, why) = match signal {
            Signal::Good => (before.succeeded(), "an attempt went well".to_owned()),
            Signal::Bad(why) => (before.failed(policy, now), why),
            Signal::Neither => (before, String::new()),
        };
        worker.agent.breaker = after;
        if std::mem::discriminant(&before) == std::mem::discriminant(&after) {
            return None;
        }
        if let Breaker::Open { until, .. } = after {
            tracing::warn!("{} is left alone until {until}: {why}", worker.agent.card.name);
        }
        Some(Op::MoveBreaker { agent, breaker: after, why }.into())
    }

    /// After a clock that was wrong: the pauses that it set are over.
    pub fn end_pauses(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for worker in &mut self.pool.workers {
            if let Breaker::Open { trips, .. } = worker.agent.breaker {
                worker.agent.breaker = Breaker::HalfOpen { trips };
                let (agent, breaker) = (worker.agent.id, worker.agent.breaker);
                effects.push(Op::MoveBreaker { agent, breaker, why: "the clock went back".into() }.into());
            }
        }
        effects
    }
}

/// Whether an idle agent that could be given work has not been heard of for this long.
fn is_silent(worker: &Worker, now: Time, every: Duration) -> bool {
    let Pulse::Heard(heard) = worker.pulse else { return false };
    let idle = worker.running == 0 && worker.agent.standing == Standing::Active;
    idle && matches!(worker.agent.breaker, Breaker::Closed { .. }) && heard + every <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{agent, failed};
    use baton_core::fault::ErrorClass;
    use baton_core::outcome::Outcome;

    const ANN: AgentId = AgentId(1);
    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 2,
        pause: Duration::from_millis(100),
        probe: Some(Duration::from_millis(1000)),
    };

    fn health() -> Health {
        let mut health = Health::new(POLICY, BTreeMap::new());
        health.registered(agent(1, "ann", &["work"]));
        health
    }

    fn moves(effects: impl IntoIterator<Item = Effect>) -> Vec<Breaker> {
        let moved = effects.into_iter().filter_map(|effect| match effect {
            Effect::Apply(Op::MoveBreaker { breaker, .. }) => Some(breaker),
            Effect::Apply(_) | Effect::Start(_) => None,
        });
        moved.collect()
    }

    #[test]
    fn failures_in_a_row_open_the_breaker_and_a_good_attempt_closes_it() {
        let mut health = health();
        let bad = failed(ErrorClass::Crashed);
        assert_eq!(moves(health.ended(ANN, &bad, Time(10))), []);
        assert_eq!(moves(health.ended(ANN, &bad, Time(20))), [Breaker::Open { until: Time(120), trips: 1 }]);
        assert_eq!(health.next(Time(20)), Some(Time(120)));
        let effects = health.due(Time(120));
        assert!(matches!(&effects[1], Effect::Start(Work::Probe { agent: ANN, .. })), "{effects:?}");
        assert_eq!(moves(effects), [Breaker::HalfOpen { trips: 1 }]);
        assert_eq!(moves(health.probed(ANN, Ok(Said::Ready), Time(130))), []);
        let good = attempt::Result::Claimed(Outcome::default());
        assert_eq!(moves(health.ended(ANN, &good, Time(140))), [Breaker::default()]);
    }

    #[test]
    fn a_failure_that_is_not_the_agents_moves_nothing() {
        let mut health = health();
        for _ in 0..5 {
            assert_eq!(moves(health.ended(ANN, &failed(ErrorClass::RateLimited), Time(10))), []);
        }
        assert_eq!(moves(health.ended(ANN, &attempt::Result::Asked, Time(10))), []);
    }

    #[test]
    fn a_silent_agent_is_asked_once_and_one_that_does_not_answer_counts_as_failed() {
        let mut health = health();
        assert!(matches!(health.due(Time(1000))[..], [Effect::Start(Work::Probe { .. })]));
        assert!(health.due(Time(5000)).is_empty(), "the question is open");
        let gone = || Ok(Said::Unreachable("no answer".into()));
        assert_eq!(moves(health.probed(ANN, gone(), Time(5000))), []);
        assert_eq!(health.due(Time(6000)).len(), 1);
        assert_eq!(
            moves(health.probed(ANN, gone(), Time(6000))),
            [Breaker::Open { until: Time(6100), trips: 1 }]
        );
    }
}
