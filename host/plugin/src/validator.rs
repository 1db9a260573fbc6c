//! Calls validators, which judge whether an outcome is accepted.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::excerpt::excerpt;
use baton_core::outcome::{Check, Outcome};
use baton_core::plan::Workstream;
use baton_core::task::Task;
use baton_core::task::child::Child;
use baton_core::task::policy::Effects;

use super::bindings::validator::ValidatorPre;
use super::bindings::validator::exports::baton::validator::validation::{Request, ValidationError, Verdict};
use super::loader::Loaded;
use super::{Engines, PluginError, Violation, convert};

/// The most evidence tasks in one answer.
const EVIDENCE: usize = 16;

/// A loaded validator. Each call runs on a fresh instance.
#[derive(Clone)]
pub struct Validator {
    loaded: Loaded,
    pre: ValidatorPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// The arguments of one call.
pub struct ValidationRequest<'a> {
    /// The state of the task whose outcome is judged.
    pub task: &'a Task,
    /// The task as the plan has it, with its contract.
    pub spec: &'a Workstream,
    /// The outcome to judge.
    pub outcome: &'a Outcome,
    /// The evidence tasks that this validator asked for, all ended; empty on the first call.
    pub evidence: &'a [Child],
    /// When the host asks.
    pub now: Time,
    /// The operator's configuration, overridden by the plan's `with`.
    pub config: &'a BTreeMap<String, String>,
}

/// A validator's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Validation {
    /// The verdict: at least one check.
    Checks(Vec<Check>),
    /// Run these tasks, 1 to 16, and call the validator again with their results.
    Gather(Vec<Workstream>),
}

impl Validator {
    pub(super) fn new(loaded: Loaded, engines: &Engines) -> Result<Self, PluginError> {
        let pre = ValidatorPre::new(loaded.pre.clone()).map_err(|why| PluginError::Incompatible {
            plugin: loaded.identity.name.clone(),
            why: why.to_string(),
        })?;
        Ok(Self { loaded, pre, engines: engines.clone() })
    }

    /// Calls the validator once, on a fresh instance. A validator that reports an error of its own refuses the outcome: the
    /// answer is one failed check.
    ///
    /// # Errors
    /// Any [`PluginError`] but `Incompatible` and `NotGranted`; `Refused` for a configuration it can't use.
    pub fn validate(&self, question: &ValidationRequest<'_>) -> Result<Validation, PluginError> {
        let identity = &self.loaded.identity;
        let request = Request {
            task: convert::task(question.task, question.spec, Vec::new()),
            outcome: convert::outcome_out(question.outcome),
            contract: question.spec.contract.as_ref().map(ToString::to_string),
            evidence: question.evidence.iter().map(convert::child).collect(),
            now: question.now.millis(),
            config: convert::attrs(question.config),
        };
        let (_slot, mut store) = identity.pure_store(&self.engines)?;
        let answer = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_validator_validation().call_validate(&mut store, &request))
            .map_err(|error| identity.ended(&error, &store))?;
        match answer {
            Ok(answer) => validation(&identity.name, answer).map_err(|why| identity.invalid_answer(why)),
            Err(ValidationError::BadConfig(attr)) => {
                Err(identity.refused(format!("its configuration `{}`: {}", attr.name, attr.value)))
            }
            Err(ValidationError::Other(why)) => Ok(Validation::Checks(vec![Check {
                validator: identity.name.clone(),
                place: 0,
                name: identity.name.clone(),
                score: 0.0,
                passed: false,
                label: "error".into(),
                explanation: excerpt(why, convert::EXPLANATION),
            }])),
        }
    }
}

fn validation(name: &str, answer: Verdict) -> Result<Validation, Violation> {
    Ok(match answer {
        Verdict::Checks(checks) if checks.is_empty() => return Err(Violation("it made no check".into())),
        Verdict::Checks(checks) => Validation::Checks(
            checks.into_iter().map(|check| convert::check(name, check)).collect::<Result<_, _>>()?,
        ),
        Verdict::Gather(evidence) if evidence.is_empty() || evidence.len() > EVIDENCE => {
            return Err(Violation(format!(
                "it asked for {} evidence tasks, and 1 to {EVIDENCE} are allowed",
                evidence.len()
            )));
        }
        Verdict::Gather(evidence) => {
            let task = |new| convert::new_task(new, Effects::Pure);
            Validation::Gather(evidence.into_iter().map(task).collect::<Result<_, _>>()?)
        }
    })
}
