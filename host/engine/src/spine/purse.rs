//! Money: what attempts may use is set aside when they start, and settled when they end.

use std::sync::Arc;
use std::time::Duration;

use baton_core::agent::{Agent, Card};
use baton_core::budget::ledger::{Account, Attempt, Exhausted, Ledger, Notice};
use baton_core::budget::price::Tariff;
use baton_core::budget::{Amount, Basis, Bill, Budget, Cap, Money};
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{RunId, TaskId};
use baton_core::op::{End, Op, Rejection};
use baton_core::outcome::Usage;
use baton_core::task::{State, Task, WaitingOn};
use baton_plugin::capability::UsageMeter;
use baton_store::Reader;
use baton_store::read::{Reading, cost};

use super::{Ended, Spine, attempt, unreadable};
use crate::decide::{Place, Prepared};
use crate::pool::Worker;

/// The operator's caps, and what is left of them.
pub(crate) struct Purse {
    budget: Budget,
    pub(super) ledger: Ledger,
}

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The day in UTC, counted from 1970.
pub(super) fn day(at: Time) -> i64 {
    at.0.div_euclid(DAY_MS)
}

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, ledger: Ledger::default() }
    }

    /// Takes up what rows say was spent.
    pub(crate) fn recall(&mut self, conn: &Reader) -> Reading<()> {
        for item in cost::items(conn)? {
            let day = day(item.started);
            let mut accounts =
                vec![Account::Run(item.run), Account::Agent(item.agent, day), Account::Day(day)];
            accounts.extend(cost::lineage(conn, item.task)?.into_iter().map(Account::Task));
            self.ledger.restore(accounts, item.bill.amount());
        }
        Ok(())
    }

    /// The caps that everything of a run is under.
    fn common(&self, run: RunId, now: Time) -> [(Account, Cap); 2] {
        [(Account::Run(run), self.budget.caps.run), (Account::Day(day(now)), self.budget.caps.day)]
    }

    /// The cap that lets nothing more of a run be started for now: all that is left is set aside, or spent.
    pub(crate) fn spent(&self, run: RunId, now: Time) -> Option<Exhausted> {
        if self.budget.caps.is_none() {
            return None;
        }
        self.ledger.exhausted(&self.common(run, now))
    }

    pub(crate) fn is_broke(&self, agent: &Agent, now: Time) -> bool {
        let own = (Account::Agent(agent.id, day(now)), agent.card.budget);
        !agent.card.budget.is_none() && self.ledger.exhausted(&[own]).is_some()
    }

    /// Whether nothing that is under way could give an agent more for today.
    fn is_spent_out(&self, agent: &Agent, now: Time) -> bool {
        let own = (Account::Agent(agent.id, day(now)), agent.card.budget);
        !agent.card.budget.is_none() && self.ledger.spent_out(&[own]).is_some()
    }

    /// Sets aside what an attempt of this task by this agent may use. What the tasks above it may use binds it too.
    pub(super) fn take(
        &mut self,
        prepared: &Prepared,
        above: Vec<(Account, Cap)>,
        worker: Option<&Worker>,
        now: Time,
    ) -> Place {
        let own = prepared.spec.budget.or(&self.budget.caps.task);
        let Some(agent) = worker.map(|worker| &worker.agent) else { return Place::None };
        let uncapped =
            self.budget.caps.is_none() && own.is_none() && above.is_empty() && agent.card.budget.is_none();
        if uncapped {
            return Place::Taken(None);
        }
        let task = prepared.task.id;
        let mut tasks = vec![(Account::Task(task), own)];
        tasks.extend(above);
        if let Some(Exhausted { good, cap, .. }) = self.ledger.spent_out(&tasks) {
            let why = format!("its attempts have used up the {} that they may", good.shown(cap));
            return Place::Broke(Fault::new(ErrorClass::Budget, why));
        }
        let mut owners = tasks;
        owners.push((Account::Agent(agent.id, day(now)), agent.card.budget));
        owners.extend(self.common(prepared.task.run, now));
        match self.ledger.reserve((task, prepared.task.epoch.next()), self.budget.caps.attempt, owners) {
            Ok(allowance) => Place::Taken(Some(allowance.amount())),
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
    pub(super) fn meter(&self, attempt: Attempt, card: &Card) -> UsageMeter {
        UsageMeter::new(self.purse.ledger.allowance(attempt), self.purse.tariff(card))
    }

    /// What an attempt used is charged in the transaction that ends it.
    pub(super) fn charge(&mut self, ended: &Ended, result: &attempt::Result) {
        let usage = match result {
            attempt::Result::Claimed(outcome) => outcome.usage.most(&ended.used),
            attempt::Result::Over(_) | attempt::Result::Asked => ended.used.clone(),
        };
        let attempt = (ended.task, ended.epoch);
        let reserved = self.purse.ledger.reserved(attempt);
        let tariff = self.pool.get(ended.agent).map(|worker| self.purse.tariff(&worker.agent.card));
        let means = Means {
            is_declared: tariff.as_ref().is_some_and(|tariff| tariff.attempt.is_some()),
            is_set_aside: reserved.is_some(),
            has_reached: ended.reached,
        };
        if usage.is_zero() && means.is_free(result) {
            self.purse.ledger.settle(attempt, None);
            return;
        }
        let bill = bill(usage, tariff.as_ref(), reserved, self.around.clock.now().since(ended.started));
        let notices = match reserved {
            Some(_) => self.purse.ledger.settle(attempt, Some(bill.amount())),
            None => {
                let accounts = self.accounts(ended);
                self.purse.ledger.restore(accounts, bill.amount());
                Vec::new()
            }
        };
        let run = self.board.task(ended.task).map(|task| task.run);
        self.pending.push(Op::Charge { task: ended.task, epoch: ended.epoch, bill: Box::new(bill) });
        self.notify(run, notices);
    }

    /// On whose account an attempt is for which nothing was set aside.
    fn accounts(&self, ended: &Ended) -> Vec<Account> {
        let day = day(ended.started);
        let mut accounts = vec![Account::Day(day), Account::Agent(ended.agent, day)];
        if let Some(task) = self.board.task(ended.task) {
            accounts.push(Account::Run(task.run));
            accounts.push(Account::Task(task.id));
            accounts.extend(self.board.ancestors(task).map(|task| Account::Task(task.id)));
        }
        accounts
    }

    /// What attempts that are cut off have used so far: by their own word, or else what was set aside for them.
    pub(super) fn charge_running(&self) -> Vec<Op> {
        let now = self.around.clock.now();
        let charged = self.attempts.iter().filter_map(|(task, running)| {
            let (meter, usage) = (&running.meter, running.meter.used());
            let reserved = self.purse.ledger.reserved((*task, running.epoch));
            let is_known = reserved.is_some() || meter.tariff.attempt.is_some();
            if usage.is_zero() && !(meter.has_reached() && is_known) {
                return None;
            }
            let bill = bill(usage, Some(&meter.tariff), reserved, now.since(running.started));
            Some(Op::Charge { task: *task, epoch: running.epoch, bill: Box::new(bill) })
        });
        charged.collect()
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
        let under_way = self.attempts.get(&task).map(|running| running.epoch);
        self.purse.ledger.release(task, under_way);
    }

    /// Whether a run stands still because caps leave nothing to start anything with.
    pub(super) fn is_spent(&self, run: RunId) -> bool {
        let common = self.purse.common(run, self.around.clock.now());
        let ledger = &self.purse.ledger;
        if ledger.is_open(Account::Run(run)) {
            return false;
        }
        let spent_out = ledger.spent_out(&common).is_some();
        let mut any_ready = false;
        let stands_still = self.board.tasks().filter(|task| task.run == run).all(|task| match task.state {
            State::Running { .. } => false,
            State::Waiting { stage, need, .. } => stage == WaitingOn::Person || need.is_some(),
            State::Ready { .. } => {
                any_ready = true;
                spent_out || self.only_broke(task)
            }
            State::Backoff { .. } => spent_out,
            State::Blocked
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Skipped { .. } => true,
        });
        stands_still && (spent_out || any_ready)
    }

    /// Whether there are agents for a task, and all of them have used up what they may today.
    fn only_broke(&self, task: &Task) -> bool {
        let terms = self.board.terms(task.terms);
        let now = self.around.clock.now();
        let mut able = self.pool.workers.iter().filter(|worker| worker.suits(terms).is_ok()).peekable();
        able.peek().is_some() && able.all(|worker| self.purse.is_spent_out(&worker.agent, now))
    }

    /// Takes up what was spent before this host started.
    pub(super) fn recall_spending(&mut self) -> Result<(), Rejection> {
        self.purse.recall(&self.reader).map_err(unreadable)
    }
}

/// The bill of an attempt: what is known, or else what was set aside for it.
fn bill(usage: Usage, tariff: Option<&Tariff>, reserved: Option<Amount>, took: Duration) -> Bill {
    let model = usage.model.clone().or_else(|| tariff?.model.clone());
    let usage = Usage { model, ..usage };
    let known = tariff.and_then(|tariff| tariff.cost(&usage));
    let capped = reserved.map(|amount| amount.money).filter(|money| *money > Money(0));
    let (cost, basis) = match (known, capped) {
        (Some(known), _) => known,
        (None, Some(money)) => (money, Basis::Reserved),
        (None, None) => (Money(0), Basis::Unknown),
    };
    Bill { usage, cost, basis, wall_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
}

/// By what the cost of an attempt that tells no usage could be known.
struct Means {
    /// The operator says what an attempt costs, whatever becomes of it.
    is_declared: bool,
    is_set_aside: bool,
    /// It started a program or sent a request.
    has_reached: bool,
}

impl Means {
    fn is_free(&self, result: &attempt::Result) -> bool {
        match (self.has_reached, self.is_declared, self.is_set_aside) {
            (false, _, _) if never_worked(result) => true,
            (true | false, true, _) => false,
            (true | false, false, false) => true,
            (true, false, true) => was_turned_away(result),
            (false, false, true) => false,
        }
    }
}

/// Whether an attempt that reached nobody ended before it came to work.
fn never_worked(result: &attempt::Result) -> bool {
    match result {
        attempt::Result::Asked
        | attempt::Result::Over(
            End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. } | End::Accepted { .. },
        ) => true,
        attempt::Result::Over(End::Failed { .. }) => was_turned_away(result),
        attempt::Result::Claimed(_) => false,
    }
}

/// Whether it was turned away before any work was done.
fn was_turned_away(result: &attempt::Result) -> bool {
    match result {
        attempt::Result::Over(End::Failed { fault, .. }) => matches!(
            fault.class,
            ErrorClass::Environment
                | ErrorClass::Unauthorized
                | ErrorClass::InvalidInput
                | ErrorClass::RateLimited
        ),
        attempt::Result::Over(
            End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. } | End::Accepted { .. },
        )
        | attempt::Result::Claimed(_)
        | attempt::Result::Asked => false,
    }
}

