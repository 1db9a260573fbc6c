//! One of a service's concurrent exchanges, as a response holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::JoinHandle;

/// Freed when it was not used for a while: a plugin that does not read its response must not keep others waiting.
pub(super) struct Slot {
    used: Arc<Notify>,
    held: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

impl Slot {
    /// Holds the permit until the slot is dropped or was not used for `idle`.
    pub(super) fn new(permit: OwnedSemaphorePermit, idle: Duration) -> Self {
        let (used, held) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
        let (seen, lost) = (Arc::clone(&used), Arc::clone(&held));
        let keeper = tokio::spawn(async move {
            while tokio::time::timeout(idle, seen.notified()).await.is_ok() {}
            lost.store(false, Ordering::SeqCst);
            drop(permit);
        });
        Self { used, held, keeper }
    }

    /// Restarts the timeout.
    pub(super) fn touch(&self) {
        self.used.notify_one();
    }

    /// False once it was freed for lack of use.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The permit goes with the task that keeps it.
        self.keeper.abort();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_held_while_it_is_used_and_no_longer() {
        let slots = Arc::new(Semaphore::new(1));
        let idle = Duration::from_secs(10);
        let slot = Slot::new(Arc::clone(&slots).acquire_owned().await.unwrap(), idle);
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            slot.touch();
        }
        assert!(slot.is_held() && slots.available_permits() == 0);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(!slot.is_held() && slots.available_permits() == 1);
        let slot = Slot::new(Arc::clone(&slots).acquire_owned().await.unwrap(), idle);
        drop(slot);
        assert!(tokio::time::timeout(idle, slots.acquire()).await.is_ok(), "dropping it frees it");
    }
}
