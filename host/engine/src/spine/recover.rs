//! What a host begins with, from the rows that the last one left.

use baton_core::agent::breaker::Breaker;
use baton_core::clock::ClockSkew;
use baton_core::op::{Op, Rejection};
use baton_core::task::State;
use baton_store::read;

use super::conduct::AskedFor;
use super::{Spine, unreadable};

impl Spine {
    /// Rebuilds everything from rows. No attempt of an earlier boot can still be running.
    pub(super) fn recover(&mut self, drift: ClockSkew) -> Result<(), Rejection> {
        self.pool.refresh(read::live::agents(&self.reader).map_err(unreadable)?);
        self.pool.recall(read::live::tallies(&self.reader).map_err(unreadable)?);
        self.pool.praise(read::live::praise(&self.reader).map_err(unreadable)?);
        self.consulted = read::live::consulting(&self.reader).map_err(unreadable)?;
        self.observed = read::history::last_seq(&self.reader).map_err(unreadable)?;
        self.reload_contest()?;
        self.recall_notes()?;
        self.recall_spending()?;
        for (run, [children, evidence, consultations]) in
            read::live::asked_for(&self.reader).map_err(unreadable)?
        {
            self.asked_for.insert(run, AskedFor { children: children + evidence, consultations });
        }
        let mut live = Vec::new();
        read::live::tasks(&self.reader, |task| live.push(task)).map_err(unreadable)?;
        for run in read::runs(&self.reader).map_err(unreadable)? {
            if run.settled.is_none() {
                self.conduct(run.id)?;
            }
        }
        for task in live {
            if !self.board.knows_terms(task.terms) {
                let terms = read::live::terms(&self.reader, task.terms).map_err(unreadable)?;
                self.board.put_terms(task.terms, terms);
            }
            if matches!(task.state, State::Running { .. }) {
                let why = "the host that ran it ended".to_owned();
                self.pending.push(Op::LoseLease { task: task.id, why });
            }
            if let (State::Backoff { .. }, ClockSkew::Behind(_)) = (task.state, drift) {
                self.pending.push(Op::Due { task: task.id });
            }
            self.board.put(task);
        }
        if let ClockSkew::Behind(_) = drift {
            self.let_breakers_try();
        }
        Ok(())
    }

    /// Pauses that end by a clock that was wrong are over.
    fn let_breakers_try(&mut self) {
        for worker in &self.pool.workers {
            if let Breaker::Open { trips, .. } = worker.agent.breaker {
                let (agent, breaker) = (worker.agent.id, Breaker::HalfOpen { trips });
                let why = "the clock went back".to_owned();
                self.pending.push(Op::MoveBreaker { agent, breaker, why });
            }
        }
    }
}
