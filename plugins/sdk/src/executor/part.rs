//! A child that is written out in the input of an executor:
//! `{"name"?, "title", "input", "skills"?, "agent"?, "validators"?, "estimate_ms"?}`.
//!
//! Errors name the JSON pointer. Inputs are kept as text, so no number loses a digit.

use std::collections::{BTreeMap, HashSet};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{ExecutionError, NewTask};

/// The members of a JSON object, unparsed.
pub type Keys = BTreeMap<String, Box<RawValue>>;

const KNOWN: [&str; 7] = ["name", "title", "input", "skills", "agent", "validators", "estimate_ms"];

/// A child as its author wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its input as JSON text.
    pub input: String,
    /// The skills that an agent must declare.
    pub skills: Vec<String>,
    /// The only agent that may do it; none = any with the skills.
    pub agent: Option<String>,
    /// The validators that must accept its outcome.
    pub validators: Vec<String>,
    /// How long it is expected to take, in milliseconds.
    pub estimate_ms: Option<u64>,
}

impl Part {
    /// The parts at `/key`. Parts without a name are named `stem-1`, `stem-2`, and so on.
    ///
    /// # Errors
    /// There are none, one is malformed, or two have the same name.
    pub fn list(array: &RawValue, key: &str, stem: &str) -> Result<Vec<Part>, ExecutionError> {
        let at = format!("/{key}");
        let parts = elements(array, &at)?
            .iter()
            .enumerate()
            .map(|(index, raw)| Part::read(raw, &format!("{at}/{index}"), || format!("{stem}-{}", index + 1)))
            .collect::<Result<Vec<Part>, ExecutionError>>()?;
        if parts.is_empty() {
            return Err(wrong(&at, "at least one element"));
        }
        unique(&parts, &at)?;
        Ok(parts)
    }

    fn read(raw: &RawValue, at: &str, default_name: impl FnOnce() -> String) -> Result<Part, ExecutionError> {
        let mut fields = keys(raw.get(), at, &KNOWN)?;
        let name = match fields.remove("name") {
            Some(raw) => name(&raw, &format!("{at}/name"))?,
            None => default_name(),
        };
        let required = |key: &str, expected: &str| wrong(&format!("{at}/{key}"), expected);
        Ok(Part {
            name,
            title: optional(&mut fields, at, "title", "a string")?
                .ok_or_else(|| required("title", "a string"))?,
            input: fields.remove("input").ok_or_else(|| required("input", "a JSON value"))?.get().to_owned(),
            skills: optional(&mut fields, at, "skills", "an array of strings")?.unwrap_or_default(),
            agent: optional(&mut fields, at, "agent", "a string")?,
            validators: optional(&mut fields, at, "validators", "an array of strings")?.unwrap_or_default(),
            estimate_ms: optional(&mut fields, at, "estimate_ms", "a whole number of milliseconds")?,
        })
    }

    /// The part as a task.
    pub fn into_task(self) -> NewTask {
        NewTask {
            skills: self.skills,
            agent: self.agent,
            validators: self.validators,
            estimate: self.estimate_ms,
            ..NewTask::new(self.name, self.title, self.input)
        }
    }
}

/// The members of the object at `at`.
///
/// # Errors
/// It is not an object, or has members that are not in `known`.
pub fn keys(json: &str, at: &str, known: &[&str]) -> Result<Keys, ExecutionError> {
    let fields: Keys = serde_json::from_str(json).map_err(|_| wrong(at, "an object"))?;
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(fields),
        Some(key) => {
            Err(wrong(&format!("{at}/{}", escaped(key)), &format!("no such key, only {}", known.join(", "))))
        }
    }
}

/// The elements of the array at `at`.
///
/// # Errors
/// It is not an array.
pub fn elements(raw: &RawValue, at: &str) -> Result<Vec<Box<RawValue>>, ExecutionError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong(at, "an array"))
}

fn optional<T: DeserializeOwned>(
    fields: &mut Keys,
    at: &str,
    key: &str,
    expected: &str,
) -> Result<Option<T>, ExecutionError> {
    let Some(raw) = fields.remove(key) else {
        return Ok(None);
    };
    serde_json::from_str(raw.get()).map(Some).map_err(|_| wrong(&format!("{at}/{key}"), expected))
}

fn name(raw: &RawValue, at: &str) -> Result<String, ExecutionError> {
    let expected = "1 to 64 letters, digits, `-`, `_` or `.`";
    let name: String = serde_json::from_str(raw.get()).map_err(|_| wrong(at, expected))?;
    if is_name(&name) { Ok(name) } else { Err(wrong(at, expected)) }
}

/// Whether a text is a valid name of a child: 1 to 64 letters, digits, `-`, `_` or `.`.
pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

fn unique(parts: &[Part], at: &str) -> Result<(), ExecutionError> {
    let mut seen = HashSet::with_capacity(parts.len());
    match parts.iter().position(|part| !seen.insert(part.name.as_str())) {
        None => Ok(()),
        Some(index) => Err(wrong(
            &format!("{at}/{index}/name"),
            &format!("a name of its own, `{}` is taken", parts[index].name),
        )),
    }
}

pub(super) fn wrong(at: &str, expected: &str) -> ExecutionError {
    let place = if at.is_empty() { "the input" } else { at };
    ExecutionError::BadInput(format!("{place}: expected {expected}"))
}

/// A key in a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
