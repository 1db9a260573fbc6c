//! One attempt: its capabilities, its three clocks, and how it ended.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::clock::{Clock, Time};
use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::id::{Epoch, TaskId};
use baton_core::op::End;
use baton_core::outcome::{Check, Outcome};
use baton_core::seed::Seed;
use baton_plugin::agent::{Adapter, AdapterResult, AttemptRequest};
use baton_plugin::capability::attempt_event::{AttemptEvent, EventSender};
use baton_plugin::capability::{
    CancelReason, Cancellation, Capabilities, Granted, Resources, StateClient, UsageMeter,
};
use baton_plugin::lease::HostLease;
use serde_json::Value;
use tokio::sync::mpsc::{Sender, UnboundedSender};

use super::decide::Prepared;
use crate::workspace::Workspaces;

/// What every attempt on this host shares.
#[derive(Clone)]
pub struct HostContext {
    pub clock: Clock,
    pub offer: Resources,
    pub supervisor: Option<PathBuf>,
    pub lease: HostLease,
    pub attempt_events: UnboundedSender<AttemptEvent>,
    pub state_client: StateClient,
    pub workspaces: Option<Arc<Workspaces>>,
    /// The store's folder.
    pub store: Option<PathBuf>,
    /// Held by what the host waits for before it ends.
    pub under_way: Option<Sender<()>>,
}

/// How an attempt ended, before anyone judged it.
#[derive(Debug)]
pub enum Result {
    Claimed(Outcome),
    Over(End),
    /// A person was asked: the store knows, and nothing has failed.
    Asked,
}

/// What rights are for.
pub struct CallScope {
    pub task: TaskId,
    pub epoch: Epoch,
    pub idempotency_key: String,
    pub deadline: Time,
    pub meter: Arc<UsageMeter>,
    /// Where its programs start, if not where the configuration says.
    pub folder: Option<PathBuf>,
    /// Whether programs that start where the configuration says may write there.
    pub may_write: bool,
}

impl HostContext {
    /// The rights of an adapter that acts for an agent: what the operator granted it of what is here.
    #[must_use]
    pub fn capabilities(
        &self,
        adapter: &Adapter,
        card: &Card,
        scope: CallScope,
        cancellation: Arc<Cancellation>,
    ) -> Arc<Capabilities> {
        let whose = (adapter.name().to_owned(), card.name.clone());
        self.grant(
            whose,
            |profile| adapter.may_start(profile),
            |service| adapter.may_call(service),
            scope,
            cancellation,
        )
    }

    /// The host's own rights, to tell people of questions: all that the operator's configuration offers.
    #[must_use]
    pub fn own_capabilities(&self, scope: CallScope, cancellation: Arc<Cancellation>) -> Arc<Capabilities> {
        self.grant(("host".into(), "host".into()), |_| true, |_| true, scope, cancellation)
    }

    /// To a plugin and the agent that it drives.
    fn grant(
        &self,
        (plugin, agent): (String, String),
        may_start: impl Fn(&str) -> bool,
        may_call: impl Fn(&str) -> bool,
        scope: CallScope,
        cancellation: Arc<Cancellation>,
    ) -> Arc<Capabilities> {
        let CallScope { task, epoch, idempotency_key, deadline, meter, folder, may_write } = scope;
        Arc::new(Capabilities {
            task,
            epoch,
            plugin,
            agent,
            idempotency_key,
            cancellation,
            lease: self.lease.clone(),
            deadline,
            clock: self.clock.clone(),
            profiles: Granted::narrow(&self.offer.profiles, may_start),
            services: Granted::narrow(&self.offer.services, may_call),
            folder,
            may_write,
            side_effects: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            requests_after_stop: AtomicU32::new(0),
            max_retry_after_ms: AtomicU64::new(0),
            meter,
            state_client: self.state_client.clone(),
            attempt_events: EventSender {
                sender: self.attempt_events.clone(),
                last_activity: Arc::new(AtomicI64::new(self.clock.now().0)),
                denial_sent: Arc::default(),
            },
            supervisor: self.supervisor.clone(),
            grace_period_ms: AtomicU64::new(0),
            borrowed_objects: self
                .workspaces
                .iter()
                .flat_map(|workspaces| workspaces.borrowed_objects())
                .collect(),
            store: self.store.clone(),
            failure_hint: Mutex::default(),
            shutdown_guard: self.under_way.clone(),
        })
    }
}

