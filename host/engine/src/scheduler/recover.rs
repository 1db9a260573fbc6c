//! What a host begins with, from the rows that the last one left.

use baton_core::clock::{ClockSkew, Time};
use baton_core::op::{Op, Rejection};
use baton_core::task::{State, Task};
use baton_store::Reader;
use baton_store::read::{cost, history, live};

use super::Scheduler;
use crate::attempts::budget_gate;

impl Scheduler {
    /// Rebuilds everything from rows. No attempt of an earlier boot can still be running.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn recover(&mut self, rows: &Reader, drift: ClockSkew, now: Time) -> Result<(), Rejection> {
        let pool = self.health.pool_mut();
        live::agents(rows)?.into_iter().for_each(|agent| pool.put(agent));
        pool.recall(live::tallies(rows)?);
        pool.praise(live::praise(rows)?);
        self.runs.put_consulted(live::consulting(rows)?);
        self.learning.observe(history::last_seq(rows)?);
        self.reload_trial(rows)?;
        self.reload_notes(rows)?;
        for (agent, started, spent) in cost::since(rows, budget_gate::day_start(now))? {
            self.attempts.gate_mut().spend_day(agent, started, spent);
        }
        let mut asked_for = live::asked_for(rows)?;
        for run in live::runs(rows)? {
            self.take_up(&run, asked_for.remove(&run.run).unwrap_or_default());
            self.read_spending(run.run, rows)?;
        }
        let mut tasks = Vec::new();
        live::tasks(rows, |task| tasks.push(task))?;
        for task in tasks {
            self.recover_task(task, rows, drift)?;
        }
        if let ClockSkew::Behind(_) = drift {
            let ended = self.health.end_pauses();
            self.add(ended);
        }
        Ok(())
    }

    fn recover_task(&mut self, task: Task, rows: &Reader, drift: ClockSkew) -> Result<(), Rejection> {
        // What is left of a run that has settled is blocked, and may miss its deadline.
        if !self.runs.goes_on(task.run) && task.deadline.is_none() {
            return Ok(());
        }
        self.read_terms(&task, rows)?;
        if matches!(task.state, State::Running { .. }) {
            let why = "the host that ran it ended".to_owned();
            self.effects.push(Op::LoseLease { task: task.id, why }.into());
        }
        if let (State::Backoff { .. }, ClockSkew::Behind(_)) = (task.state, drift) {
            self.effects.push(Op::Due { task: task.id }.into());
        }
        self.put_task(&task, rows)
    }
}