#[cfg(test)]
mod tests {
    use baton_core::fault::Begun;

    use super::*;

    fn failed(class: ErrorClass) -> attempt::Result {
        attempt::Result::Over(End::Failed { fault: Fault::new(class, "x"), checks: Vec::new() })
    }

    #[test]
    fn whoever_was_reached_may_cost_what_was_declared_or_set_aside() {
        let free = |has_reached, is_declared, is_set_aside, result: &attempt::Result| {
            Means { is_declared, is_set_aside, has_reached }.is_free(result)
        };
        let cancelled = attempt::Result::Over(End::Cancelled { why: "x".into() });
        let released = attempt::Result::Over(End::Released { why: "x".into(), begun: Begun::Yes });
        let turned_away = failed(ErrorClass::Environment);
        let over =
            [&attempt::Result::Asked, &cancelled, &released, &failed(ErrorClass::Timeout), &turned_away];
        for result in over {
            assert!(!free(true, true, false, result), "{result:?}: it costs what is declared");
            assert!(free(true, false, false, result), "{result:?}: nobody can say what");
        }
        for result in [&attempt::Result::Asked, &cancelled, &released, &failed(ErrorClass::Timeout)] {
            assert!(!free(true, false, true, result), "{result:?}: it costs what was set aside");
        }
        for result in [&attempt::Result::Asked, &cancelled, &released, &turned_away] {
            assert!(free(false, true, true, result), "{result:?}: nobody was asked to work");
        }
        assert!(free(true, false, true, &turned_away), "the far side would not begin");
    }
}