impl CallScope {
    #[must_use]
    pub fn attempt(prepared: &Prepared, meter: Arc<UsageMeter>, now: Time) -> Self {
        let longest = prepared.spec.timeouts.attempt.0;
        let own = now + meter.allowance.wall.map_or(longest, |wall| longest.min(wall.0));
        Self {
            task: prepared.task.id,
            epoch: prepared.task.epoch,
            // Another store may have a run of the same number, and not since the same moment.
            idempotency_key: format!(
                "{}/{}@{}",
                prepared.task.run, prepared.spec.id, prepared.task.created.0
            ),
            deadline: prepared.task.deadline.map_or(own, |deadline| own.min(deadline)),
            meter,
            folder: None,
            may_write: true,
        }
    }
}

/// Runs it to its end, whatever that is.
pub async fn run(
    adapter: Adapter,
    card: Arc<Card>,
    prepared: Prepared,
    capabilities: Arc<Capabilities>,
    seed: Seed,
) -> Result {
    let assignment = AttemptRequest {
        task: &prepared.task,
        spec: &prepared.spec,
        feedback: prepared.feedback.clone(),
        inputs: &prepared.inputs,
        seed,
        config: &card.config,
    };
    if let Some(why) = card.input.as_ref().and_then(|schema| breach(schema, &prepared.spec.input)) {
        let why = format!("{} does not take such an input: {why}", card.name);
        return over(Fault::new(ErrorClass::InvalidInput, why), Vec::new()).known(Begun::No);
    }
    baton_store::failpoint::hit("before-attempt");
    let ended = {
        let work = adapter.run(assignment, Arc::clone(&capabilities));
        tokio::pin!(work);
        let clocks = clocks(&capabilities, prepared.spec.timeouts.progress.map(|span| span.0));
        tokio::pin!(clocks);
        tokio::select! {
            ended = &mut work => ended,
            stop = &mut clocks => {
                capabilities.cancellation.cancel(stop);
                grace(work, stop, capabilities.grace_period()).await
            }
        }
    };
    baton_store::failpoint::hit("after-attempt");
    promised(&card, conclude(ended, &prepared))
        .known(capabilities.begun())
        .because(capabilities.failure_hint())
}

impl Result {
    /// With what may be behind a failure, where the fault does not say so.
    fn because(self, suspicion: Option<String>) -> Self {
        match (self, suspicion) {
            (Self::Over(End::Failed { fault, checks }), Some(why)) => {
                let message = format!("{} ({why})", fault.message);
                Self::Over(End::Failed { fault: Fault { message, ..fault }, checks })
            }
            (other, _) => other,
        }
    }

    /// With what the host knows of whether anything was done outside.
    fn known(self, begun: Begun) -> Self {
        match self {
            Self::Over(End::Failed { fault, checks }) => {
                Self::Over(End::Failed { fault: Fault { begun, ..fault }, checks })
            }
            Self::Over(End::Released { why, begun: _ }) => Self::Over(End::Released { why, begun }),
            Self::Over(end @ (End::Accepted { .. } | End::Conflicted { .. } | End::Cancelled { .. })) => {
                Self::Over(end)
            }
            Self::Claimed(outcome) => Self::Claimed(outcome),
            Self::Asked => Self::Asked,
        }
    }
}

fn over(fault: Fault, checks: Vec<Check>) -> Result {
    Result::Over(End::Failed { fault, checks })
}

/// What an agent promised of its output is a check that it must pass before anyone else looks.
fn promised(card: &Card, result: Result) -> Result {
    let (Result::Claimed(outcome), Some(schema)) = (&result, &card.output) else { return result };
    let Some(why) = breach(schema, &outcome.output) else { return result };
    let check = Check {
        validator: "card".into(),
        place: usize::MAX,
        name: "output".into(),
        score: 0.0,
        passed: false,
        label: "breach".into(),
        explanation: why.clone(),
    };
    over(
        Fault::new(ErrorClass::InvalidOutput, format!("{} broke its contract: {why}", card.name)),
        vec![check],
    )
}

