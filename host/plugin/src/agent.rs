//! Agent adapters: how an agent is driven. The only kind that acts, through what it was granted.

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

#[derive(Clone)]
pub struct Adapter {
    loaded: Loaded,
    grants: Arc<Vec<Grant>>,
    pre: AgentPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// One attempt, as the scheduler starts it.
pub struct Assignment<'a> {
    pub task: &'a Task,
    pub spec: &'a Workstream,
    pub feedback: Vec<String>,
    /// What the tasks came to on which it depends.
    pub inputs: &'a [(String, Outcome)],
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    Degraded(String),
    Unreachable(String),
}

/// How an attempt came to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Claimed(Outcome),
    Failed(Fault),
    /// The host took the right to act away, and the attempt stopped.
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

    #[must_use]
    pub fn name(&self) -> &str {
        &self.loaded.identity.name
    }

    #[must_use]
    pub fn may_start(&self, profile: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows_profile(profile))
    }

    #[must_use]
    pub fn may_call(&self, service: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows_service(service))
    }

    /// Runs one attempt on a fresh instance.
    pub async fn run(&self, assignment: Assignment<'_>, powers: Arc<Capabilities>) -> Ended {
        let identity = &self.loaded.identity;
        // The one that starts now does not count as one before it.
        let before = Task { attempts: assignment.task.attempts.saturating_sub(1), ..assignment.task.clone() };
        let mut task = convert::task(&before, assignment.spec, assignment.feedback);
        task.metadata.extend(convert::terms(assignment.spec, &powers.meter.allowance, assignment.inputs));
        let attempt = Attempt {
            task,
            agent: powers.agent.clone(),
            epoch: powers.epoch.0,
            idempotency_key: powers.idempotency_key.clone(),
            deadline: powers.deadline.millis(),
            now: powers.clock.now().millis(),
            seed: assignment.seed.0,
            config: convert::attrs(assignment.config),
        };
        let mut store = identity.effectful_store(&self.engines.effectful, Arc::clone(&powers));
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            instance.baton_agent_adapter().call_run(&mut store, &attempt).await
        };
        let said = call.await;
        match said {
            Ok(Ok(outcome)) => match convert::outcome_in(outcome) {
                Ok(mut outcome) => {
                    let sent = powers.requests.load(Ordering::Relaxed);
                    outcome.usage.requests = outcome.usage.requests.max(sent);
                    // Whatever becomes of the outcome, this was used.
                    powers.meter.read(outcome.usage.most(&powers.meter.used()));
                    match powers.stopped() {
                        // What is paid for is not thrown away.
                        None | Some(CancelReason::Budget) => Ended::Claimed(outcome),
                        Some(why) => Ended::Stopped(why),
                    }
                }
                Err(why) => Ended::Failed(Fault::new(ErrorClass::InvalidOutput, why)),
            },
            Ok(Err(fault)) => {
                let longest = match powers.put_off.load(Ordering::Relaxed) {
                    0 => convert::RETRY_AFTER,
                    service => service,
                };
                let failed = || Ended::Failed(convert::fault_in(fault, longest));
                powers.stopped().map_or_else(failed, Ended::Stopped)
            }
            Err(error) => match powers.stopped() {
                Some(why) => Ended::Stopped(why),
                None => Ended::Failed(broken(&identity.ended(&error, &store))),
            },
        }
    }

    /// Whether the agent could work now. Nothing is started for it.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub async fn probe(
        &self,
        config: &BTreeMap<String, String>,
        powers: Arc<Capabilities>,
    ) -> Result<Health, PluginError> {
        let identity = &self.loaded.identity;
        let mut store = identity.effectful_store(&self.engines.effectful, powers);
        let config = convert::attrs(config);
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            instance.baton_agent_adapter().call_probe(&mut store, &config).await
        };
        let said = call.await;
        match said {
            Ok(Said::Ready) => Ok(Health::Ready),
            Ok(Said::Degraded(why)) => Ok(Health::Degraded(excerpt(why, MESSAGE))),
            Ok(Said::Unreachable(why)) => Ok(Health::Unreachable(excerpt(why, MESSAGE))),
            Err(error) => Err(identity.ended(&error, &store)),
        }
    }
}

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
