//! Components on disk: a file, or the newest one that a project folder was built into.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use baton_plugin::limits::COMPONENT_CEILING;
use baton_plugin::source::{self, Fetched, Source};

use crate::AppError;

/// What tools and the build itself write, and no author edits.
const IGNORED: [&str; 8] =
    ["target", "node_modules", ".venv", "__pycache__", ".git", ".baton", "wit", "package-lock.json"];

/// Every source file of a project with the moment of its last change.
pub type Files = BTreeMap<PathBuf, SystemTime>;

/// A component by file, project, address or registry name.
///
/// # Errors
/// It can't be read or fetched, or is older than its source.
pub fn fetched(from: &str) -> Result<Fetched, AppError> {
    match Source::parse(from)? {
        Source::Remote(remote) => Ok(source::download(from, remote)?),
        Source::Path(path) => {
            if path.is_dir() {
                is_current(&path)?;
            }
            let (name, bytes) = read(&path)?;
            Ok(Fetched { name, bytes })
        }
    }
}

/// A component by file, or the one that a project folder was built into, with its name.
///
/// # Errors
/// There is none, or it can't be read.
pub fn read(path: &Path) -> Result<(String, Vec<u8>), AppError> {
    let file = if path.is_dir() { newest(path)? } else { path.to_owned() };
    let wrong = |why: &dyn std::fmt::Display| AppError::invalid(format!("{}: {why}", file.display()));
    let found = std::fs::metadata(&file).map_err(|why| wrong(&why))?;
    if !found.is_file() || found.len() > COMPONENT_CEILING {
        return Err(wrong(&format!("expected a file of at most {} MiB", COMPONENT_CEILING >> 20)));
    }
    let bytes = std::fs::read(&file).map_err(|why| wrong(&why))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, bytes))
}

/// A project's component must not be older than its source: it would be another than its author thinks.
fn is_current(project: &Path) -> Result<(), AppError> {
    let component = newest(project)?;
    let built = std::fs::metadata(&component)?.modified()?;
    let newest = files(project)?.into_iter().max_by_key(|(_, changed)| *changed);
    match newest.filter(|(_, changed)| *changed > built) {
        None => Ok(()),
        Some((source, _)) => Err(AppError::invalid(format!(
            "{} is older than {}: baton plugin build {}",
            component.display(),
            source.display(),
            project.display()
        ))),
    }
}

fn newest(folder: &Path) -> Result<PathBuf, AppError> {
    let entries = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let components = entries.filter(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    components.max().ok_or_else(|| {
        let folder = folder.display();
        AppError::invalid(format!("{folder}: no component there; `baton plugin build {folder}` makes one"))
    })
}

/// # Errors
/// A folder can't be read.
pub fn files(project: &Path) -> Result<Files, AppError> {
    let mut found = Files::new();
    let mut folders = vec![project.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|why| AppError::invalid(format!("{} can't be read: {why}", folder.display())))?;
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let is_built =
                path.extension().is_some_and(|extension| extension == "wasm" || extension == "lock");
            if is_built || IGNORED.iter().any(|ignored| name == *ignored) {
                continue;
            }
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(path),
                Ok(of_file) => {
                    found.insert(path, of_file.modified().unwrap_or(SystemTime::UNIX_EPOCH));
                }
                // It was there a moment ago: editors replace files.
                Err(_) => {}
            }
        }
    }
    Ok(found)
}
