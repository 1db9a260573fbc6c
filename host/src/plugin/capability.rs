//! What an attempt may do to the world: one file for each interface of `baton:host`, and the fence before all of them.

pub mod log;
pub mod process;
pub mod progress;
pub mod sign;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{Clock, Time};
use crate::id::{Epoch, TaskId};
use crate::lease::HostLease;

/// The right of one attempt to act. Falls once, for a reason; every host call looks at it first.
#[derive(Debug, Default)]
pub struct Fence {
    down: AtomicU8,
    falling: Notify,
}

/// Why an attempt must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    LeaseLost,
    Cancelled,
    Deadline,
    /// No sign of progress for too long.
    Silent,
}

impl Stop {
    const ALL: [Self; 4] = [Self::LeaseLost, Self::Cancelled, Self::Deadline, Self::Silent];
}

impl Fence {
    /// Lets it fall. The first reason stays.
    pub fn fall(&self, why: Stop) {
        let number =
            Stop::ALL.iter().zip(1..).find(|(stop, _)| **stop == why).map_or(1, |(_, number)| number);
        let _ = self.down.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        self.falling.notify_waiters();
    }

    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst) != 0
    }

    #[must_use]
    pub fn reason(&self) -> Option<Stop> {
        match self.down.load(Ordering::SeqCst) {
            0 => None,
            number => Stop::ALL.get(usize::from(number) - 1).copied(),
        }
    }

    /// Waits until it falls.
    pub async fn fallen(&self) -> Stop {
        loop {
            let falling = self.falling.notified();
            if let Some(why) = self.reason() {
                return why;
            }
            falling.await;
        }
    }
}

/// A native program that the operator allows to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    /// The program and its arguments, with `{name}` places.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// What is passed on of the host's environment.
    pub env: Vec<(String, String)>,
    pub timeout: Option<Duration>,
    pub max_stdout: usize,
}

/// Everything that one attempt's plugin may use.
#[derive(Debug)]
pub struct Powers {
    pub task: TaskId,
    pub epoch: Epoch,
    pub plugin: String,
    pub agent: String,
    pub idempotency_key: String,
    pub fence: Arc<Fence>,
    pub lease: HostLease,
    pub deadline: Time,
    pub clock: Clock,
    /// By name, already narrowed to what is granted.
    pub profiles: BTreeMap<String, Arc<Profile>>,
    /// Profiles that exist and were not granted, for the text of a refusal.
    pub ungranted: BTreeSet<String>,
    pub signs: sign::Signs,
    /// The program that ends a native program's whole group when the host dies; none = it is started directly.
    pub supervisor: Option<PathBuf>,
}

impl Powers {
    /// Why it may not act any more, if so. A host that could not renew its own lease has no right left to hand on.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        if !self.lease.holds(self.clock.now()) {
            self.fence.fall(Stop::LeaseLost);
        }
        self.fence.reason()
    }
}
