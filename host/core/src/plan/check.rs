//! Checks that a schema can't express: ids are unique, dependencies exist, there are no cycles, and plugins and
//! agents are available.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::{PlanError, PlanErrors};
use super::{Plan, Workstream, graph};
use crate::agent::Card;
use crate::nearest::nearest;

/// The plugins and agents that are available for a plan.
#[derive(Clone, Debug, Default)]
pub struct Available {
    /// Names of installed and bundled executors.
    pub executors: Vec<String>,
    /// Names of installed and bundled validators.
    pub validators: Vec<String>,
    /// Configured agents; if there are none yet, tasks aren't checked against them.
    pub agents: Vec<Card>,
}

/// A workstream with the place that it was read from.
pub(super) struct Placed {
    pub(super) file: PathBuf,
    pub(super) pointer: String,
    pub(super) workstream: Workstream,
}

/// The plan, or all errors: those `found` in its files, those between its workstreams, and what it needs that isn't
/// available.
pub(super) fn check(
    name: String,
    mut placed: Vec<Placed>,
    mut found: Vec<PlanError>,
    available: Option<&Available>,
) -> Result<Plan, PlanErrors> {
    placed.sort_by(|one, other| one.workstream.id.cmp(&other.workstream.id));
    found.extend(duplicates(&placed));
    found.extend(dangling(&placed));
    found.extend(cycles(&placed));
    found.extend(unreachable(&placed));
    found.extend(bad_contracts(&placed));
    if let Some(available) = available {
        found.extend(placed.iter().flat_map(|one| unknown_plugins(one, available)));
        found.extend(placed.iter().filter_map(|one| no_agent(one, &available.agents)));
    }
    if !found.is_empty() {
        return Err(PlanErrors(found));
    }
    Ok(Plan { name, workstreams: placed.into_iter().map(|placed| placed.workstream).collect() })
}

fn at(placed: &Placed, key: &str, what: String, hint: Option<String>) -> PlanError {
    PlanError::at(&placed.file, &format!("{}/{key}", placed.pointer), what, hint)
}

fn duplicates(placed: &[Placed]) -> Vec<PlanError> {
    let same = placed.windows(2).filter(|pair| pair[0].workstream.id == pair[1].workstream.id);
    same.map(|pair| {
        let first = format!("the first is in {}{}", pair[0].file.display(), pair[0].pointer);
        at(&pair[1], "id", format!("the id {:?} is taken", pair[1].workstream.id), Some(first))
    })
    .collect()
}

/// Acceptance rules that no validators could meet.
fn unreachable(placed: &[Placed]) -> Vec<PlanError> {
    let mut errors = Vec::new();
    for one in placed {
        let (acceptance, validators) = (one.workstream.acceptance, one.workstream.validators.len());
        if let Some(quorum) = acceptance.quorum.filter(|quorum| *quorum as usize > validators) {
            let what = format!("{quorum} validators must pass, and the workstream has {validators}");
            errors.push(at(one, "acceptance/quorum", what, None));
        }
        if acceptance.threshold.is_some() && validators == 0 {
            let what = "a threshold needs validators whose scores it is about".to_owned();
            errors.push(at(one, "acceptance/threshold", what, None));
        }
    }
    errors
}

fn bad_contracts(placed: &[Placed]) -> Vec<PlanError> {
    let wrong = |one: &Placed| {
        let why = jsonschema::validator_for(one.workstream.contract.as_ref()?).err()?;
        Some(at(one, "contract", format!("is not a JSON Schema: {why}"), None))
    };
    placed.iter().filter_map(wrong).collect()
}

fn unknown_plugins(one: &Placed, available: &Available) -> Vec<PlanError> {
    let unknown = |key: &str, kind: &str, name: &str, known: &[String]| {
        let is_file = name.ends_with(".wasm");
        (!is_file && !known.iter().any(|known| known == name)).then(|| {
            let near = nearest(name, known.iter().map(String::as_str));
            let hint = near.map_or_else(
                || format!("there are {}", known.join(", ")),
                |word| format!("did you mean {word:?}?"),
            );
            at(one, key, format!("no {kind} {name:?} is installed or bundled"), Some(hint))
        })
    };
    let executor = one.workstream.executor.iter();
    let executors = executor.filter_map(|name| unknown("executor", "executor", name, &available.executors));
    let validators = one.workstream.validators.iter().enumerate().filter_map(|(index, validator)| {
        unknown(&format!("validators/{index}/use"), "validator", &validator.uses, &available.validators)
    });
    executors.chain(validators).collect()
}

/// A task that no agent is eligible for. A composite task needs no agent: its children do.
fn no_agent(one: &Placed, agents: &[Card]) -> Option<PlanError> {
    if agents.is_empty() || one.workstream.executor.is_some() {
        return None;
    }
    let lacks = lacking(&one.workstream, agents)?;
    let hint = "add what is missing to an agent in baton.toml, or change the workstream".to_owned();
    Some(at(one, "skills", format!("no agent can do it: {lacks}"), Some(hint)))
}

/// Workstreams that none of these agents is eligible for, each with what every agent lacks.
#[must_use]
pub fn unassignable<'a>(plan: &'a Plan, agents: &[Card]) -> Vec<(&'a str, String)> {
    let simple = plan.workstreams.iter().filter(|one| one.executor.is_none());
    simple.filter_map(|one| Some((one.id.as_str(), lacking(one, agents)?))).collect()
}

/// What every agent lacks for a workstream; none = one of them is eligible.
fn lacking(one: &Workstream, agents: &[Card]) -> Option<String> {
    let terms = one.terms();
    let lacks = agents.iter().map(|card| Some(format!("{} {}", card.name, card.suits(&terms).err()?)));
    Some(lacks.collect::<Option<Vec<_>>>()?.join("; "))
}

fn dangling(placed: &[Placed]) -> Vec<PlanError> {
    let known: HashMap<&str, ()> = placed.iter().map(|placed| (placed.workstream.id.as_str(), ())).collect();
    let mut errors = Vec::new();
    for one in placed {
        for (index, wanted) in one.workstream.depends_on.iter().enumerate() {
            let key = format!("depends_on/{index}");
            if *wanted == one.workstream.id {
                errors.push(at(one, &key, format!("{wanted:?} depends on itself"), None));
            } else if !known.contains_key(wanted.as_str()) {
                let hint = nearest(wanted, placed.iter().map(|placed| placed.workstream.id.as_str()))
                    .map(|word| format!("did you mean {word:?}?"));
                errors.push(at(
                    one,
                    &key,
                    format!("expected the id of a workstream, found {wanted:?}"),
                    hint,
                ));
            }
        }
    }
    errors
}

fn cycles(placed: &[Placed]) -> Vec<PlanError> {
    let workstreams: Vec<_> = placed.iter().map(|placed| &placed.workstream).collect();
    graph::cycles(&workstreams)
        .into_iter()
        .map(|cycle| {
            let mut names: Vec<&str> = cycle.iter().map(|&index| workstreams[index].id.as_str()).collect();
            names.push(names[0]);
            at(&placed[cycle[0]], "depends_on", format!("a cycle: {}", names.join(" → ")), None)
        })
        .collect()
}
