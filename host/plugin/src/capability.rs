//! What an attempt may do to the world: one file for each interface of `baton:host`, and the cancellation before all of them.

pub mod desk;
pub mod http;
pub mod log;
pub mod memory;
pub mod meter;
pub mod notify;
pub mod people;
pub mod process;
pub mod progress;
pub mod secret;
pub mod sign;
pub mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_core::clock::{Clock, Time};
use baton_core::excerpt::{MESSAGE, excerpt};
use baton_core::fault::Begun;
use baton_core::id::{Epoch, TaskId};
use tokio::sync::{Notify, mpsc};

use crate::lease::HostLease;

pub use desk::StateClient;
pub use http::{Service, Upstream};
pub use meter::Meter;
pub use process::Profile;

/// The right of one attempt to act. Falls once, for a reason; every host call looks at it first.
#[derive(Debug, Default)]
pub struct Cancellation {
    down: AtomicU8,
    falling: Notify,
}

/// Why an attempt must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    LeaseLost,
    Cancelled,
    Deadline,
    /// No sign of progress for too long.
    Silent,
    /// It has used up what it may spend.
    Budget,
    /// It asked a person, and is over until there is an answer.
    Asked,
}

impl CancelReason {
    const ALL: [Self; 6] =
        [Self::LeaseLost, Self::Cancelled, Self::Deadline, Self::Silent, Self::Budget, Self::Asked];
}

impl Cancellation {
    /// Lets it fall. The first reason stays.
    pub fn cancel(&self, why: CancelReason) {
        let number =
            CancelReason::ALL.iter().zip(1..).find(|(stop, _)| **stop == why).map_or(1, |(_, number)| number);
        let _ = self.down.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        self.falling.notify_waiters();
    }

    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst) != 0
    }

    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        match self.down.load(Ordering::SeqCst) {
            0 => None,
            number => CancelReason::ALL.get(usize::from(number) - 1).copied(),
        }
    }

    /// Waits until it falls.
    pub async fn fallen(&self) -> CancelReason {
        loop {
            let falling = self.falling.notified();
            if let Some(why) = self.reason() {
                return why;
            }
            falling.await;
        }
    }
}

/// What the operator's configuration offers to adapters, by name. What one of them may use of it, its grants say.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    pub profiles: BTreeMap<String, Arc<Profile>>,
    pub services: BTreeMap<String, Arc<Upstream>>,
}

/// The part of an offer that is granted, and the names of the rest for the text of a refusal.
#[derive(Debug)]
pub struct Granted<T> {
    granted: BTreeMap<String, Arc<T>>,
    ungranted: BTreeSet<String>,
}

