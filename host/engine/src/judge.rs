//! Asking validators whether a claimed outcome may stand.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op, Until};
use baton_core::outcome::{Check, Outcome};
use baton_core::plan::Workstream;
use baton_core::task::child::Child;
use baton_core::task::{Task, WaitingOn};
use baton_plugin::library::Library;
use baton_plugin::validator::{Validation, ValidationRequest};

use super::acceptance;
use super::compose::class;

/// Rounds of evidence for one outcome.
const ROUNDS: usize = 3;

/// A claim and all that was gathered about it.
pub struct Case {
    pub task: Task,
    pub spec: Workstream,
    pub outcome: Outcome,
    /// Named `<validator's place>.<round>.<its own name>`.
    pub evidence: Vec<Child>,
    pub now: Time,
}

/// Asks every validator in the plan's order. The first that wants evidence gets it; all are asked again afterwards.
#[must_use]
pub fn judge(library: &Library, case: &Case) -> Op {
    let (task, epoch) = (case.task.id, case.task.epoch);
    let failed = |fault, checks| Op::Finish { task, epoch, end: End::Failed { fault, checks } };
    let mut checks = Vec::new();
    for (place, validator) in case.spec.validators.iter().enumerate() {
        let mut config: BTreeMap<String, String> = library.settings(&validator.uses).config;
        config.extend(validator.with.clone());
        let (rounds, evidence) = gathered(case, place);
        let asked = library.validator(&validator.uses).and_then(|plugin| {
            plugin.validate(&ValidationRequest {
                task: &case.task,
                spec: &case.spec,
                outcome: &case.outcome,
                evidence: &evidence,
                now: case.now,
                config: &config,
            })
        });
        match asked {
            Ok(Validation::Checks(made)) => {
                checks.extend(made.into_iter().map(|check| Check { place, ..check }));
            }
            Ok(Validation::Gather(_)) if rounds >= ROUNDS => {
                let why = format!("validator {} asked for evidence more than {ROUNDS} times", validator.uses);
                return failed(Fault::new(ErrorClass::InvalidOutput, why), checks);
            }
            Ok(Validation::Gather(wanted)) => {
                let rename = |name: &str| format!("{place}.{}.{name}", rounds + 1);
                let children = wanted.into_iter().map(|one| renamed(one, rename)).collect();
                return Op::Spawn { task, epoch, stage: WaitingOn::Acceptance, children, until: Until::All };
            }
            Err(error) => return failed(Fault::new(class(&error), error.to_string()), checks),
        }
    }
    match acceptance::refusal(&case.spec, &checks) {
        None => Op::Finish { task, epoch, end: End::Accepted { outcome: None, checks } },
        Some(why) => failed(Fault::new(ErrorClass::Unaccepted, why), checks),
    }
}

fn renamed(one: Workstream, rename: impl Fn(&str) -> String) -> Workstream {
    Workstream {
        id: rename(&one.id),
        depends_on: one.depends_on.iter().map(|name| rename(name)).collect(),
        ..one
    }
}

/// How often the validator at this place asked, and what it got, under its own names.
fn gathered(case: &Case, place: usize) -> (usize, Vec<Child>) {
    let mut rounds = 0;
    let mut own = Vec::new();
    for child in &case.evidence {
        let mut parts = child.name.splitn(3, '.');
        let (of, round, name) = (parts.next(), parts.next(), parts.next());
        let Some((of, round)) =
            of.and_then(|of| of.parse::<usize>().ok()).zip(round.and_then(|round| round.parse().ok()))
        else {
            continue;
        };
        if of == place {
            rounds = rounds.max(round);
            own.push(Child { name: name.unwrap_or_default().to_owned(), ..child.clone() });
        }
    }
    (rounds, own)
}
