//! The words of `baton:types` as the host's own, and back. A plugin's word is checked on the way in.

use baton_core::budget::{Cap, Money};
use baton_core::excerpt::{MESSAGE, excerpt};
use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::outcome::{Artifact, Check, Content, Outcome};
use baton_core::plan::Workstream;
use baton_core::span::Span;
use baton_core::task::child::Child;
use baton_core::task::policy::Effects;
use baton_core::task::{StateName, Task};
use baton_core::usage::Usage;
use serde_json::Value;

use super::bindings::shared::baton::types::core as wit;

/// Artifacts of one outcome, and what may be inside it.
const ARTIFACTS: usize = 64;
const INLINE: usize = 64 << 10;
/// Further values of one outcome, and the bytes of one.
const ATTRS: usize = 64;
const ATTR: usize = 16 << 10;

pub(super) fn attrs<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<wit::Attr> {
    pairs.into_iter().map(|(name, value)| wit::Attr { name: name.clone(), value: value.clone() }).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A task as plugins see it.
pub(super) fn task(task: &Task, spec: &Workstream, feedback: Vec<String>) -> wit::Task {
    wit::Task {
        id: spec.id.clone(),
        run: task.run.to_string(),
        title: spec.title.clone(),
        input: spec.input.to_string(),
        skills: spec.skills.clone(),
        prefers: spec.prefers.clone(),
        track: spec.track.clone(),
        priority: task.priority,
        estimate: spec.estimate.map(Span::millis),
        effects: match spec.effects {
            Effects::Pure => wit::Effects::Pure,
            Effects::Workspace => wit::Effects::Workspace,
            Effects::External => wit::Effects::External,
        },
        attempts: task.attempts,
        feedback,
        metadata: spec
            .metadata
            .iter()
            .map(|(name, value)| wit::Attr { name: name.clone(), value: text(value) })
            .collect(),
    }
}

/// What the tasks came to on which this one depends, by their names. Of a large output the beginning of its texts and
/// lists, its small members, and where to find all of it.
fn handed_on(inputs: &[(String, Outcome)]) -> String {
    let told = |(name, outcome): &(String, Outcome)| {
        let of = outcome.output.to_string().len();
        if of <= HANDED_ON {
            return serde_json::json!({ "summary": outcome.summary, "output": outcome.output });
        }
        let output = shortened(&outcome.output, HANDED_ON);
        let kept = output.to_string().len();
        let all = format!("the output of {name}: `baton show {name} --json`");
        let cut = serde_json::json!({ "kept_bytes": kept, "of_bytes": of, "all": all });
        serde_json::json!({ "summary": outcome.summary, "output": output, "cut": cut })
    };
    let all: serde_json::Map<String, Value> =
        inputs.iter().map(|input| (input.0.clone(), told(input))).collect();
    Value::Object(all).to_string()
}

/// The largest output that is handed on to a task that depends on it, in bytes of JSON.
const HANDED_ON: usize = 64 << 10;

/// As much of a value as fits into this many bytes of JSON.
fn shortened(value: &Value, most: usize) -> Value {
    let size = |value: &Value| value.to_string().len();
    match value {
        Value::String(text) => {
            let mut room = most.saturating_sub(2);
            loop {
                let cut = Value::String(excerpt(text.as_str(), room));
                let bytes = size(&cut);
                if bytes <= most {
                    return cut;
                }
                if room == 0 {
                    return Value::Null;
                }
                // Escapes take more than the text itself.
                room = (room * most / bytes).min(room - 1);
            }
        }
        Value::Array(elements) => {
            let mut left = most.saturating_sub(2);
            let fits = |element: &&Value| {
                let bytes = size(element) + 1;
                let fits = bytes <= left;
                left -= if fits { bytes } else { left };
                fits
            };
            Value::Array(elements.iter().take_while(fits).cloned().collect())
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_cached_key(|(_, value)| size(value));
            let (mut left, mut more) = (most.saturating_sub(2), members.len());
            let mut kept = serde_json::Map::new();
            for (name, value) in members {
                let share = (left / more.max(1)).saturating_sub(name.len() + 6);
                more -= 1;
                let value = if size(value) <= share { value.clone() } else { shortened(value, share) };
                let bytes = Value::from(name.as_str()).to_string().len() + 2 + size(&value);
                if bytes > left {
                    continue;
                }
                left -= bytes;
                kept.insert(name.clone(), value);
            }
            Value::Object(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// What an adapter is told of a task beyond what the contract has fields for.
pub(super) fn terms(spec: &Workstream, allowance: &Cap, inputs: &[(String, Outcome)]) -> Vec<wit::Attr> {
    let said = [
        ("baton.inputs", (!inputs.is_empty()).then(|| handed_on(inputs))),
        ("baton.contract", spec.contract.as_ref().map(ToString::to_string)),
        ("baton.budget-micros", allowance.money.map(|money| money.0.to_string())),
        ("baton.budget-tokens", allowance.tokens.map(|tokens| tokens.to_string())),
        ("baton.turns", allowance.turns.map(|turns| turns.to_string())),
    ];
    let known = said.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| wit::Attr { name: name.to_owned(), value }).collect()
}

pub(super) fn outcome_out(outcome: &Outcome) -> wit::Outcome {
    wit::Outcome {
        summary: outcome.summary.clone(),
        output: outcome.output.to_string(),
        artifacts: outcome
            .artifacts
            .iter()
            .map(|artifact| wit::Artifact {
                name: artifact.name.clone(),
                media_type: artifact.media_type.clone(),
                content: match &artifact.content {
                    Content::Inline(bytes) => wit::Content::Inline(bytes.clone()),
                    Content::Stored { digest, size } => {
                        wit::Content::Stored(wit::Reference { digest: digest.clone(), size: *size })
                    }
                },
            })
            .collect(),
        usage: usage_out(&outcome.usage),
        stop_reason: match outcome.stop.as_deref() {
            None => wit::StopReason::EndTurn,
            Some("max-tokens") => wit::StopReason::MaxTokens,
            Some("max-turns") => wit::StopReason::MaxTurns,
            Some("refusal") => wit::StopReason::Refusal,
            Some("cancelled") => wit::StopReason::Cancelled,
            Some(other) => wit::StopReason::Other(other.to_owned()),
        },
        attrs: attrs(&outcome.attrs),
    }
}

/// What a plugin claims, or why it can't be taken for a claim.
pub(super) fn outcome_in(outcome: wit::Outcome) -> Result<Outcome, String> {
    let output = match outcome.output.as_str() {
        "null" | "" => Value::Null,
        json => serde_json::from_str(json).map_err(|why| format!("outcome.output is not JSON: {why}"))?,
    };
    if outcome.artifacts.len() > ARTIFACTS {
        return Err(format!("an outcome may hold {ARTIFACTS} artifacts, not {}", outcome.artifacts.len()));
    }
    let artifacts = outcome.artifacts.into_iter().map(artifact_in).collect::<Result<_, _>>()?;
    let attrs = outcome.attrs.into_iter().filter(|attr| !is_the_hosts(&attr.name)).take(ATTRS);
    Ok(Outcome {
        attrs: attrs.map(|attr| (excerpt(attr.name, 128), excerpt(attr.value, ATTR))).collect(),
        summary: excerpt(outcome.summary, MESSAGE),
        output,
        artifacts,
        usage: usage_in(outcome.usage),
        stop: match outcome.stop_reason {
            wit::StopReason::EndTurn => None,
            wit::StopReason::MaxTokens => Some("max-tokens".into()),
            wit::StopReason::MaxTurns => Some("max-turns".into()),
            wit::StopReason::Refusal => Some("refusal".into()),
            wit::StopReason::Cancelled => Some("cancelled".into()),
            wit::StopReason::Other(other) => Some(excerpt(other, 64)),
        },
    })
}

/// The names under which usage says more than its record has fields for.
const MODEL: &str = "model";
const CACHED: &str = "cached-input-tokens";
const TURNS: &str = "turns";

fn usage_out(usage: &Usage) -> wit::Usage {
    let attr = |name: &str, value: String| wit::Attr { name: name.to_owned(), value };
    let counts = [(CACHED, usage.cached_input_tokens), (TURNS, usage.turns)];
    let counts =
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| attr(name, count.to_string()));
    wit::Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_micros: usage.cost_micros,
        requests: usage.requests,
        attrs: usage.model.iter().map(|model| attr(MODEL, model.clone())).chain(counts).collect(),
    }
}

/// The most tokens or turns that are believed of one attempt.
const MOST: u64 = 1 << 50;

/// What is no number counts as nothing, and what can't be true as the most that is believed.
pub(crate) fn usage_in(usage: wit::Usage) -> Usage {
    let attr = |name: &str| usage.attrs.iter().find(|attr| attr.name == name).map(|attr| attr.value.clone());
    let count = |name| attr(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    Usage {
        input_tokens: usage.input_tokens.min(MOST),
        output_tokens: usage.output_tokens.min(MOST),
        cost_micros: usage.cost_micros.map(|cost| cost.min(Money::MOST.0)),
        requests: usage.requests,
        cached_input_tokens: count(CACHED).min(MOST),
        turns: count(TURNS).min(MOST),
        model: attr(MODEL).map(|model| excerpt(model, 128)),
    }
}

/// A plugin does not speak in the host's name.
fn is_the_hosts(name: &str) -> bool {
    name.starts_with("baton.") || name.starts_with("workspace.")
}

/// The host has nothing stored yet that an adapter could refer to: a reference is an invented one.
fn artifact_in(artifact: wit::Artifact) -> Result<Artifact, String> {
    let content = match artifact.content {
        wit::Content::Inline(bytes) if bytes.len() <= INLINE => Content::Inline(bytes),
        wit::Content::Inline(bytes) => {
            return Err(format!(
                "artifact {:?} has {} bytes, and {INLINE} may be inline",
                artifact.name,
                bytes.len()
            ));
        }
        wit::Content::Stored(reference) => {
            return Err(format!(
                "artifact {:?} refers to {:?}, which was never stored",
                artifact.name, reference.digest
            ));
        }
    };
    Ok(Artifact { name: excerpt(artifact.name, 256), media_type: excerpt(artifact.media_type, 128), content })
}

pub(super) fn fault_out(fault: &Fault) -> wit::Fault {
    let class = match fault.class {
        ErrorClass::Transient => wit::ErrorClass::Transient,
        ErrorClass::RateLimited => wit::ErrorClass::RateLimited,
        ErrorClass::Timeout => wit::ErrorClass::Timeout,
        ErrorClass::Crashed => wit::ErrorClass::Crashed,
        ErrorClass::InvalidInput => wit::ErrorClass::InvalidInput,
        ErrorClass::InvalidOutput => wit::ErrorClass::InvalidOutput,
        ErrorClass::Refused => wit::ErrorClass::Refused,
        ErrorClass::Unauthorized => wit::ErrorClass::Unauthorized,
        ErrorClass::Environment => wit::ErrorClass::Environment,
        ErrorClass::Budget => wit::ErrorClass::Budget,
        class @ (ErrorClass::Unaccepted | ErrorClass::Deadline | ErrorClass::Other | ErrorClass::Lost) => {
            wit::ErrorClass::Other(class.to_string())
        }
    };
    wit::Fault { class, message: fault.message.clone(), retry_after: fault.retry_after_ms, attrs: Vec::new() }
}

/// The longest that a program may put a task off, in milliseconds: the allowances of a subscription come back daily.
pub(super) const RETRY_AFTER: u64 = 24 * 3600 * 1000;

/// `longest` is how long the service may put the task off, in milliseconds.
pub(super) fn fault_in(fault: wit::Fault, longest: u64) -> Fault {
    let message = excerpt(fault.message, MESSAGE);
    let (class, message) = match fault.class {
        wit::ErrorClass::Transient => (ErrorClass::Transient, message),
        wit::ErrorClass::RateLimited => (ErrorClass::RateLimited, message),
        wit::ErrorClass::Timeout => (ErrorClass::Timeout, message),
        wit::ErrorClass::Crashed => (ErrorClass::Crashed, message),
        wit::ErrorClass::InvalidInput => (ErrorClass::InvalidInput, message),
        wit::ErrorClass::InvalidOutput => (ErrorClass::InvalidOutput, message),
        wit::ErrorClass::Refused => (ErrorClass::Refused, message),
        wit::ErrorClass::Unauthorized => (ErrorClass::Unauthorized, message),
        wit::ErrorClass::Environment => (ErrorClass::Environment, message),
        wit::ErrorClass::Budget => (ErrorClass::Budget, message),
        wit::ErrorClass::Other(name) => (ErrorClass::Other, format!("{}: {message}", excerpt(name, 64))),
    };
    Fault {
        class,
        message,
        begun: Begun::Yes,
        retry_after_ms: fault.retry_after.map(|after| after.min(longest)),
    }
}

fn state(name: StateName) -> wit::TaskState {
    match name {
        StateName::Blocked => wit::TaskState::Blocked,
        StateName::Ready => wit::TaskState::Ready,
        StateName::Running => wit::TaskState::Running,
        StateName::Waiting => wit::TaskState::Waiting,
        StateName::Backoff => wit::TaskState::Backoff,
        StateName::Succeeded => wit::TaskState::Succeeded,
        StateName::Failed => wit::TaskState::Failed,
        StateName::Cancelled => wit::TaskState::Cancelled,
        StateName::Skipped => wit::TaskState::Skipped,
    }
}

pub(super) fn child(child: &Child) -> wit::Child {
    let accepted = child.state == StateName::Succeeded;
    // One that has nothing to say was accepted all the same: by whom and for how much is said beside it.
    let nothing = Outcome::default();
    let mut outcome = accepted.then(|| outcome_out(child.report.outcome.as_ref().unwrap_or(&nothing)));
    let mut fault = child.report.fault.as_ref().filter(|_| child.state == StateName::Failed).map(fault_out);
    if let Some(outcome) = &mut outcome {
        outcome.attrs.extend(facts(child));
    }
    if let Some(fault) = &mut fault {
        fault.attrs.extend(facts(child));
    }
    wit::Child { name: child.name.clone(), state: state(child.state), outcome, fault }
}

/// What the host adds to what a child came to.
fn facts(child: &Child) -> Vec<wit::Attr> {
    let facts = &child.totals;
    let said = [
        ("baton.agent", facts.agent.clone()),
        ("baton.score", child.report.score().map(|score| score.to_string())),
        ("baton.started-ms", facts.started.map(|at| at.0.to_string())),
        ("baton.ended-ms", facts.ended.map(|at| at.0.to_string())),
        ("baton.attempts", Some(facts.attempts.to_string())),
        ("baton.work-ms", Some(facts.work_ms.to_string())),
        ("baton.cost-micros", Some(facts.cost_micros.to_string())),
        ("baton.cost-known", Some(facts.cost_known.to_string())),
    ];
    let known = said.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| wit::Attr { name: name.to_owned(), value }).collect()
}

/// Who judges an answer by the contract: the strategy that asked, if this is said, or else the host.
const JUDGE: &str = "baton.judge";

/// What a strategy tells the host about a task that it wants, beyond what the contract has fields for.
fn told(workstream: &mut Workstream, name: &str, value: String) -> Result<(), String> {
    let wrong =
        |expected: &str| Err(format!("{name} must be {expected}, not {:?}", excerpt(value.clone(), 80)));
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
                    return Err(format!("{name} is nothing that a task can be told"));
                }
                None => {
                    workstream.metadata.insert(name.to_owned(), Value::String(value));
                }
            }
        }
    }
    Ok(())
}

