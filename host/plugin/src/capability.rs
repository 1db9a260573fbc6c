//! The host interfaces that adapters call: one file per interface of `baton:host`. Every call first checks whether the
//! attempt was cancelled.

pub mod attempt_event;
pub mod http;
pub mod log;
pub mod memory;
pub mod meter;
pub mod notify;
pub mod people;
pub mod process;
pub mod progress;
pub mod secret;
pub mod state;
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
use thiserror::Error;
use tokio::sync::{Notify, mpsc};

use crate::lease::HostLease;

pub use http::{Service, Upstream};
pub use meter::UsageMeter;
pub use process::Profile;
pub use state::StateClient;

fn millis(span: Duration) -> u64 {
    span.as_millis().try_into().unwrap_or(u64::MAX)
}

/// Cancels one attempt, once and for one reason. Every host call of the attempt checks it first.
#[derive(Debug, Default)]
pub struct Cancellation {
    /// 0 = not cancelled, otherwise 1 + the index in [`CancelReason::ALL`].
    reason: AtomicU8,
    changed: Notify,
}

/// Why an attempt was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The host lost its lease, or the task was given to another attempt: it may not even clean up.
    LeaseLost,
    /// A user cancelled the task or its run.
    Cancelled,
    /// The attempt's deadline has passed.
    Deadline,
    /// No progress for longer than the task's `timeouts.progress`.
    IdleTimeout,
    /// It has used up its budget.
    Budget,
    /// It asked a person. The attempt ends here; another one starts when the answer is there.
    AwaitingPerson,
}

impl CancelReason {
    const ALL: [Self; 6] = [
        Self::LeaseLost,
        Self::Cancelled,
        Self::Deadline,
        Self::IdleTimeout,
        Self::Budget,
        Self::AwaitingPerson,
    ];
}

impl Cancellation {
    /// Cancels the attempt. Only the first reason counts.
    pub fn cancel(&self, why: CancelReason) {
        let number =
            CancelReason::ALL.iter().zip(1..).find(|(stop, _)| **stop == why).map_or(1, |(_, number)| number);
        let _ = self.reason.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Whether the attempt was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason.load(Ordering::SeqCst) != 0
    }

    /// Why the attempt was cancelled; none if it was not.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        match self.reason.load(Ordering::SeqCst) {
            0 => None,
            number => CancelReason::ALL.get(usize::from(number) - 1).copied(),
        }
    }

    /// Waits until the attempt is cancelled.
    pub async fn cancelled(&self) -> CancelReason {
        loop {
            let changed = self.changed.notified();
            if let Some(why) = self.reason() {
                return why;
            }
            changed.await;
        }
    }
}

/// The profiles and services of the operator's configuration, by name. The grants of an adapter say which it may use.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Native programs, by the name of their profile.
    pub profiles: BTreeMap<String, Arc<Profile>>,
    /// HTTP services.
    pub services: BTreeMap<String, Arc<Upstream>>,
}

/// The granted resources of one kind, and the names of the others, so that a refusal can say what is missing: the grant
/// or the configuration.
#[derive(Debug)]
pub struct Granted<T> {
    granted: BTreeMap<String, Arc<T>>,
    ungranted: BTreeSet<String>,
}

