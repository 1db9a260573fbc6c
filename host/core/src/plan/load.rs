//! Reads a plan from a file or a folder, and reports all of its errors at once.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use super::check::{Available, Placed};
use super::error::{PlanError, PlanErrors};
use super::{Plan, Workstream, check, json, schema};
use crate::excerpt::NAME;
use crate::file::{self, MAX_PLAN};
use crate::nearest::nearest;
use crate::scope::Glob;
use crate::span::Span;

const FORMATS: [&str; 4] = ["json", "yaml", "yml", "toml"];

/// Reads and checks a plan: one file, or every `*.json`, `*.yaml`, `*.yml` and `*.toml` of a folder.
///
/// # Errors
/// All errors: unreadable files, syntax, schema violations, and those between workstreams.
pub fn load(path: &Path) -> Result<Plan, PlanErrors> {
    read_checked(path, None)
}

/// Like [`load`], and checks that the plugins and agents that the plan needs are available.
///
/// # Errors
/// As for [`load`], and unknown plugins and tasks that no agent is eligible for.
pub fn load_for(path: &Path, available: &Available) -> Result<Plan, PlanErrors> {
    read_checked(path, Some(available))
}

/// Checks a plan that was not read from a file, such as one from another process, against the schema and the rules of
/// plans.
///
/// # Errors
/// All errors, as for [`load`].
pub fn sound(plan: &Plan) -> Result<Plan, PlanErrors> {
    let file = Path::new("the plan");
    let (mut errors, mut placed) = (Vec::new(), Vec::new());
    let value = serde_json::to_value(plan)
        .map_err(|why| PlanErrors(vec![error_at(file, "", format!("can't be read: {why}"))]))?;
    let mut name = None;
    read(file, value, &validator(file)?, &mut name, &mut placed, &mut errors);
    some(file, &placed, &mut errors);
    check::check(plan.name.clone(), placed, errors, None)
}

fn read_checked(path: &Path, available: Option<&Available>) -> Result<Plan, PlanErrors> {
    let mut errors = Vec::new();
    let mut name = None;
    let mut placed = Vec::new();
    let files = files(path).map_err(|error| PlanErrors(vec![error]))?;
    let validator = validator(path)?;
    for file in &files {
        match parse(file) {
            Ok(value) => read(file, value, &validator, &mut name, &mut placed, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    some(path, &placed, &mut errors);
    let name = name.unwrap_or_else(|| name_of(path));
    check::check(name, placed, errors, available)
}

fn validator(path: &Path) -> Result<Validator, PlanErrors> {
    jsonschema::validator_for(&schema::workstream()).map_err(|why| {
        PlanErrors(vec![error_at(path, "", format!("the plan schema itself is broken: {why}"))])
    })
}

/// Adds an error if the plan has no workstreams.
fn some(path: &Path, placed: &[Placed], errors: &mut Vec<PlanError>) {
    if placed.is_empty() && errors.is_empty() {
        errors.push(error_at(path, "", "expected at least one workstream, found none".into()));
    }
}

fn error_at(file: &Path, pointer: &str, what: String) -> PlanError {
    PlanError::at(file, pointer, what, None)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, PlanError> {
    let unreadable = |why: std::io::Error| error_at(path, "", format!("can't be read: {why}"));
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let known =
            file.extension().is_some_and(|extension| FORMATS.iter().any(|format| extension == *format));
        let is_config = file.file_name().is_some_and(|name| name == "baton.toml");
        if known && !is_config && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(error_at(
            path,
            "",
            "expected *.json, *.yaml or *.toml files in this folder, found none".into(),
        ));
    }
    Ok(files)
}

/// The default name of a plan: that of its file or folder, or of the parent folder if it is called `plan`.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let stem = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match whole.parent().and_then(Path::file_name) {
        Some(parent) if stem == "plan" => parent.to_string_lossy().into_owned(),
        Some(_) | None => stem,
    }
}

fn parse(file: &Path) -> Result<Value, PlanError> {
    let text =
        file::read_text(file, MAX_PLAN).map_err(|why| error_at(file, "", format!("can't be read: {why}")))?;
    let wrong = |format: &str, why: String| error_at(file, "", format!("is not valid {format}: {why}"));
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => {
            serde_saphyr::from_str_with_options(&text, serde_saphyr::options! { strict_booleans: true })
                .map_err(|why| wrong("YAML", why.to_string()))
        }
        Some("toml") => toml::from_str(&text).map_err(|why| wrong("TOML", why.to_string())),
        Some(_) | None => json::read(&text).map_err(|why| error_at(file, "", why)),
    }
}

