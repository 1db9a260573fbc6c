//! What the next host will decide by, rebuilt from the configuration and the rows.

use std::collections::HashSet;

use baton_core::budget::Budget;
use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_store::Reader;
use baton_store::read::{self, Reading};

use super::view::{Known, View};
use crate::board::Board;
use crate::crowd::Crowd;
use crate::pool::Pool;
use crate::spine::purse::Purse;
use crate::waits::{self, Wait};

/// What a configuration says that a host decides by.
#[derive(Default)]
pub struct Rules {
    pub limits: Crowd,
    pub budget: Budget,
    /// Agents whose adapter is not there, and why.
    pub unusable: std::collections::BTreeMap<String, String>,
}

pub struct Offline {
    board: Board,
    pool: Pool,
    limits: Crowd,
    purse: Purse,
    now: Time,
}

impl Offline {
    /// # Errors
    /// The store can't be read.
    pub fn read(conn: &Reader, rules: Rules, now: Time) -> Reading<Self> {
        let (board, mut pool) = super::projection(conn)?;
        pool.unusable = rules.unusable;
        pool.refresh(read::live::agents(conn)?);
        let mut purse = Purse::new(rules.budget);
        purse.recall(conn)?;
        for worker in &mut pool.workers {
            worker.broke = purse.is_broke(&worker.agent, now);
        }
        Ok(Self { board, pool, limits: rules.limits, purse, now })
    }

    fn view<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        let spent = |run: RunId| self.purse.spent(run, self.now);
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
