//! Reading a plan from a file or a folder, with all of its errors at once.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use super::check::Means;
use super::{Plan, Workstream, check, json, schema};
use crate::scope::Glob;
use crate::span::Span;

/// What is wrong at one place of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub file: PathBuf,
    /// A JSON pointer into the file; empty for the file as a whole.
    pub pointer: String,
    /// What was expected and found.
    pub what: String,
    /// The nearest right word or another way to fix it.
    pub hint: Option<String>,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "" } else { &self.pointer };
        write!(
            f,
            "{}{}{place}: {}",
            self.file.display(),
            if place.is_empty() { "" } else { "#" },
            self.what
        )?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors(pub Vec<PlanError>);

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for flaw in &self.0 {
            writeln!(f, "{flaw}")?;
        }
        let count = self.0.len();
        write!(f, "the plan has {count} error{}", if count == 1 { "" } else { "s" })
    }
}

impl std::error::Error for PlanErrors {}

/// A workstream and the place it was read from.
pub(super) struct Placed {
    pub(super) file: PathBuf,
    pub(super) pointer: String,
    pub(super) workstream: Workstream,
}

const FORMATS: [&str; 4] = ["json", "yaml", "yml", "toml"];

/// Reads and checks a plan: one file, or every `*.json`, `*.yaml`, `*.yml` and `*.toml` of a folder.
///
/// # Errors
/// All that is wrong with it.
pub fn load(path: &Path) -> Result<Plan, PlanErrors> {
    read_checked(path, None)
}

/// As [`load`], and whether all that the plan names and needs is there.
///
/// # Errors
/// All that is wrong with it.
pub fn load_for(path: &Path, means: &Means) -> Result<Plan, PlanErrors> {
    read_checked(path, Some(means))
}

/// A plan that came as a value, such as from another process: held against the schema and the rules of plans, as a file
/// is.
///
/// # Errors
/// All that is wrong with it.
pub fn sound(plan: &Plan) -> Result<Plan, PlanErrors> {
    let file = Path::new("the plan");
    let (mut flaws, mut placed) = (Vec::new(), Vec::new());
    let value = serde_json::to_value(plan)
        .map_err(|why| PlanErrors(vec![flaw(file, "", format!("can't be read: {why}"))]))?;
    let mut name = None;
    read(file, value, &validator(file)?, &mut name, &mut placed, &mut flaws);
    some(file, &placed, &mut flaws);
    check::check(plan.name.clone(), placed, flaws, None)
}

fn read_checked(path: &Path, means: Option<&Means>) -> Result<Plan, PlanErrors> {
    let mut flaws = Vec::new();
    let mut name = None;
    let mut placed = Vec::new();
    let files = files(path).map_err(|flaw| PlanErrors(vec![flaw]))?;
    let validator = validator(path)?;
    for file in &files {
        match parse(file) {
            Ok(value) => read(file, value, &validator, &mut name, &mut placed, &mut flaws),
            Err(flaw) => flaws.push(flaw),
        }
    }
    some(path, &placed, &mut flaws);
    let name = name.unwrap_or_else(|| name_of(path));
    check::check(name, placed, flaws, means)
}

fn validator(path: &Path) -> Result<Validator, PlanErrors> {
    jsonschema::validator_for(&schema::workstream())
        .map_err(|why| PlanErrors(vec![flaw(path, "", format!("the plan schema itself is broken: {why}"))]))
}

/// A plan has something to do.
fn some(path: &Path, placed: &[Placed], flaws: &mut Vec<PlanError>) {
    if placed.is_empty() && flaws.is_empty() {
        flaws.push(flaw(path, "", "expected at least one workstream, found none".into()));
    }
}

fn flaw(file: &Path, pointer: &str, what: String) -> PlanError {
    PlanError { file: file.to_owned(), pointer: pointer.to_owned(), what, hint: None }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, PlanError> {
    let unreadable = |why: std::io::Error| flaw(path, "", format!("can't be read: {why}"));
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
        return Err(flaw(
            path,
            "",
            "expected *.json, *.yaml or *.toml files in this folder, found none".into(),
        ));
    }
    Ok(files)
}

/// The plan's name where the file gives none: the file's or folder's; a folder called `plan` borrows its parent's.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let stem = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match whole.parent().and_then(Path::file_name) {
        Some(parent) if stem == "plan" => parent.to_string_lossy().into_owned(),
        Some(_) | None => stem,
    }
}

fn parse(file: &Path) -> Result<Value, PlanError> {
    let text = fs::read_to_string(file).map_err(|why| flaw(file, "", format!("can't be read: {why}")))?;
    let wrong = |format: &str, why: String| flaw(file, "", format!("is not valid {format}: {why}"));
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => {
            serde_saphyr::from_str_with_options(&text, serde_saphyr::options! { strict_booleans: true })
                .map_err(|why| wrong("YAML", why.to_string()))
        }
        Some("toml") => toml::from_str(&text).map_err(|why| wrong("TOML", why.to_string())),
        Some(_) | None => json::read(&text).map_err(|why| flaw(file, "", why)),
    }
}

fn read(
    file: &Path,
    value: Value,
    validator: &Validator,
    name: &mut Option<String>,
    placed: &mut Vec<Placed>,
    flaws: &mut Vec<PlanError>,
) {
    let mut one = |pointer: String, value: Value| match typed(file, &pointer, value, validator) {
        Ok(workstream) => placed.push(Placed { file: file.to_owned(), pointer, workstream }),
        Err(found) => flaws.extend(found),
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
                Some(Value::String(given)) => *name = Some(given),
                Some(other) => {
                    flaws.push(flaw(file, "/name", format!("expected a string, found {}", kind(&other))))
                }
                None => {}
            }
            for key in map.keys() {
                flaws.push(unknown(file, "", key, &["name", "workstreams"]));
            }
            let Some(Value::Array(list)) = list else {
                flaws.push(flaw(file, "/workstreams", "expected a list of workstreams".into()));
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
                    Err(found) => flaws.extend(found),
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
    serde_json::from_value(value).map_err(|why| vec![flaw(file, base, why.to_string())])
}

/// What a schema can't say of patterns.
fn bad_globs(file: &Path, base: &str, key: &str, value: &Value) -> Vec<PlanError> {
    let list = value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
    let wrong = list.filter_map(|(index, text)| Some((index, text.as_str()?.parse::<Glob>().err()?)));
    wrong.map(|(index, why)| flaw(file, &format!("{base}/{key}/{index}"), why)).collect()
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
            vec![flaw(file, &pointer, format!("expected the key {property}, which is missing"))]
        }
        _ => {
            let (what, hint) = expected(pointer.rsplit('/').next().unwrap_or_default(), error);
            vec![PlanError { hint, ..flaw(file, &pointer, what) }]
        }
    }
}

const EFFECTS: [&str; 3] = ["pure", "workspace", "external"];

/// What a key holds that is not what it should be, in the key's own terms where it has some.
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
            (text.parse::<Span>().err().unwrap_or_else(|| format!("expected a text, found {found}")), None)
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
    PlanError { hint: Some(hint), ..flaw(file, &format!("{pointer}/{key}"), format!("unknown key {key:?}")) }
}

/// The keys that the schema knows beside the `additionalProperties` at this path of it.
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

/// The known word that a misspelt one probably stands for.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| {
            (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// What is added to a message about a word that is not known: ` (did you mean "ws-22"?)`, or nothing where none is near.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default()
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