impl<T> Granted<T> {
    /// Splits the configured resources by whether the name is granted.
    #[must_use]
    pub fn narrow(configured: &BTreeMap<String, Arc<T>>, may: impl Fn(&str) -> bool) -> Self {
        let (granted, ungranted): (Vec<_>, Vec<_>) = configured.iter().partition(|(name, _)| may(name));
        Self {
            granted: granted.into_iter().map(|(name, one)| (name.clone(), Arc::clone(one))).collect(),
            ungranted: ungranted.into_iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// How messages name a kind of resource.
pub trait Named {
    /// The prefix of its grants: `http` of `http:SERVICE`.
    const GRANT: &'static str;
    /// The noun for it.
    const WHAT: &'static str;
    /// The configuration that adds one, with `{}` for the name.
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
    /// The granted resource of this name. A refusal is also reported to the operator.
    fn find(
        &self,
        capabilities: &Capabilities,
        call: &'static str,
        name: &str,
    ) -> Result<Arc<T>, NotAllowed> {
        if let Some(found) = self.granted.get(name) {
            return Ok(Arc::clone(found));
        }
        let (what, shown) = (T::WHAT, excerpt(name, 256));
        let refused = if self.ungranted.contains(name) {
            NotAllowed::Ungranted { what, name: shown, grant: T::GRANT, plugin: capabilities.plugin.clone() }
        } else {
            NotAllowed::Unconfigured { what, example: T::EXAMPLE.replace("{}", &shown), name: shown }
        };
        capabilities.denied(call, refused.to_string());
        Err(refused)
    }
}

/// Why a plugin may not use a resource. Names are cut to 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAllowed {
    /// Grant it to the plugin.
    #[error("{what} {name} is not granted to {plugin}: baton plugin add … --grant {grant}:{name}")]
    Ungranted {
        /// The noun for it.
        what: &'static str,
        /// The resource.
        name: String,
        /// The prefix of its grants.
        grant: &'static str,
        /// Who asked.
        plugin: String,
    },
    /// Add it to the configuration.
    #[error("there is no {what} {name}: add {example} to baton.toml")]
    Unconfigured {
        /// The noun for it.
        what: &'static str,
        /// The resource.
        name: String,
        /// The configuration that adds it.
        example: String,
    },
}

/// What the plugin of one attempt may use, and what the host records about its use.
#[derive(Debug)]
pub struct Capabilities {
    /// The task that is attempted.
    pub task: TaskId,
    /// The attempt's epoch: writes with an older one are refused.
    pub epoch: Epoch,
    /// The adapter's name, for messages.
    pub plugin: String,
    /// The agent's name; its memory is kept under it.
    pub agent: String,
    /// The same for every attempt at one task, for services that drop repeated requests.
    pub idempotency_key: String,
    /// Cancels this attempt.
    pub cancellation: Arc<Cancellation>,
    /// The host's lease: an attempt may not act while it has expired.
    pub lease: HostLease,
    /// When the attempt times out.
    pub deadline: Time,
    /// The host's clock.
    pub clock: Clock,
    /// The native programs it may start.
    pub profiles: Granted<Profile>,
    /// The services it may call.
    pub services: Granted<Upstream>,
    /// The working tree that was made for this attempt; none without a workspace.
    pub folder: Option<PathBuf>,
    /// Whether programs may write to the folder they start in where the attempt has no working tree.
    pub may_write: bool,
    /// Programs that were started, and requests that a server may have acted on.
    pub side_effects: AtomicU32,
    /// Requests that were sent.
    pub requests: AtomicU32,
    /// Requests that were sent after the attempt was cancelled.
    pub requests_after_stop: AtomicU32,
    /// The largest `longest-pause` of the services that were called, in milliseconds; 0 = none was called.
    pub max_retry_after_ms: AtomicU64,
    /// What the attempt has used, and what it may use.
    pub meter: Arc<UsageMeter>,
    /// Access to the host's durable state.
    pub state_client: StateClient,
    /// Reports progress and refusals to the scheduler.
    pub attempt_events: attempt_event::EventSender,
    /// The program that supervises native programs and ends them with their descendants; none = they are started
    /// directly, unconfined.
    pub supervisor: Option<PathBuf>,
    /// The longest grace period among its programs, in milliseconds.
    pub grace_period_ms: AtomicU64,
    /// Folders of git objects that the working tree borrows from other repositories.
    pub borrowed_objects: Vec<PathBuf>,
    /// The store's folder, which is hidden from programs.
    pub store: Option<PathBuf>,
    /// A possible cause, should the attempt fail: a program reported that something was denied.
    pub failure_hint: Mutex<Option<String>>,
    /// The host does not exit while a clone of this is alive.
    pub shutdown_guard: Option<mpsc::Sender<()>>,
}

impl Capabilities {
    /// Why the attempt must stop; none if it may go on. A host that lost its lease cancels its attempts here.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        if self.lease.is_lost() {
            self.cancellation.cancel(CancelReason::LeaseLost);
        }
        self.cancellation.reason()
    }

    /// To be called before an effect that others can see: waits until the host's lease is renewed or lost (a host that was
    /// suspended may have been replaced), then answers as [`Capabilities::cancel_reason`].
    pub(super) async fn await_lease(&self) -> Option<CancelReason> {
        tokio::select! {
            () = self.keep_active(self.lease.settled(&self.clock)) => {}
            _ = self.cancellation.cancelled() => {}
        }
        self.cancel_reason()
    }

    /// Counts an effect that can't be undone, before it happens.
    pub(super) fn record_side_effect(&self) {
        self.side_effects.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes one back that certainly did not happen.
    pub(super) fn retract_side_effect(&self) {
        self.side_effects.fetch_sub(1, Ordering::SeqCst);
    }

    /// Keeps the first hint at why the attempt may fail.
    pub(super) fn hint_failure(&self, hint: Option<String>) {
        if let (Some(hint), Ok(mut suspicion)) = (hint, self.failure_hint.lock()) {
            suspicion.get_or_insert(hint);
        }
    }

    /// The hint to append to the failure of the attempt. Can be taken once.
    #[must_use]
    pub fn failure_hint(&self) -> Option<String> {
        self.failure_hint.lock().ok()?.take()
    }

    /// Makes sure that the attempt's grace period covers those of this program.
    pub(super) fn extend_grace_period(&self, grace_periods: process::GracePeriods) {
        let both = grace_periods.interrupt.0.saturating_add(grace_periods.terminate.0);
        self.grace_period_ms.fetch_max(millis(both), Ordering::SeqCst);
    }

    /// The time that its programs have to end after a signal.
    #[must_use]
    pub fn grace_period(&self) -> Duration {
        Duration::from_millis(self.grace_period_ms.load(Ordering::SeqCst))
    }

    /// Whether the attempt may have had an effect outside of the host.
    #[must_use]
    pub fn begun(&self) -> Begun {
        if self.side_effects.load(Ordering::SeqCst) > 0 { Begun::Yes } else { Begun::No }
    }

    /// Waits for something that the attempt has no influence on, such as a free slot, without letting it run into the idle
    /// timeout.
    async fn keep_active<T>(&self, future: impl Future<Output = T>) -> T {
        let touch = async {
            loop {
                self.attempt_events.last_activity.store(self.clock.now().0, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            output = future => output,
            never = touch => never,
        }
    }

    /// Whether it may not even clean up, because another attempt may have the task by now. Any other cancelled attempt has
    /// a grace period to tell the server or program about it.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.cancellation.reason() == Some(CancelReason::LeaseLost) || self.lease.is_lost()
    }

    /// Reports a refused call to the operator. Returns the text, cut to length.
    fn denied(&self, call: &'static str, why: String) -> String {
        let why = excerpt(why, MESSAGE);
        let (task, plugin) = (self.task, self.plugin.clone());
        self.attempt_events.send(
            self.clock.now(),
            attempt_event::AttemptEvent::Denied { task, plugin, call, why: why.clone() },
        );
        why
    }
}
