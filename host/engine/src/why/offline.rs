//! What the next host will decide by, rebuilt from the configuration and the rows.

use std::collections::HashSet;

use baton_core::budget::Budget;
use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_store::Reader;
use baton_store::read::{self, Reading};

use super::view::{Known, View};
use crate::attempts::budget_gate::{self, BudgetGate};
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::board::Board;
use crate::pool::Pool;
use crate::waits::{self, Wait};

/// What a configuration says that a host decides by.
#[derive(Default)]
pub struct Rules {
    pub limits: ConcurrencyLimits,
    pub budget: Budget,
    /// Agents whose adapter is not there, and why.
    pub unusable: std::collections::BTreeMap<String, String>,
}

pub struct Offline {
    board: Board,
    pool: Pool,
    limits: ConcurrencyLimits,
    gate: BudgetGate,
    now: Time,
}

impl Offline {
    /// # Errors
    /// The store can't be read.
    pub fn read(conn: &Reader, rules: Rules, now: Time) -> Reading<Self> {
        let (board, mut pool) = super::projection(conn)?;
        pool.unusable = rules.unusable;
        read::live::agents(conn)?.into_iter().for_each(|agent| pool.put(agent));
        let gate = spending(conn, rules.budget, now)?;
        for worker in &mut pool.workers {
            worker.broke = gate.is_broke(&worker.agent, now);
        }
        Ok(Self { board, pool, limits: rules.limits, gate, now })
    }

    fn view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        let spent = |run: RunId| self.gate.spent(run, self.now);
        look(&View {
            board: &self.board,
            pool: &self.pool,
            limits: &self.limits,
            under_way: &[],
            spent: &spent,
            families: &HashSet::new(),
            now: self.now,
            host: None,
        })
    }

    /// What is in a task's way.
    #[must_use]
    pub fn known(&self, task: TaskId) -> Known {
        self.view(|view| view.known(task))
    }

    /// What the ready tasks of a run wait for.
    #[must_use]
    pub fn waits(&self, run: RunId, name: impl Fn(TaskId) -> String) -> Vec<Wait> {
        self.view(|view| waits::waits(view, run, name))
    }

    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }
}

/// What is left of the caps that bind runs, agents and days.
fn spending(conn: &Reader, budget: Budget, now: Time) -> Reading<BudgetGate> {
    let mut gate = BudgetGate::new(budget);
    if gate.caps_runs() {
        for run in read::live::runs(conn)? {
            gate.spend_run(run.run, Vec::new(), read::cost::of_run(conn, run.run)?);
        }
    }
    for (agent, started, spent) in read::cost::since(conn, budget_gate::day_start(now))? {
        gate.spend_day(agent, started, spent);
    }
    Ok(gate)
}
