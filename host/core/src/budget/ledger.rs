//! The ledger of what is spent and reserved. Rebuilt from the attempts' rows at start and updated as attempts begin
//! and end.

use std::collections::{HashMap, HashSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, Cap, Resource};
use crate::id::{AgentId, Epoch, RunId, TaskId};

/// Identifies an attempt: its task and epoch.
pub type AttemptKey = (TaskId, Epoch);

/// What a cap applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Account {
    /// A task and all tasks below it.
    Task(TaskId),
    /// All attempts of a run.
    Run(RunId),
    /// An agent, on one day since 1970 (UTC).
    Agent(AgentId, i64),
    /// All runs, on one day since 1970 (UTC).
    Day(i64),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(id) => write!(f, "task {id}"),
            Self::Run(id) => write!(f, "run {id}"),
            Self::Agent(id, _) => write!(f, "agent {id}, today"),
            Self::Day(_) => f.write_str("all runs, today"),
        }
    }
}

/// An account's totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// By attempts that are over.
    pub spent: Amount,
    /// For attempts under way.
    pub reserved: Amount,
}

impl Balance {
    fn gone(&self) -> Amount {
        self.spent.plus(self.reserved)
    }
}

/// A cap of which nothing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The account whose cap it is.
    pub account: Account,
    /// The resource that is used up.
    pub resource: Resource,
    /// The limit, in the resource's unit.
    pub cap: u64,
}

/// A cap of which at least 80 % is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The account whose cap it is.
    pub account: Account,
    /// The resource that the cap limits.
    pub resource: Resource,
    /// In the resource's unit; reservations don't count.
    pub spent: u64,
    /// The limit, in the resource's unit.
    pub cap: u64,
    /// All of it is spent, so that nothing more is started.
    pub all: bool,
}

/// A notice is given when this percentage of a cap is spent.
const WARN_AT: u128 = 80;

#[derive(Clone, Debug)]
struct Reservation {
    owners: Vec<(Account, Cap)>,
    allowance: Cap,
    amount: Amount,
}

/// The balances of all accounts and the reservations of attempts under way.
#[derive(Debug, Default)]
pub struct Ledger {
    balances: HashMap<Account, Balance>,
    open: HashMap<AttemptKey, Reservation>,
    noticed: HashSet<(Account, Resource, bool)>,
}

impl Ledger {
    /// Adds what was spent before this ledger was created.
    pub fn restore(&mut self, accounts: impl IntoIterator<Item = Account>, spent: Amount) {
        for account in accounts {
            let balance = self.balances.entry(account).or_default();
            balance.spent = balance.spent.plus(spent);
        }
    }

