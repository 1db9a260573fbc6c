//! Tasks that plugins ask for: a router's consultation, an executor's children, a validator's evidence.

use baton_core::excerpt::excerpt;
use baton_core::plan::Workstream;
use baton_core::span::Span;
use baton_core::task::policy::Effects;
use serde_json::Value;

use super::{Violation, wit};

/// Present if the strategy checks the answer against the contract itself; otherwise the host does.
const JUDGE: &str = "baton.judge";

/// Applies one attribute of a new task: instructions to the host begin with `baton.`, all others become metadata.
fn instruct(workstream: &mut Workstream, name: &str, value: String) -> Result<(), Violation> {
    let wrong = |expected: &str| {
        Err(Violation(format!("{name} must be {expected}, not {:?}", excerpt(value.clone(), 80))))
    };
    match name {
        "baton.apart" => workstream.apart = Some(value),
        "baton.contest" => workstream.deferred_merge = value == "true",
        "baton.prefers" => {
            workstream.prefers = value.split(',').map(|skill| skill.trim().to_owned()).collect()
        }
        "baton.effects" => match value.as_str() {
            "pure" => workstream.effects = Effects::Pure,
            "workspace" => workstream.effects = Effects::Workspace,
            "external" => workstream.effects = Effects::External,
            _ => return wrong("pure, workspace or external"),
        },
        "baton.contract" => match serde_json::from_str(&value) {
            Ok(contract) => workstream.contract = Some(contract),
            Err(_) => return wrong("a JSON Schema"),
        },
        JUDGE => {
            if value != "executor" {
                return wrong("executor");
            }
        }
        "baton.attempts" => match value.parse() {
            Ok(attempts @ 1..=100) => workstream.retry.attempts = attempts,
            Ok(_) | Err(_) => return wrong("1 to 100"),
        },
        "baton.priority" => match value.parse() {
            Ok(priority @ -1000..=1000) => workstream.priority = priority,
            Ok(_) | Err(_) => return wrong("-1000 to 1000"),
        },
        _ => {
            let with = name.strip_prefix("baton.with.").and_then(|rest| rest.split_once('.'));
            let named = with.and_then(|(validator, key)| {
                let found = workstream.validators.iter_mut().find(|one| one.uses == validator)?;
                Some((found, key.to_owned()))
            });
            match named {
                Some((validator, key)) => {
                    validator.with.insert(key, value);
                }
                None if name.starts_with("baton.") => {
                    return Err(Violation(format!("{name} is not an attribute that a task can have")));
                }
                None => {
                    workstream.metadata.insert(name.to_owned(), Value::String(value));
                }
            }
        }
    }
    Ok(())
}

/// The most bytes of a skill, or of another name in a new task.
const WORD: usize = 256;

/// A task that a strategy asks for, as a workstream. `effects` are those of the asking task, which the new one inherits
/// unless it has its own.
///
/// A part of a divided task need not change a file; one of several competing candidates must.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn new_task(new: wit::NewTask, effects: Effects) -> Result<Workstream, Violation> {
    let name = new.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(Violation(format!(
            "a child's name must be 1 to 64 letters, digits, -, _ or ., not {:?}",
            excerpt(name, 80)
        )));
    }
    let words = [&new.skills, &new.depends_on, &new.validators].into_iter().flatten();
    if let Some(word) = words.chain(&new.agent).chain(&new.executor).find(|word| word.len() > WORD) {
        return Err(Violation(format!(
            "a name in {name} must have at most {WORD} bytes, not {:?}",
            excerpt(word, 80)
        )));
    }
    let input = match new.input.as_str() {
        "" => Value::Null,
        json => serde_json::from_str(json)
            .map_err(|why| Violation(format!("the input of {name} is not JSON: {why}")))?,
    };
    let mut workstream = Workstream {
        title: excerpt(new.title, 256),
        input,
        depends_on: new.depends_on,
        skills: new.skills,
        agent: new.agent,
        executor: new.executor,
        validators: new
            .validators
            .into_iter()
            .map(|uses| baton_core::plan::Validator { uses, ..Default::default() })
            .collect(),
        estimate: new.estimate.map(Span::from_millis),
        effects,
        ..Workstream::named(name)
    };
    let judged_by_asker = new.attrs.iter().any(|attr| attr.name == JUDGE);
    for attr in new.attrs {
        instruct(&mut workstream, &attr.name, attr.value)?;
    }
    workstream.allow_no_change = effects == Effects::Workspace && !workstream.deferred_merge;
    if workstream.contract.is_some()
        && !judged_by_asker
        && !workstream.validators.iter().any(|one| one.uses == "schema")
    {
        let schema = baton_core::plan::Validator { uses: "schema".into(), ..Default::default() };
        workstream.validators.insert(0, schema);
    }
    Ok(workstream)
}
