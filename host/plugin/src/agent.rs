//! Calls agent adapters, the only kind of plugin with side effects: it acts through the interfaces it was granted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use baton_core::excerpt::{MESSAGE, excerpt};
use baton_core::fault::{ErrorClass, Fault};
use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::seed::Seed;
use baton_core::task::Task;

use super::bindings::agent::AgentPre;
use super::bindings::agent::exports::baton::agent::adapter::{Attempt, Health as Said};
use super::capability::{CancelReason, Capabilities};
use super::grant::Grant;
use super::loader::Loaded;
use super::{Engines, PluginError, convert};

/// A loaded adapter. Each call runs on a fresh instance, so that calls share no state.
#[derive(Clone)]
pub struct Adapter {
    loaded: Loaded,
    grants: Arc<Vec<Grant>>,
    pre: AgentPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// One attempt at a task, as the scheduler starts it.
pub struct AttemptRequest<'a> {
    /// The task's state. Its count of attempts includes this one.
    pub task: &'a Task,
    /// The task as the plan has it.
    pub spec: &'a Workstream,
    /// Why earlier attempts were not accepted, oldest first.
    pub feedback: Vec<String>,
    /// Names and outcomes of the tasks that this one depends on.
    pub inputs: &'a [(String, Outcome)],
    /// Seed of the adapter's random numbers.
    pub seed: Seed,
    /// The agent's configuration.
    pub config: &'a BTreeMap<String, String>,
}

/// Result of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// Attempts can start.
    Ready,
    /// Attempts can start, with the limitation that the text names.
    Degraded(String),
    /// Attempts would fail, for this reason.
    Unreachable(String),
}

/// How the adapter's part of an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum AdapterResult {
    /// The adapter claims that the task is done. Validators have yet to accept it.
    Claimed(Outcome),
    /// The attempt failed.
    Failed(Fault),
    /// The host cancelled the attempt, and the adapter stopped.
    Stopped(CancelReason),
}

impl Adapter {
    pub(super) fn new(loaded: Loaded, grants: Vec<Grant>, engines: &Engines) -> Result<Self, PluginError> {
        let pre = AgentPre::new(loaded.pre.clone()).map_err(|why| PluginError::Incompatible {
            plugin: loaded.identity.name.clone(),
            why: why.to_string(),
        })?;
        Ok(Self { loaded, grants: Arc::new(grants), pre, engines: engines.clone() })
    }

    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.loaded.identity.name
    }

    /// Whether it was granted the programs of this profile.
    #[must_use]
    pub fn may_start(&self, profile: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows_profile(profile))
    }

    /// Whether it was granted requests to this service.
    #[must_use]
    pub fn may_call(&self, service: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows_service(service))
    }

    /// Runs one attempt on a fresh instance.
    pub async fn run(
        &self,
        assignment: AttemptRequest<'_>,
        capabilities: Arc<Capabilities>,
    ) -> AdapterResult {
        let identity = &self.loaded.identity;
        // The contract counts the attempts before this one.
        let before = Task { attempts: assignment.task.attempts.saturating_sub(1), ..assignment.task.clone() };
        let mut task = convert::task(&before, assignment.spec, assignment.feedback);
        task.metadata.extend(convert::metadata(
            assignment.spec,
            &capabilities.meter.allowance,
            assignment.inputs,
        ));
        let attempt = Attempt {
            task,
            agent: capabilities.agent.clone(),
            epoch: capabilities.epoch.0,
            idempotency_key: capabilities.idempotency_key.clone(),
            deadline: capabilities.deadline.millis(),
            now: capabilities.clock.now().millis(),
            seed: assignment.seed.0,
            config: convert::attrs(assignment.config),
        };
        let mut store = identity.effectful_store(&self.engines.effectful, Arc::clone(&capabilities));
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            instance.baton_agent_adapter().call_run(&mut store, &attempt).await
        };
        let answer = call.await;
        match answer {
            Ok(Ok(outcome)) => match convert::outcome_in(outcome) {
                Ok(mut outcome) => {
                    let sent = capabilities.requests.load(Ordering::Relaxed);
                    outcome.usage.requests = outcome.usage.requests.max(sent);
                    // Usage counts even if the outcome is dropped below.
                    capabilities.meter.read(outcome.usage.most(&capabilities.meter.used()));
                    match capabilities.cancel_reason() {
                        // An outcome that has been paid for is kept.
                        None | Some(CancelReason::Budget) => AdapterResult::Claimed(outcome),
                        Some(why) => AdapterResult::Stopped(why),
                    }
                }
                Err(why) => AdapterResult::Failed(Fault::new(ErrorClass::InvalidOutput, why)),
            },
            Ok(Err(fault)) => {
                let longest = match capabilities.max_retry_after_ms.load(Ordering::Relaxed) {
                    0 => convert::RETRY_AFTER,
                    service => service,
                };
                let failed = || AdapterResult::Failed(convert::fault_in(fault, longest));
                capabilities.cancel_reason().map_or_else(failed, AdapterResult::Stopped)
            }
            Err(error) => match capabilities.cancel_reason() {
                Some(why) => AdapterResult::Stopped(why),
                None => AdapterResult::Failed(broken(&identity.ended(&error, &store))),
            },
        }
    }

    /// Asks the adapter whether its agent could work now. It may look, but must start and change nothing.
    ///
    /// # Errors
    /// The adapter trapped, exceeded a limit, or could not be run.
    pub async fn probe(
        &self,
        config: &BTreeMap<String, String>,
        capabilities: Arc<Capabilities>,
    ) -> Result<ProbeResult, PluginError> {
        let identity = &self.loaded.identity;
        let mut store = identity.effectful_store(&self.engines.effectful, capabilities);
        let config = convert::attrs(config);
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            instance.baton_agent_adapter().call_probe(&mut store, &config).await
        };
        let answer = call.await;
        match answer {
            Ok(Said::Ready) => Ok(ProbeResult::Ready),
            Ok(Said::Degraded(why)) => Ok(ProbeResult::Degraded(excerpt(why, MESSAGE))),
            Ok(Said::Unreachable(why)) => Ok(ProbeResult::Unreachable(excerpt(why, MESSAGE))),
            Err(error) => Err(identity.ended(&error, &store)),
        }
    }
}

/// The fault of an attempt whose adapter returned nothing, by what a retry can change.
fn broken(error: &PluginError) -> Fault {
    let class = match error {
        PluginError::Host { .. } => ErrorClass::Transient,
        PluginError::Trapped { .. } | PluginError::OverLimit { .. } => ErrorClass::Crashed,
        PluginError::Incompatible { .. } | PluginError::NotGranted { .. } => ErrorClass::Environment,
        PluginError::Refused { .. } => ErrorClass::Refused,
        PluginError::InvalidAnswer { .. } => ErrorClass::InvalidOutput,
    };
    Fault::new(class, error.to_string())
}