    /// Zero for an account that nothing was charged to.
    #[must_use]
    pub fn balance(&self, account: Account) -> Balance {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    /// The first of these caps of which nothing is left, reservations included.
    #[must_use]
    pub fn exhausted(&self, owners: &[(Account, Cap)]) -> Option<Exhausted> {
        self.reached(owners, |balance| balance.gone())
    }

    /// The first of these caps that is spent, whatever running attempts may give back from their reservations.
    #[must_use]
    pub fn spent_out(&self, owners: &[(Account, Cap)]) -> Option<Exhausted> {
        self.reached(owners, |balance| balance.spent)
    }

    fn reached(&self, owners: &[(Account, Cap)], by: impl Fn(Balance) -> Amount) -> Option<Exhausted> {
        owners.iter().find_map(|&(account, cap)| {
            let resource = cap.reached(&by(self.balance(account)))?;
            Some(Exhausted { account, resource, cap: cap.get(resource).unwrap_or_default() })
        })
    }

    /// Whether an attempt on this account is running.
    #[must_use]
    pub fn is_open(&self, account: Account) -> bool {
        self.open.values().any(|reservation| reservation.owners.iter().any(|(owner, _)| *owner == account))
    }

    /// Reserves for an attempt: `most`, reduced to what is left in each account. Returns the attempt's allowance.
    ///
    /// # Errors
    /// [`Exhausted`] if nothing is left in one of the accounts; nothing is reserved then.
    pub fn reserve(
        &mut self,
        attempt: AttemptKey,
        most: Cap,
        owners: Vec<(Account, Cap)>,
    ) -> Result<Cap, Exhausted> {
        if let Some(exhausted) = self.exhausted(&owners) {
            return Err(exhausted);
        }
        self.settle(attempt, None);
        let left = |(account, cap): &(Account, Cap)| cap.less(&self.balance(*account).gone());
        let allowance = owners.iter().map(left).fold(most, |allowance, left| allowance.and(&left));
        let amount = allowance.amount();
        for (account, _) in &owners {
            let balance = self.balances.entry(*account).or_default();
            balance.reserved = balance.reserved.plus(amount);
        }
        self.open.insert(attempt, Reservation { owners, allowance, amount });
        Ok(allowance)
    }

    /// Forgets what an account has spent and set aside.
    pub fn close(&mut self, account: Account) {
        self.balances.remove(&account);
        for resource in Resource::ALL {
            self.noticed.remove(&(account, resource, false));
            self.noticed.remove(&(account, resource, true));
        }
    }

    /// Forgets the accounts for which this holds.
    pub fn close_if(&mut self, is_closed: impl Fn(&Account) -> bool) {
        self.balances.retain(|account, _| !is_closed(account));
        self.noticed.retain(|(account, _, _)| !is_closed(account));
    }

    /// What an attempt may use; unlimited if nothing is reserved for it.
    #[must_use]
    pub fn allowance(&self, attempt: AttemptKey) -> Cap {
        self.open.get(&attempt).map(|reservation| reservation.allowance).unwrap_or_default()
    }

    /// What is reserved for an attempt; none = it isn't running.
    #[must_use]
    pub fn reserved(&self, attempt: AttemptKey) -> Option<Amount> {
        self.open.get(&attempt).map(|reservation| reservation.amount)
    }

    /// Releases an attempt's reservation and charges what it used. Returns the caps that are now nearly or fully
    /// spent, each once.
    pub fn settle(&mut self, attempt: AttemptKey, used: Option<Amount>) -> Vec<Notice> {
        let Some(Reservation { owners, amount, .. }) = self.open.remove(&attempt) else { return Vec::new() };
        let mut notices = Vec::new();
        for (account, cap) in owners {
            let balance = self.balances.entry(account).or_default();
            balance.reserved = balance.reserved.minus(amount);
            balance.spent = balance.spent.plus(used.unwrap_or_default());
            let spent = balance.spent;
            notices.extend(
                Resource::ALL.into_iter().filter_map(|resource| self.notice(account, resource, cap, &spent)),
            );
        }
        notices
    }

    /// Tasks whose cap is used up, reservations included, while attempts below them are running.
    #[must_use]
    pub fn exhausted_families(&self) -> HashSet<TaskId> {
        if self.open.is_empty() {
            return HashSet::new();
        }
        let owners = self.open.values().flat_map(|reservation| &reservation.owners);
        owners
            .filter(|(account, cap)| cap.reached(&self.balance(*account).gone()).is_some())
            .filter_map(|(account, _)| match account {
                Account::Task(task) => Some(*task),
                Account::Run(_) | Account::Agent(..) | Account::Day(_) => None,
            })
            .collect()
    }

    /// Releases the reservations of this task's attempts, except the one that is `under_way`.
    pub fn release(&mut self, task: TaskId, under_way: Option<Epoch>) {
        if self.open.is_empty() {
            return;
        }
        let idle = |(of, epoch): &&AttemptKey| *of == task && Some(*epoch) != under_way;
        let idle: Vec<AttemptKey> = self.open.keys().filter(idle).copied().collect();
        for attempt in idle {
            self.settle(attempt, None);
        }
    }

    fn notice(&mut self, account: Account, resource: Resource, cap: Cap, spent: &Amount) -> Option<Notice> {
        let (cap, spent) = (cap.get(resource)?, spent.get(resource));
        let all = spent >= cap;
        let most = u128::from(spent) * 100 >= u128::from(cap) * WARN_AT;
        (most && self.noticed.insert((account, resource, all))).then_some(Notice {
            account,
            resource,
            spent,
            cap,
            all,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Money;

    const RUN: Account = Account::Run(RunId(1));

    fn attempt(task: i64) -> AttemptKey {
        (TaskId(task), Epoch(1))
    }

    fn money(amount: u64) -> Cap {
        Cap { money: Some(Money(amount)), ..Cap::default() }
    }

    fn spent(amount: u64) -> Option<Amount> {
        Some(Amount { money: Money(amount), ..Amount::default() })
    }

    #[test]
    fn attempts_at_once_can_not_pass_a_cap_together() {
        let mut ledger = Ledger::default();
        let mut reserve = |task| ledger.reserve(attempt(task), money(40), vec![(RUN, money(100))]);
        assert_eq!(reserve(1), Ok(money(40)));
        assert_eq!(reserve(2), Ok(money(40)));
        assert_eq!(reserve(3), Ok(money(20)));
        assert_eq!(reserve(4), Err(Exhausted { account: RUN, resource: Resource::Money, cap: 100 }));
        // What was not used is there again; what was lost with a lease as well.
        assert_eq!(ledger.settle(attempt(1), spent(10)), []);
        assert_eq!(ledger.settle(attempt(2), None), []);
        assert_eq!(ledger.reserve(attempt(4), money(100), vec![(RUN, money(100))]), Ok(money(70)));
    }

    #[test]
    fn a_cap_is_told_at_four_fifths_and_at_its_end_once_each() {
        let mut ledger = Ledger::default();
        let mut spend = |task, amount| {
            ledger.reserve(attempt(task), money(100), vec![(RUN, money(100))]).unwrap();
            ledger.settle(attempt(task), spent(amount))
        };
        let notice = |spent, all| Notice { account: RUN, resource: Resource::Money, spent, cap: 100, all };
        assert_eq!(spend(1, 79), []);
        assert_eq!(spend(2, 1), [notice(80, false)]);
        assert_eq!(spend(3, 5), []);
        assert_eq!(spend(4, 20), [notice(105, true)]);
        assert_eq!(
            ledger.spent_out(&[(RUN, money(100))]),
            Some(Exhausted { account: RUN, resource: Resource::Money, cap: 100 })
        );
    }
}