impl<T> Granted<T> {
    #[must_use]
    pub fn narrow(offer: &BTreeMap<String, Arc<T>>, may: impl Fn(&str) -> bool) -> Self {
        let (granted, ungranted): (Vec<_>, Vec<_>) = offer.iter().partition(|(name, _)| may(name));
        Self {
            granted: granted.into_iter().map(|(name, what)| (name.clone(), Arc::clone(what))).collect(),
            ungranted: ungranted.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// What is offered under names, as messages speak of it.
pub trait Named {
    /// How a grant of it begins.
    const GRANT: &'static str;
    const WHAT: &'static str;
    const EXAMPLE: &'static str;
}

impl Named for Profile {
    const GRANT: &'static str = "process";
    const WHAT: &'static str = "profile";
    const EXAMPLE: &'static str = "[profiles.{}] with argv = [\"…\"]";
}

impl Named for Upstream {
    const GRANT: &'static str = "http";
    const WHAT: &'static str = "service";
    const EXAMPLE: &'static str = "[services.{}] with url = \"https://…\"";
}

impl<T: Named> Granted<T> {
    /// What is granted under this name; else the refusal, which is also told to the operator.
    fn find(&self, powers: &Capabilities, call: &'static str, name: &str) -> Result<Arc<T>, String> {
        if let Some(found) = self.granted.get(name) {
            return Ok(Arc::clone(found));
        }
        let (what, grant, plugin) = (T::WHAT, T::GRANT, &powers.plugin);
        let shown = excerpt(name, 256);
        Err(powers.denied(
            call,
            if self.ungranted.contains(name) {
                format!(
                    "{what} {shown} is not granted to {plugin}: baton plugin add … --grant {grant}:{shown}"
                )
            } else {
                format!("there is no {what} {shown}: add {} to baton.toml", T::EXAMPLE.replace("{}", &shown))
            },
        ))
    }
}

/// Everything that one attempt's plugin may use.
#[derive(Debug)]
pub struct Capabilities {
    pub task: TaskId,
    pub epoch: Epoch,
    pub plugin: String,
    pub agent: String,
    pub idempotency_key: String,
    pub cancellation: Arc<Cancellation>,
    pub lease: HostLease,
    pub deadline: Time,
    pub clock: Clock,
    pub profiles: Granted<Profile>,
    pub services: Granted<Upstream>,
    /// The working tree that was made for this attempt.
    pub folder: Option<PathBuf>,
    /// Whether programs that start where the configuration says may write there.
    pub may_write: bool,
    /// Programs that were started for it, and requests that somebody took.
    pub acts: AtomicU32,
    /// Requests that it sent.
    pub requests: AtomicU32,
    /// Of those, the ones that it sent after it was told to stop.
    pub farewells: AtomicU32,
    /// The longest that a service which it called may put the task off, in milliseconds; zero = it called none.
    pub put_off: AtomicU64,
    pub meter: Arc<Meter>,
    pub desk: StateClient,
    pub signs: sign::Signs,
    /// The program that ends native programs with all that they started; none = they are started directly.
    pub supervisor: Option<PathBuf>,
    /// What its programs have to end when they are asked to, in milliseconds; the longest of them.
    pub graces: AtomicU64,
    /// Objects of git that the tree borrows.
    pub borrowed_objects: Vec<PathBuf>,
    /// The store's folder, which no program may see.
    pub store: Option<PathBuf>,
    /// Why a program of its may have failed, should it have.
    pub suspicion: Mutex<Option<String>>,
    /// Held by what the host waits for before it ends.
    pub under_way: Option<mpsc::Sender<()>>,
}

impl Capabilities {
    /// Why it may not act any more, if so. A host that lost its own lease has no right left to hand on.
    #[must_use]
    pub fn stopped(&self) -> Option<CancelReason> {
        if self.lease.is_lost() {
            self.cancellation.cancel(CancelReason::LeaseLost);
        }
        self.cancellation.reason()
    }

    /// The same before something is done that others can see: a host that stood still first finds out whether the store
    /// is still its own.
    pub(super) async fn admitted(&self) -> Option<CancelReason> {
        tokio::select! {
            () = self.patiently(self.lease.settled(&self.clock)) => {}
            _ = self.cancellation.fallen() => {}
        }
        self.stopped()
    }

    /// Something is about to happen outside that can't be taken back.
    pub(super) fn acts(&self) {
        self.acts.fetch_add(1, Ordering::SeqCst);
    }

    /// The last of those surely did not happen.
    pub(super) fn acted_not(&self) {
        self.acts.fetch_sub(1, Ordering::SeqCst);
    }

    /// A program said that something was refused to it: what is said first is kept.
    pub(super) fn suspect(&self, hint: Option<String>) {
        if let (Some(hint), Ok(mut suspicion)) = (hint, self.suspicion.lock()) {
            suspicion.get_or_insert(hint);
        }
    }

    /// What may be behind the failure of an attempt.
    #[must_use]
    pub fn suspicion(&self) -> Option<String> {
        self.suspicion.lock().ok()?.take()
    }

    /// A program was started that has so long to end.
    pub(super) fn has_graces(&self, graces: process::Graces) {
        let both = graces.interrupt.0.saturating_add(graces.terminate.0);
        self.graces.fetch_max(both.as_millis().try_into().unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// What its programs have to end when they are asked to.
    #[must_use]
    pub fn graces(&self) -> Duration {
        Duration::from_millis(self.graces.load(Ordering::SeqCst))
    }

    /// Whether anything may have happened outside.
    #[must_use]
    pub fn begun(&self) -> Begun {
        if self.acts.load(Ordering::SeqCst) > 0 { Begun::Yes } else { Begun::No }
    }

    /// Waits for something that is not the attempt's to hurry: that is not silence.
    async fn patiently<T>(&self, awaited: impl Future<Output = T>) -> T {
        let touch = async {
            loop {
                self.signs.last.store(self.clock.now().0, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            came = awaited => came,
            never = touch => never,
        }
    }

    /// Whether it may not even clean up behind itself: somebody else may have the task by now. Otherwise an attempt that
    /// must stop has a moment to say so to the far side.
    #[must_use]
    pub fn is_barred(&self) -> bool {
        self.cancellation.reason() == Some(CancelReason::LeaseLost) || self.lease.is_lost()
    }

    /// Tells the operator of a call that was refused; answers with what was said.
    fn denied(&self, call: &'static str, why: String) -> String {
        let why = excerpt(why, MESSAGE);
        let (task, plugin) = (self.task, self.plugin.clone());
        self.signs
            .send(self.clock.now(), sign::AttemptEvent::Denied { task, plugin, call, why: why.clone() });
        why
    }
}