fn read(
    file: &Path,
    value: Value,
    validator: &Validator,
    name: &mut Option<String>,
    placed: &mut Vec<Placed>,
    errors: &mut Vec<PlanError>,
) {
    let mut one = |pointer: String, value: Value| match typed(file, &pointer, value, validator) {
        Ok(workstream) => placed.push(Placed { file: file.to_owned(), pointer, workstream }),
        Err(found) => errors.extend(found),
    };
    match value {
        Value::Array(list) => {
            for (index, value) in list.into_iter().enumerate() {
                one(format!("/{index}"), value);
            }
        }
        Value::Object(mut map) if map.contains_key("workstreams") => {
            let list = map.remove("workstreams");
            match map.remove("name") {
                Some(Value::String(given)) if given.len() > NAME => {
                    let what = format!("a name has at most {NAME} bytes, not {}", given.len());
                    errors.push(error_at(file, "/name", what));
                }
                Some(Value::String(given)) => *name = Some(given),
                Some(other) => {
                    errors.push(error_at(file, "/name", format!("expected a string, found {}", kind(&other))))
                }
                None => {}
            }
            for key in map.keys() {
                errors.push(unknown(file, "", key, &["name", "workstreams"]));
            }
            let Some(Value::Array(list)) = list else {
                errors.push(error_at(file, "/workstreams", "expected a list of workstreams".into()));
                return;
            };
            for (index, value) in list.into_iter().enumerate() {
                match typed(file, &format!("/workstreams/{index}"), value, validator) {
                    Ok(workstream) => {
                        placed.push(Placed {
                            file: file.to_owned(),
                            pointer: format!("/workstreams/{index}"),
                            workstream,
                        });
                    }
                    Err(found) => errors.extend(found),
                }
            }
        }
        value => one(String::new(), value),
    }
}

/// All schema violations of one workstream, or the workstream.
fn typed(file: &Path, base: &str, value: Value, validator: &Validator) -> Result<Workstream, Vec<PlanError>> {
    let found: Vec<PlanError> =
        validator.iter_errors(&value).flat_map(|error| described(file, base, &error)).collect();
    if !found.is_empty() {
        return Err(found);
    }
    let globs: Vec<PlanError> =
        ["paths", "reads"].iter().flat_map(|key| bad_globs(file, base, key, &value)).collect();
    if !globs.is_empty() {
        return Err(globs);
    }
    serde_json::from_value(value).map_err(|why| vec![error_at(file, base, why.to_string())])
}

/// Path patterns that the schema allows but [`Glob`] doesn't.
fn bad_globs(file: &Path, base: &str, key: &str, value: &Value) -> Vec<PlanError> {
    let list = value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
    let wrong = list.filter_map(|(index, text)| Some((index, text.as_str()?.parse::<Glob>().err()?)));
    wrong.map(|(index, why)| error_at(file, &format!("{base}/{key}/{index}"), why.to_string())).collect()
}

fn described(file: &Path, base: &str, error: &jsonschema::ValidationError<'_>) -> Vec<PlanError> {
    let pointer = format!("{base}{}", error.instance_path);
    match &error.kind {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_keys(error.schema_path.as_str());
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            unexpected.iter().map(|key| unknown(file, &pointer, key, &known)).collect()
        }
        ValidationErrorKind::Required { property } => {
            vec![error_at(file, &pointer, format!("expected the key {property}, which is missing"))]
        }
        _ => {
            let (what, hint) = expected(pointer.rsplit('/').next().unwrap_or_default(), error);
            vec![PlanError::at(file, &pointer, what, hint)]
        }
    }
}

const EFFECTS: [&str; 3] = ["pure", "workspace", "external"];

/// What was expected and found at a key, in specific terms for some keys.
fn expected(key: &str, error: &jsonschema::ValidationError<'_>) -> (String, Option<String>) {
    let found = &error.instance;
    match key {
        "effects" => {
            let near = found.as_str().and_then(|word| nearest(word, EFFECTS.into_iter()));
            let hint = near.map(|word| format!("did you mean {word:?}?"));
            (format!("expected {}, found {found}", EFFECTS.join(", ")), hint)
        }
        "estimate" | "base" | "cap" | "attempt" | "progress" | "deadline" => {
            let text = found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned);
            let wrong = text.parse::<Span>().err().map(|why| why.to_string());
            (wrong.unwrap_or_else(|| format!("expected a text, found {found}")), None)
        }
        "id" => (format!("expected 1 to 64 letters, digits, -, _ or ., found {found}"), None),
        _ => match &error.kind {
            ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => {
                (format!("expected {}, found {}", wanted_kind(&wanted.to_string()), kind(found)), None)
            }
            _ => (error.to_string(), None),
        },
    }
}

fn wanted_kind(name: &str) -> &str {
    match name {
        "array" => "a list",
        "object" => "an object",
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "a boolean",
        other => other,
    }
}

fn unknown(file: &Path, pointer: &str, key: &str, known: &[&str]) -> PlanError {
    let hint = nearest(key, known.iter().copied()).map_or_else(
        || format!("known keys: {}", known.join(", ")),
        |word| format!("did you mean {word:?}?"),
    );
    PlanError::at(file, &format!("{pointer}/{key}"), format!("unknown key {key:?}"), Some(hint))
}

/// The keys that the schema allows next to the `additionalProperties` at this schema path.
fn known_keys(schema_path: &str) -> Vec<String> {
    let whole = schema::workstream();
    let parent = schema_path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let place = match parent.split("/$ref").next() {
        Some(before) if before != parent => {
            let name = whole.pointer(before).and_then(|at| at.get("$ref")).and_then(Value::as_str);
            name.and_then(|name| whole.pointer(name.trim_start_matches('#')))
        }
        Some(_) | None => whole.pointer(parent),
    };
    let keys = place.and_then(|at| at.get("properties")).and_then(Value::as_object);
    keys.map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
