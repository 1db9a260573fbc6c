//! A host's own lease on a store. On one machine the lock file says who hosts; where the folder is shared between
//! machines a lock may not reach across, and the lease stands in: the next host waits it out, and the one before stops
//! acting when it could not renew it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Time;

/// A host that was cut off stops acting, and another may take over, after so long.
pub const TERM: Duration = Duration::from_secs(30);

/// Until when this host may act, as last made durable.
#[derive(Clone, Debug)]
pub struct HostLease(Arc<AtomicI64>);

impl HostLease {
    #[must_use]
    pub fn until(end: Time) -> Self {
        Self(Arc::new(AtomicI64::new(end.0)))
    }

    /// For what acts without a store.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::until(Time(i64::MAX))
    }

    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        now.0 <= self.0.load(Ordering::SeqCst)
    }

    pub fn renewed(&self, end: Time) {
        self.0.fetch_max(end.0, Ordering::SeqCst);
    }

    /// Whether half of it is gone.
    #[must_use]
    pub fn is_due(&self, now: Time) -> bool {
        Time(self.0.load(Ordering::SeqCst)).since(now) < TERM / 2
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
}