/// The first thing that is wrong with a value.
fn breach(schema: &Value, value: &Value) -> Option<String> {
    // The configuration was refused if the schema is none.
    let validator = jsonschema::validator_for(schema).ok()?;
    let error = validator.iter_errors(value).next()?;
    Some(format!("{} at {:?}", error, error.instance_path.to_string()))
}

/// What is left of an attempt after its cancellation fell: time to clean up, then it is dropped where it stands.
async fn grace(
    work: impl Future<Output = AdapterResult>,
    stop: CancelReason,
    programs: Duration,
) -> AdapterResult {
    tokio::time::timeout(Duration::from_secs(2) + programs, work)
        .await
        .unwrap_or(AdapterResult::Stopped(stop))
}

/// After the machine slept, what was due meanwhile is noticed within so long.
const LOOK: Duration = Duration::from_secs(5);

/// Waits until then. Timers stand still while the machine sleeps, and the clock does not: it is looked at again.
async fn sleep_until(clock: &Clock, at: Time) {
    loop {
        let left = at.since(clock.now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

/// A clock that rings so late means that this host stood still: it was stopped, or the machine slept.
const STALL: Duration = Duration::from_secs(1);
/// What came meanwhile is taken in first.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Ends when one of the attempt's clocks runs out or its cancellation falls.
async fn clocks(capabilities: &Capabilities, silence: Option<Duration>) -> CancelReason {
    let is_late = |until: Time| capabilities.clock.now().since(until) >= STALL;
    let deadline = async {
        sleep_until(&capabilities.clock, capabilities.deadline).await;
        if is_late(capabilities.deadline) {
            tokio::time::sleep(CATCH_UP).await;
        }
        CancelReason::Deadline
    };
    let silent = async {
        let Some(silence) = silence else { return std::future::pending().await };
        loop {
            let until = Time(capabilities.attempt_events.last_activity.load(Ordering::SeqCst)) + silence;
            if is_late(until) {
                // Nobody listened: messages that arrived meanwhile are still to be read.
                capabilities.attempt_events.last_activity.store(capabilities.clock.now().0, Ordering::SeqCst);
                continue;
            }
            if until <= capabilities.clock.now() {
                return CancelReason::IdleTimeout;
            }
            sleep_until(&capabilities.clock, until).await;
        }
    };
    tokio::select! {
        stop = deadline => stop,
        stop = silent => stop,
        stop = capabilities.cancellation.cancelled() => stop,
    }
}

fn conclude(ended: AdapterResult, prepared: &Prepared) -> Result {
    let timeouts = prepared.spec.timeouts;
    match ended {
        AdapterResult::Claimed(outcome) => Result::Claimed(outcome),
        AdapterResult::Failed(fault) => Result::Over(End::Failed { fault, checks: Vec::new() }),
        AdapterResult::Stopped(CancelReason::LeaseLost) => {
            Result::Over(End::Released { why: "its lease was taken away".into(), begun: Begun::Yes })
        }
        AdapterResult::Stopped(CancelReason::Cancelled) => {
            Result::Over(End::Cancelled { why: "it was asked to stop".into() })
        }
        AdapterResult::Stopped(CancelReason::Deadline) => {
            let why =
                format!("no answer within {} (timeouts.attempt) or before the deadline", timeouts.attempt);
            Result::Over(End::Failed { fault: Fault::new(ErrorClass::Timeout, why), checks: Vec::new() })
        }
        AdapterResult::Stopped(CancelReason::AwaitingPerson) => Result::Asked,
        AdapterResult::Stopped(CancelReason::Budget) => {
            let why = "it used up what it may spend (baton cost shows the caps)";
            Result::Over(End::Failed { fault: Fault::new(ErrorClass::Budget, why), checks: Vec::new() })
        }
        AdapterResult::Stopped(CancelReason::IdleTimeout) => {
            let silence = timeouts.progress.unwrap_or_default();
            let why = format!("no sign of progress for {silence} (timeouts.progress)");
            Result::Over(End::Failed { fault: Fault::new(ErrorClass::Timeout, why), checks: Vec::new() })
        }
    }
}