/// The bytes of a name in a task that a strategy asks for.
const WORD: usize = 256;

/// A task that a strategy asks for, as a workstream, or what is wrong with it. Unless it says otherwise, it may change
/// what whoever asks for it may.
///
/// What a strategy divides is done as a whole: a part of it need not change a file, but each of several candidates must.
pub(super) fn new_task(new: wit::NewTask, effects: Effects) -> Result<Workstream, String> {
    let name = new.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(format!(
            "a child's name must be 1 to 64 letters, digits, -, _ or ., not {:?}",
            excerpt(name, 80)
        ));
    }
    let words = [&new.skills, &new.depends_on, &new.validators].into_iter().flatten();
    if let Some(word) = words.chain(&new.agent).chain(&new.executor).find(|word| word.len() > WORD) {
        return Err(format!("a name in {name} must have at most {WORD} bytes, not {:?}", excerpt(word, 80)));
    }
    let input = match new.input.as_str() {
        "" => Value::Null,
        json => {
            serde_json::from_str(json).map_err(|why| format!("the input of {name} is not JSON: {why}"))?
        }
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
        told(&mut workstream, &attr.name, attr.value)?;
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

/// The bytes of what a validator says of one check.
pub(super) const EXPLANATION: usize = 8 << 10;

/// A validator's check, or what is wrong with it.
pub(super) fn check(validator: &str, check: wit::Check) -> Result<Check, String> {
    if !(0.0..=1.0).contains(&check.score) {
        return Err(format!(
            "the score of check {:?} must be 0.0 to 1.0, not {}",
            excerpt(check.name, 64),
            check.score
        ));
    }
    Ok(Check {
        validator: validator.to_owned(),
        place: 0,
        name: excerpt(check.name, 64),
        score: check.score,
        passed: check.passed,
        label: excerpt(check.label, 64),
        explanation: excerpt(check.explanation, EXPLANATION),
    })
}
