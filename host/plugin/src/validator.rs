//! Validators: whether an outcome may stand.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::excerpt::excerpt;
use baton_core::outcome::{Check, Outcome};
use baton_core::plan::Workstream;
use baton_core::task::Task;
use baton_core::task::child::Child;
use baton_core::task::policy::Effects;

use super::bindings::validator::ValidatorPre;
use super::bindings::validator::exports::baton::validator::validation::{
    Request, ValidationError, Verdict as Said,
};
use super::loader::Loaded;
use super::{Engines, PluginError, convert};

/// Evidence tasks of one answer.
const EVIDENCE: usize = 16;

#[derive(Clone)]
pub struct Validator {
    loaded: Loaded,
    pre: ValidatorPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// What a validator is asked about.
pub struct Question<'a> {
    pub task: &'a Task,
    pub spec: &'a Workstream,
    pub outcome: &'a Outcome,
    pub evidence: &'a [Child],
    pub now: Time,
    /// The operator's configuration and what the plan adds to it.
    pub config: &'a BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Checks(Vec<Check>),
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

    /// Asks once, on a fresh instance.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub fn validate(&self, question: &Question<'_>) -> Result<Verdict, PluginError> {
        let identity = &self.loaded.identity;
        let request = Request {
            task: convert::task(question.task, question.spec, Vec::new()),
            outcome: convert::outcome_out(question.outcome),
            contract: question.spec.contract.as_ref().map(ToString::to_string),
            evidence: question.evidence.iter().map(convert::child).collect(),
            now: question.now.millis(),
            config: convert::attrs(question.config),
        };
        let mut store = identity.pure_store(&self.engines.pure)?;
        let said = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_validator_validation().call_validate(&mut store, &request))
            .map_err(|error| identity.ended(&error, &store))?;
        match said {
            Ok(said) => verdict(&identity.name, said).map_err(|why| identity.nonsense(why)),
            Err(ValidationError::BadConfig(attr)) => {
                Err(identity.refused(format!("its configuration `{}`: {}", attr.name, attr.value)))
            }
            Err(ValidationError::Other(why)) => Ok(Verdict::Checks(vec![Check {
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

fn verdict(name: &str, said: Said) -> Result<Verdict, String> {
    Ok(match said {
        Said::Checks(checks) if checks.is_empty() => return Err("it made no check".into()),
        Said::Checks(checks) => Verdict::Checks(
            checks.into_iter().map(|check| convert::check(name, check)).collect::<Result<_, _>>()?,
        ),
        Said::Gather(evidence) if evidence.is_empty() || evidence.len() > EVIDENCE => {
            return Err(format!(
                "it asked for {} evidence tasks, and 1 to {EVIDENCE} are allowed",
                evidence.len()
            ));
        }
        Said::Gather(evidence) => {
            let task = |new| convert::new_task(new, Effects::Pure);
            Verdict::Gather(evidence.into_iter().map(task).collect::<Result<_, _>>()?)
        }
    })
}
