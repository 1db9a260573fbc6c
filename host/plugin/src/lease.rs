//! The host's lease on its store. On one machine the lock file keeps a second host out. A file lock may not work between
//! machines that share the folder; there the lease does: a new host waits until it has expired, and a host whose lease
//! has expired, for instance because it was suspended, does nothing until it has renewed it. The lease is lost if another
//! host took over meanwhile.

use std::sync::Arc;

use baton_core::clock::{Clock, Time};
use baton_core::lease::TERM;
use tokio::sync::watch;

/// The lease as it was last made durable. Clones share it.
#[derive(Clone, Debug)]
pub struct HostLease(Arc<watch::Sender<LeaseState>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeaseState {
    Until(Time),
    /// Another host has the store.
    Lost,
}

impl HostLease {
    /// A lease that ends then.
    #[must_use]
    pub fn until(end: Time) -> Self {
        Self(Arc::new(watch::Sender::new(LeaseState::Until(end))))
    }

    /// A lease that never ends, for adapters that run without a store.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::until(Time::NEVER)
    }

    /// Whether the host may act at this time.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        match *self.0.borrow() {
            LeaseState::Until(end) => now <= end,
            LeaseState::Lost => false,
        }
    }

    /// Whether another host has taken over. This is final.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        *self.0.borrow() == LeaseState::Lost
    }

    /// Records a renewal. An older end than the current one is ignored, and so is a renewal of a lost lease.
    pub fn renewed(&self, end: Time) {
        self.0.send_if_modified(|state| match *state {
            LeaseState::Until(before) if before < end => {
                *state = LeaseState::Until(end);
                true
            }
            LeaseState::Until(_) | LeaseState::Lost => false,
        });
    }

    /// Records that another host took over.
    pub fn lose(&self) {
        self.0.send_replace(LeaseState::Lost);
    }

    /// Waits until the lease holds or is lost.
    pub async fn settled(&self, clock: &Clock) {
        let mut state = self.0.subscribe();
        while !self.holds(clock.now()) && !self.is_lost() {
            // Can't fail: this handle keeps the sender alive.
            let _ = state.changed().await;
        }
    }

    /// Whether it is time to renew it: less than half of its term is left.
    #[must_use]
    pub fn is_due(&self, now: Time) -> bool {
        match *self.0.borrow() {
            LeaseState::Until(end) => end.since(now) < TERM / 2,
            LeaseState::Lost => false,
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
