//! A place at a service, as one response holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::JoinHandle;

/// Kept as long as it is used: whoever takes a response and does not read on must not keep others waiting.
pub(super) struct Place {
    used: Arc<Notify>,
    held: Arc<AtomicBool>,
    keeper: JoinHandle<()>,
}

impl Place {
    /// Is lost once it was not used for so long.
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

    pub(super) fn is_used(&self) {
        self.used.notify_one();
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

impl Drop for Place {
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
    async fn a_place_is_kept_while_it_is_used_and_no_longer() {
        let places = Arc::new(Semaphore::new(1));
        let idle = Duration::from_secs(10);
        let place = Place::new(Arc::clone(&places).acquire_owned().await.unwrap(), idle);
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            place.is_used();
        }
        assert!(place.is_held() && places.available_permits() == 0);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(!place.is_held() && places.available_permits() == 1);
        let place = Place::new(Arc::clone(&places).acquire_owned().await.unwrap(), idle);
        drop(place);
        assert!(tokio::time::timeout(idle, places.acquire()).await.is_ok(), "dropping it frees it");
    }
}
