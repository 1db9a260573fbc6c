//! Money: what attempts may use is set aside when they start, and settled when they end.

use std::sync::Arc;

use super::{Ended, Spine, attempt, unreadable};
use crate::agent::{Agent, Card};
use crate::budget::ledger::{Account, Attempt, Exhausted, Ledger, Notice};
use crate::budget::price::Tariff;
use crate::budget::{Basis, Bill, Budget, Cap, Money};
use crate::clock::Time;
use crate::event::Fact;
use crate::fault::{ErrorClass, Fault};
use crate::id::{RunId, TaskId};
use crate::op::{Op, Rejection};
use crate::plugin::capability::Meter;
use crate::scheduler::decide::{Place, Prepared};
use crate::scheduler::pool::Worker;
use crate::store::read::cost;
use crate::task::State;

/// The operator's caps, and what is left of them.
pub(super) struct Purse {
    budget: Budget,
    pub(super) ledger: Ledger,
}

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The day in UTC, counted from 1970.
pub(super) fn day(at: Time) -> i64 {
    at.0.div_euclid(DAY_MS)
}

impl Purse {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, ledger: Ledger::default() }
    }

    /// The caps that everything of a run is under.
    fn common(&self, run: RunId, now: Time) -> [(Account, Cap); 2] {
        [(Account::Run(run), self.budget.caps.run), (Account::Day(day(now)), self.budget.caps.day)]
    }

    /// Whether nothing more of a run may be started for now: all that is left is set aside, or spent.
    pub(super) fn is_spent(&self, run: RunId, now: Time) -> bool {
        !self.budget.caps.is_none() && self.ledger.exhausted(&self.common(run, now)).is_some()
    }

    pub(super) fn is_broke(&self, agent: &Agent, now: Time) -> bool {
        let own = (Account::Agent(agent.id, day(now)), agent.card.budget);
        !agent.card.budget.is_none() && self.ledger.exhausted(&[own]).is_some()
    }

    /// Sets aside what an attempt of this task by this agent may use.
    pub(super) fn take(&mut self, prepared: &Prepared, worker: Option<&Worker>, now: Time) -> Place {
        let own = prepared.spec.budget.or(&self.budget.caps.task);
        let Some(agent) = worker.map(|worker| &worker.agent) else { return Place::None };
        if self.budget.caps.is_none() && own.is_none() && agent.card.budget.is_none() {
            return Place::Taken(None);
        }
        let task = prepared.task.id;
        let mut owners =
            vec![(Account::Task(task), own), (Account::Agent(agent.id, day(now)), agent.card.budget)];
        owners.extend(self.common(prepared.task.run, now));
        match self.ledger.reserve((task, prepared.task.epoch.next()), self.budget.caps.attempt, owners) {
            Ok(allowance) => Place::Taken(Some(allowance.amount())),
            Err(Exhausted { account: Account::Task(_), good, cap }) => {
                let why = format!("its attempts have used up the {} that they may", good.shown(cap));
                Place::Broke(Fault::new(ErrorClass::Budget, why))
            }
            Err(Exhausted { .. }) => Place::None,
        }
    }

    fn tariff(&self, card: &Card) -> Tariff {
        Tariff {
            prices: Arc::clone(&self.budget.prices),
            model: card.config.get("model").cloned(),
            attempt: card.cost,
        }
    }
}

impl Spine {
    /// What the attempt that starts now may use.
    pub(super) fn meter(&self, attempt: Attempt, card: &Card) -> Meter {
        Meter::new(self.purse.ledger.allowance(attempt), self.purse.tariff(card))
    }

    /// What an attempt used is charged in the transaction that ends it.
    pub(super) fn charge(&mut self, ended: &Ended, result: &attempt::Result) {
        let usage = match result {
            attempt::Result::Claimed(outcome) if !outcome.usage.is_zero() => outcome.usage.clone(),
            attempt::Result::Claimed(_) | attempt::Result::Over(_) | attempt::Result::Asked => {
                ended.used.clone()
            }
        };
        let attempt = (ended.task, ended.epoch);
        let reserved = self.purse.ledger.reserved(attempt);
        if usage.is_zero() && reserved.is_none() {
            return;
        }
        let tariff = self.pool.get(ended.agent).map(|worker| self.purse.tariff(&worker.agent.card));
        let known = tariff.and_then(|tariff| tariff.cost(&usage));
        let capped = reserved.map(|amount| amount.money).filter(|money| *money > Money(0));
        let (cost, basis) = match (known, capped) {
            (Some(known), _) => known,
            (None, Some(money)) => (money, Basis::Reserved),
            (None, None) => (Money(0), Basis::Unknown),
        };
        let now = self.around.clock.now();
        let wall_ms = u64::try_from(now.since(ended.started).as_millis()).unwrap_or(u64::MAX);
        let bill = Bill { usage, cost, basis, wall_ms };
        let run = self.board.task(ended.task).map(|task| task.run);
        let notices = self.purse.ledger.settle(attempt, Some(bill.amount()));
        self.pending.push(Op::Charge { task: ended.task, epoch: ended.epoch, bill: Box::new(bill) });
        self.notify(run, notices);
    }

    fn notify(&mut self, run: Option<RunId>, notices: Vec<Notice>) {
        for Notice { account, good, spent, cap, all } in notices {
            let left = if all { "is used up" } else { "is nearly used up" };
            tracing::warn!("the budget of {account} {left}: {} of {}", good.shown(spent), good.shown(cap));
            let fact = if all {
                Fact::BudgetSpent { account, good, spent, cap }
            } else {
                Fact::BudgetLow { account, good, spent, cap }
            };
            self.pending.push(Op::Note { run, task: None, fact });
        }
    }

    /// What was set aside for a pick that the store did not carry out is there again.
    pub(super) fn return_reserve(&mut self, task: TaskId) {
        if self.attempts.contains_key(&task) {
            return;
        }
        if let Some(epoch) = self.board.task(task).map(|task| task.epoch.next()) {
            self.purse.ledger.settle((task, epoch), None);
        }
    }

    /// Whether a run stands still because a cap leaves nothing to start anything with.
    pub(super) fn is_spent(&self, run: RunId) -> bool {
        let common = self.purse.common(run, self.around.clock.now());
        let ledger = &self.purse.ledger;
        ledger.spent_out(&common).is_some()
            && !ledger.is_open(Account::Run(run))
            && self.board.tasks().filter(|task| task.run == run).all(|task| match task.state {
                State::Running { .. } => false,
                State::Waiting { need, .. } => need.is_some(),
                State::Blocked
                | State::Ready { .. }
                | State::Backoff { .. }
                | State::Succeeded { .. }
                | State::Failed { .. }
                | State::Cancelled { .. }
                | State::Skipped { .. } => true,
            })
    }

    /// Takes up what was spent before this host started.
    pub(super) fn recall_spending(&mut self) -> Result<(), Rejection> {
        for item in cost::items(&self.reader).map_err(unreadable)? {
            let day = day(item.started);
            let accounts = [
                Account::Task(item.task),
                Account::Run(item.run),
                Account::Agent(item.agent, day),
                Account::Day(day),
            ];
            self.purse.ledger.restore(accounts, item.bill.amount());
        }
        Ok(())
    }
}
