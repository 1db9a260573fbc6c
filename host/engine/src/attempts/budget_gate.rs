//! Money: what attempts may use is set aside when they start, and settled when they end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use baton_core::agent::{Agent, Card};
use baton_core::budget::ledger::{Account, AttemptKey, Exhausted, Ledger, Notice};
use baton_core::budget::price::Tariff;
use baton_core::budget::{Amount, Budget, Cap};
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::task::Task;
use baton_plugin::capability::UsageMeter;

use crate::decide::{Place, Prepared};
use crate::pool::Worker;

/// The operator's caps, and what is left of them.
#[derive(Default)]
pub struct BudgetGate {
    budget: Budget,
    ledger: Ledger,
    /// Tasks of each run that goes on for which an account was opened.
    tasks: HashMap<RunId, HashSet<TaskId>>,
    /// Days before this one are forgotten.
    since: i64,
}

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The day in UTC, counted from 1970.
fn day(at: Time) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// When the day began at which it was this time (UTC).
#[must_use]
pub fn day_start(at: Time) -> Time {
    Time(day(at) * DAY_MS)
}

impl BudgetGate {
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// The caps that everything of a run is under.
    fn common(&self, run: RunId, now: Time) -> [(Account, Cap); 2] {
        [(Account::Run(run), self.budget.caps.run), (Account::Day(day(now)), self.budget.caps.day)]
    }

    /// The cap that lets nothing more of a run be started for now: all that is left is set aside, or spent.
    #[must_use]
    pub fn spent(&self, run: RunId, now: Time) -> Option<Exhausted> {
        if self.budget.caps.is_none() {
            return None;
        }
        self.ledger.exhausted(&self.common(run, now))
    }

    /// Whether a cap of a run is used up, whatever attempts under way may give back.
    #[must_use]
    pub fn is_spent_out(&self, run: RunId, now: Time) -> bool {
        self.ledger.spent_out(&self.common(run, now)).is_some()
    }

    /// Whether an attempt of this run is under way for which something was set aside.
    #[must_use]
    pub fn is_open(&self, run: RunId) -> bool {
        self.ledger.is_open(Account::Run(run))
    }

    #[must_use]
    pub fn is_broke(&self, agent: &Agent, now: Time) -> bool {
        let own = (Account::Agent(agent.id, day(now)), agent.card.budget);
        !agent.card.budget.is_none() && self.ledger.exhausted(&[own]).is_some()
    }

    /// Whether nothing that is under way could give an agent more for today.
    #[must_use]
    pub fn is_agent_spent_out(&self, agent: &Agent, now: Time) -> bool {
        let own = (Account::Agent(agent.id, day(now)), agent.card.budget);
        !agent.card.budget.is_none() && self.ledger.spent_out(&[own]).is_some()
    }

    /// Tasks of which nothing is left while attempts below them are under way.
    #[must_use]
    pub fn exhausted_families(&self) -> HashSet<TaskId> {
        self.ledger.exhausted_families()
    }

    /// Sets aside what an attempt of this task by this agent may use. What the tasks above it may use binds it too.
    pub fn take(
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
        if let Some(Exhausted { resource, cap, .. }) = self.ledger.spent_out(&tasks) {
            let why = format!("its attempts have used up its cap of {}", resource.shown(cap));
            return Place::Broke(Fault::new(ErrorClass::Budget, why));
        }
        let run = prepared.task.run;
        self.tasks.entry(run).or_default().extend(tasks.iter().filter_map(|(account, _)| match account {
            Account::Task(task) => Some(*task),
            Account::Run(_) | Account::Agent(..) | Account::Day(_) => None,
        }));
        let mut owners = tasks;
        owners.push((Account::Agent(agent.id, day(now)), agent.card.budget));
        owners.extend(self.common(run, now));
        match self.ledger.reserve((task, prepared.task.epoch.next()), self.budget.caps.attempt, owners) {
            Ok(allowance) => Place::Taken(Some(allowance.amount())),
            Err(Exhausted { .. }) => Place::None,
        }
    }

