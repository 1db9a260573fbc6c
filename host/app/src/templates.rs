//! Plans with parameters, made of what was done before and kept beside the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use baton_core::file::{self, MAX_PLAN};
use baton_core::id::TaskId;
use baton_core::plan::Workstream;
use baton_core::plan::template::Template;
use baton_store::{Reader, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runs::Nothing;
use crate::view::insights;
use crate::{App, AppError, target};

/// What a template is made of: a pattern or a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSource {
    /// Letters, digits, `-` and `_`.
    pub name: String,
    /// A pattern by its number in `baton insights patterns`: its newest occurrence is taken.
    pub pattern: Option<usize>,
    /// A whole run, such as `r2`, where no pattern is named; without it the newest.
    pub run: Option<String>,
    /// In place of the one of this name.
    #[serde(default)]
    pub force: bool,
}

/// A template that was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TemplateSaved {
    /// Its file.
    pub file: PathBuf,
    /// How many workstreams it has.
    pub workstreams: usize,
    /// The names of its parameters.
    pub parameters: Vec<String>,
}

/// Writes a template beside the configuration.
///
/// # Errors
/// The name is none, is taken, or there is no such pattern or run; the store can't be read, or the file can't be written.
pub(crate) fn save(app: &App, source: &TemplateSource) -> Result<TemplateSaved, AppError> {
    let file = path_of(app, &source.name)?;
    if file.exists() && !source.force {
        return Err(AppError::refused(format!("{} exists: --force replaces it", file.display())));
    }
    let reader = app.reader()?;
    let workstreams = match source.pattern {
        Some(number) => of_pattern(app, &reader, number)?,
        None => of_run(&reader, source.run.as_deref())?,
    };
    let template = Template::of(&source.name, workstreams);
    let json = serde_json::to_string_pretty(&template).map_err(std::io::Error::from)?;
    fs::create_dir_all(folder(app))?;
    fs::write(&file, json + "\n")?;
    let parameters = template.parameters.into_keys().collect();
    Ok(TemplateSaved { file, workstreams: template.workstreams.len(), parameters })
}

fn of_pattern(app: &App, reader: &Reader, number: usize) -> Result<Vec<Workstream>, AppError> {
    let patterns = insights::insights(app, &Nothing {})?.patterns.patterns;
    let pattern = number.checked_sub(1).and_then(|place| patterns.get(place));
    let count = patterns.len();
    let missing = || AppError::not_found(format!("there are {count} patterns: `baton insights patterns`"));
    let specs =
        |tasks: &[TaskId]| tasks.iter().map(|task| read::spec(reader, *task)).collect::<Result<_, _>>();
    specs(&pattern.ok_or_else(missing)?.example).map_err(AppError::unreadable)
}

fn of_run(reader: &Reader, run: Option<&str>) -> Result<Vec<Workstream>, AppError> {
    let plan = read::plan(reader, target::run(reader, run)?).map_err(AppError::unreadable)?;
    Ok(plan.map(|plan| plan.workstreams).unwrap_or_default())
}

/// The templates that there are, by name.
///
/// # Errors
/// A file of the folder can't be read or is no template.
pub(crate) fn list(app: &App, _: &Nothing) -> Result<Vec<Template>, AppError> {
    let Ok(entries) = fs::read_dir(folder(app)) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| parsed(path)).collect()
}

/// The template of this name.
///
/// # Errors
/// The name is none; there is no such template, or its file can't be read or is none.
pub fn named(app: &App, name: &str) -> Result<Template, AppError> {
    parsed(&path_of(app, name)?)
}

fn folder(app: &App) -> PathBuf {
    app.config.folder.join("templates")
}

fn path_of(app: &App, name: &str) -> Result<PathBuf, AppError> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(AppError::invalid(format!(
            "a template's name is letters, digits, - and _, not {name:?}"
        )));
    }
    Ok(folder(app).join(format!("{name}.json")))
}

fn parsed(path: &Path) -> Result<Template, AppError> {
    let text = file::read_text(path, MAX_PLAN)
        .map_err(|why| AppError::invalid(format!("{} can't be read: {why}", path.display())))?;
    serde_json::from_str(&text).map_err(|why| AppError::invalid(format!("{}: {why}", path.display())))
}
