//! Open connections. There is always room for one more: the one that has been idle longest is closed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// All connections of a server.
#[derive(Clone, Default)]
pub(super) struct Registry(Arc<Mutex<Connections>>);

#[derive(Default)]
struct Connections {
    open: usize,
    /// Those that wait for a request, by when they began to; each is notified when it has to leave.
    idle: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// One connection, as long as it lasts.
pub(super) struct Place {
    registry: Registry,
    leave: Arc<Notify>,
    idle: Option<u64>,
}

impl Registry {
    /// A place for one more among at most `most`, idle to begin with; none if all others are busy.
    pub(super) fn enter(&self, most: usize) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.open >= most {
            let (_, longest) = all.idle.pop_first()?;
            longest.notify_one();
        }
        all.open += 1;
        drop(all);
        let mut place = Place { registry: self.clone(), leave: Arc::default(), idle: None };
        place.waits();
        Some(place)
    }
}

impl Place {
    /// From now on it waits, and is in others' way.
    pub(super) fn waits(&mut self) {
        self.is_busy();
        let mut all = self.registry.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.next += 1;
        let at = all.next;
        all.idle.insert(at, Arc::clone(&self.leave));
        self.idle = Some(at);
    }

    /// From now on something is done for it.
    pub(super) fn is_busy(&mut self) {
        if let Some(at) = self.idle.take() {
            self.registry.0.lock().unwrap_or_else(PoisonError::into_inner).idle.remove(&at);
        }
    }

    /// Resolves when it has to make room.
    pub(super) fn gives_way(&self) -> impl Future<Output = ()> + use<> {
        let leave = Arc::clone(&self.leave);
        async move { leave.notified().await }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.is_busy();
        let mut all = self.registry.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.open -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_told(place: &Place) -> bool {
        let mut leave = std::pin::pin!(place.gives_way());
        leave.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_longest_idle_gives_way_and_the_busy_stay() {
        let registry = Registry::default();
        let [mut first, second, mut third] = [(); 3].map(|()| registry.enter(3).expect("there is room"));
        first.is_busy();
        first.waits();
        let mut fourth = registry.enter(3).expect("there is always room");
        assert_eq!([&first, &second, &third].map(is_told), [false, true, false]);
        for place in [&mut first, &mut third, &mut fourth] {
            place.is_busy();
        }
        assert!(registry.enter(3).is_none(), "nobody is idle");
        drop(second);
        drop(third);
        assert!(registry.enter(3).is_some());
    }
}
