//! A host's own lease on a store. On one machine the lock file says who hosts; where the folder is shared between
//! machines a lock may not reach across, and the lease stands in: the next host waits it out, and the one before does
//! nothing more until it has renewed it. A host that stood still for longer than its lease renews it first; only where
//! another one took over meanwhile is it lost.

use std::sync::Arc;

use baton_core::clock::{Clock, Time};
use baton_core::lease::TERM;
use tokio::sync::watch;

/// Until when this host may act, as last made durable.
#[derive(Clone, Debug)]
pub struct HostLease(Arc<watch::Sender<Standing>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Until(Time),
    /// Another host has the store.
    Lost,
}

impl HostLease {
    #[must_use]
    pub fn until(end: Time) -> Self {
        Self(Arc::new(watch::Sender::new(Standing::Until(end))))
    }

    /// For what acts without a store.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::until(Time::NEVER)
    }

    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        match *self.0.borrow() {
            Standing::Until(end) => now <= end,
            Standing::Lost => false,
        }
    }

    #[must_use]
    pub fn is_lost(&self) -> bool {
        *self.0.borrow() == Standing::Lost
    }

    pub fn renewed(&self, end: Time) {
        self.0.send_if_modified(|standing| match *standing {
            Standing::Until(before) if before < end => {
                *standing = Standing::Until(end);
                true
            }
            Standing::Until(_) | Standing::Lost => false,
        });
    }

    /// Another host took over: it is not renewed any more.
    pub fn lose(&self) {
        self.0.send_replace(Standing::Lost);
    }

    /// Waits until this host may act or never may again.
    pub async fn settled(&self, clock: &Clock) {
        let mut standing = self.0.subscribe();
        while !self.holds(clock.now()) && !self.is_lost() {
            // It can't fail: this handle keeps the sender.
            let _ = standing.changed().await;
        }
    }

    /// Whether half of it is gone.
    #[must_use]
    pub fn is_due(&self, now: Time) -> bool {
        match *self.0.borrow() {
            Standing::Until(end) => end.since(now) < TERM / 2,
            Standing::Lost => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_act_until_its_lease_is_over_and_longer_only_once_it_is_renewed() {
        let lease = HostLease::until(Time(30_000));
        assert!(lease.holds(Time(30_000)) && !lease.holds(Time(30_001)));
        assert!(!lease.is_due(Time(15_000)) && lease.is_due(Time(15_001)));
        lease.clone().renewed(Time(60_000));
        assert!(lease.holds(Time(60_000)));
        lease.renewed(Time(40_000));
        assert!(lease.holds(Time(60_000)), "an older renewal takes nothing back");
    }

    #[test]
    fn a_lease_that_was_lost_is_not_renewed() {
        let lease = HostLease::until(Time(30_000));
        lease.lose();
        lease.renewed(Time(60_000));
        assert!(lease.is_lost() && !lease.holds(Time(1)) && !lease.is_due(Time(60_000)));
    }
}
