//! The rules of agent adapters, which get no profile and no service here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_core::clock::Clock;
use baton_core::fault::ErrorClass;
use baton_core::id::{Epoch, TaskId};
use baton_core::seed::Seed;
use baton_core::task::Task;
use serde_json::{Value, json};

use super::{RuleResult, finding, hostile, spec, task};
use crate::PluginError;
use crate::agent::{AdapterResult, AttemptRequest};
use crate::capability::attempt_event::EventSender;
use crate::capability::{CancelReason, Cancellation, Capabilities, Granted, StateClient, UsageMeter};
use crate::lease::HostLease;
use crate::library::Library;

/// Runs the rules of agent adapters.
pub(super) fn rules(
    library: &Library,
    name: &str,
    input: Option<&Value>,
) -> Result<Vec<RuleResult>, PluginError> {
    let adapter = library.agent(name)?;
    let host = |why: std::io::Error| PluginError::Host { plugin: name.to_owned(), why: why.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(host)?;
    let config = BTreeMap::new();
    let run = |input: Value, cancellation: Arc<Cancellation>| {
        let spec = spec(0, input);
        let task = Task { epoch: Epoch(1), attempts: 1, ..task() };
        let assignment = AttemptRequest {
            task: &task,
            spec: &spec,
            feedback: Vec::new(),
            inputs: &[],
            seed: Seed(7),
            config: &config,
        };
        runtime.block_on(adapter.run(assignment, capabilities(name, cancellation)))
    };
    let running = || Arc::new(Cancellation::default());
    let sound = input.cloned().unwrap_or_else(|| json!({ "x": 1 }));
    let mut findings = Vec::new();
    let trapped = |ended: &AdapterResult| match ended {
        AdapterResult::Failed(fault) if fault.class == ErrorClass::Crashed => Err(fault.message.clone()),
        AdapterResult::Claimed(_) | AdapterResult::Failed(_) | AdapterResult::Stopped(_) => Ok(()),
    };
    findings.push(finding("answers with an outcome or a typed fault", trapped(&run(sound, running()))));
    let survived = hostile().into_iter().try_for_each(|value| trapped(&run(value, running())));
    findings.push(finding("survives hostile inputs", survived));
    let cancelled = running();
    cancelled.cancel(CancelReason::Cancelled);
    let stopped = match run(json!({}), cancelled) {
        AdapterResult::Stopped(_) => Ok(()),
        other @ (AdapterResult::Claimed(_) | AdapterResult::Failed(_)) => {
            Err(format!("a cancelled attempt ended as {other:?}"))
        }
    };
    findings.push(finding("stops when it has lost its right to act", stopped));
    let probe = runtime.block_on(adapter.probe(&config, capabilities(name, running())));
    findings.push(finding("answers a probe", probe.map(|_| ()).map_err(|why| why.to_string())));
    Ok(findings)
}

/// An attempt without any profile, service or store.
fn capabilities(plugin: &str, cancellation: Arc<Cancellation>) -> Arc<Capabilities> {
    let (sender, _) = tokio::sync::mpsc::unbounded_channel();
    let clock = Clock::system();
    Arc::new(Capabilities {
        task: TaskId(1),
        epoch: Epoch(1),
        plugin: plugin.to_owned(),
        agent: "conformance".into(),
        idempotency_key: "conformance".into(),
        cancellation,
        lease: HostLease::unlimited(),
        deadline: clock.now() + Duration::from_secs(30),
        clock,
        profiles: Granted::narrow(&BTreeMap::new(), |_| false),
        services: Granted::narrow(&BTreeMap::new(), |_| false),
        folder: None,
        may_write: true,
        side_effects: AtomicU32::new(0),
        requests: AtomicU32::new(0),
        max_retry_after_ms: AtomicU64::new(0),
        requests_after_stop: AtomicU32::new(0),
        meter: Arc::new(UsageMeter::default()),
        state_client: StateClient::closed(),
        attempt_events: EventSender {
            sender,
            last_activity: Arc::new(AtomicI64::new(0)),
            denial_sent: Arc::default(),
        },
        supervisor: None,
        grace_period_ms: AtomicU64::new(0),
        borrowed_objects: Vec::new(),
        store: None,
        failure_hint: Mutex::default(),
        shutdown_guard: None,
    })
}