    /// How the usage of an agent becomes money.
    #[must_use]
    pub fn tariff(&self, card: &Card) -> Tariff {
        Tariff {
            prices: Arc::clone(&self.budget.prices),
            model: card.config.get("model").cloned(),
            attempt: card.cost,
        }
    }

    /// What an attempt that starts now may use.
    #[must_use]
    pub fn meter(&self, attempt: AttemptKey, card: &Card) -> UsageMeter {
        UsageMeter::new(self.ledger.allowance(attempt), self.tariff(card))
    }

    /// What is set aside for an attempt.
    #[must_use]
    pub fn reserved(&self, attempt: AttemptKey) -> Option<Amount> {
        self.ledger.reserved(attempt)
    }

    /// Gives back what was set aside and takes what was used. Says of which caps most is gone by now, once for each.
    pub fn settle(&mut self, attempt: AttemptKey, used: Option<Amount>) -> Vec<Notice> {
        self.ledger.settle(attempt, used)
    }

    /// Gives back what is set aside for attempts of this task that are not under way.
    pub fn release(&mut self, task: TaskId, under_way: Option<Epoch>) {
        self.ledger.release(task, under_way);
    }

    /// Takes what an attempt used for which nothing was set aside. `family` is its task and those above.
    pub fn spend(
        &mut self,
        run: Option<RunId>,
        family: Vec<TaskId>,
        (agent, started): (AgentId, Time),
        amount: Amount,
    ) {
        self.spend_day(agent, started, amount);
        if let Some(run) = run {
            self.spend_run(run, family, amount);
        }
    }

    /// Of the accounts of a day.
    pub fn spend_day(&mut self, agent: AgentId, started: Time, amount: Amount) {
        let day = day(started);
        self.forget_days_before(day - 1);
        self.ledger.restore([Account::Day(day), Account::Agent(agent, day)], amount);
    }

    /// Of the accounts of a run and of its tasks.
    pub fn spend_run(&mut self, run: RunId, family: Vec<TaskId>, amount: Amount) {
        self.tasks.entry(run).or_default().extend(&family);
        let tasks = family.into_iter().map(Account::Task);
        self.ledger.restore(std::iter::once(Account::Run(run)).chain(tasks), amount);
    }

    /// Whether what a run has spent matters to anybody.
    #[must_use]
    pub fn caps_runs(&self) -> bool {
        !self.budget.caps.run.is_none()
    }

    /// Whether what a task has spent matters and is not known; `own` is its own budget.
    #[must_use]
    pub fn wants_history(&self, task: &Task, own: Cap) -> bool {
        let is_known = || self.tasks.get(&task.run).is_some_and(|tasks| tasks.contains(&task.id));
        !own.or(&self.budget.caps.task).is_none() && !is_known()
    }

    /// Takes what a task and all below it have spent.
    pub fn spend_task(&mut self, task: &Task, amount: Amount) {
        self.tasks.entry(task.run).or_default().insert(task.id);
        self.ledger.restore([Account::Task(task.id)], amount);
    }

    /// A run has settled: its accounts are read again if it is reopened.
    pub fn close(&mut self, run: RunId) {
        self.ledger.close(Account::Run(run));
        for task in self.tasks.remove(&run).unwrap_or_default() {
            self.ledger.close(Account::Task(task));
        }
    }

    /// An attempt may have started on the day before; nothing asks for an older one.
    fn forget_days_before(&mut self, day: i64) {
        if day <= self.since {
            return;
        }
        self.since = day;
        self.ledger.close_if(|account| match account {
            Account::Day(old) | Account::Agent(_, old) => *old < day,
            Account::Run(_) | Account::Task(_) => false,
        });
    }
}

/// A notice as it is recorded and logged.
pub(super) fn told(Notice { account, resource, spent, cap, all }: Notice) -> Fact {
    let left = if all { "is used up" } else { "is nearly used up" };
    tracing::warn!("the budget of {account} {left}: {} of {}", resource.shown(spent), resource.shown(cap));
    if all {
        Fact::BudgetSpent { account, resource, spent, cap }
    } else {
        Fact::BudgetLow { account, resource, spent, cap }
    }
}
