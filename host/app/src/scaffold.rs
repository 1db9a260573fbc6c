//! `baton plugin new`: a project that builds as it is.

use std::fs;
use std::path::Path;

use baton_core::kind::Kind;

use crate::AppError;
use crate::package::Language;

/// A file of the contract by its path below `wit/`.
fn wit(path: &str) -> &'static str {
    let whole = format!("wit/{path}");
    baton_bundled::CONTRACT.iter().find(|file| file.path == whole).map_or("", |file| file.text)
}

/// The contract of a kind as the public tools want it: the world's package on top, the others under `deps`. Paths are
/// relative to a folder `wit`.
#[must_use]
pub fn contract(kind: Kind) -> [(String, &'static str); 3] {
    [
        (format!("{kind}.wit"), wit(&format!("{kind}/{kind}.wit"))),
        ("deps/types/types.wit".to_owned(), wit("types/types.wit")),
        ("deps/host/host.wit".to_owned(), wit("host/host.wit")),
    ]
}

/// Writes the contract of a kind into a project.
///
/// # Errors
/// Which file can't be written.
pub fn write_wit(project: &Path, kind: Kind) -> Result<(), AppError> {
    contract(kind).into_iter().try_for_each(|(file, text)| write(project, &format!("wit/{file}"), text))
}

/// Writes the SDK of this version into a project: a crate that needs nothing of this repository.
///
/// # Errors
/// Which file can't be written.
fn write_sdk(project: &Path) -> Result<(), AppError> {
    for file in baton_bundled::SDK {
        let Some(path) = file.path.strip_prefix("plugins/sdk/") else { continue };
        let standalone = (path == "Cargo.toml").then(|| standalone(file.text)).transpose()?;
        write(project, &format!("sdk/{path}"), standalone.as_deref().unwrap_or(file.text))?;
    }
    Ok(())
}

/// A manifest without what it takes over from this repository's workspace.
fn standalone(manifest: &str) -> Result<String, AppError> {
    let broken = |why: &dyn std::fmt::Display| {
        AppError::invalid(format!("the SDK that this binary carries is broken: {why}"))
    };
    let mut manifest: toml::Table = manifest.parse().map_err(|why| broken(&why))?;
    let workspace: toml::Table = baton_bundled::WORKSPACE.parse().map_err(|why| broken(&why))?;
    let workspace =
        workspace.get("workspace").and_then(toml::Value::as_table).ok_or_else(|| broken(&"[workspace]"))?;
    let shared = |table: &str, key: &str| workspace.get(table)?.get(key).cloned();
    manifest.remove("lints");
    let inherits = |value: &toml::Value| value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    for (table, from) in [("package", "package"), ("dependencies", "dependencies")] {
        let Some(entries) = manifest.get_mut(table).and_then(toml::Value::as_table_mut) else { continue };
        for (key, value) in entries.iter_mut().filter(|(_, value)| inherits(value)) {
            let mut own = shared(from, key).ok_or_else(|| broken(key))?;
            if let Some(features) = value.get("features") {
                let version = if own.is_str() {
                    own
                } else {
                    own.get("version").cloned().unwrap_or_else(|| "*".into())
                };
                own = toml::Table::from_iter([
                    ("version".to_owned(), version),
                    ("features".to_owned(), features.clone()),
                ])
                .into();
            }
            *value = own;
        }
    }
    toml::to_string(&manifest).map_err(|why| broken(&why))
}

fn write(project: &Path, file: &str, content: &str) -> Result<(), AppError> {
    let path = project.join(file);
    let folder = path.parent().unwrap_or(project);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, content))
        .map_err(|why| AppError::at(&path, why))
}

/// The plugin's source.
fn template(language: Language, kind: Kind) -> &'static str {
    match (language, kind) {
        (Language::Rust, Kind::Router) => include_str!("scaffold/rust/router.rs.txt"),
        (Language::Rust, Kind::Executor) => include_str!("scaffold/rust/executor.rs.txt"),
        (Language::Rust, Kind::Validator) => include_str!("scaffold/rust/validator.rs.txt"),
        (Language::Rust, Kind::Agent) => include_str!("scaffold/rust/agent.rs.txt"),
        (Language::JavaScript, Kind::Router) => include_str!("scaffold/js/router.js.txt"),
        (Language::JavaScript, Kind::Executor) => include_str!("scaffold/js/executor.js.txt"),
        (Language::JavaScript, Kind::Validator) => include_str!("scaffold/js/validator.js.txt"),
        (Language::JavaScript, Kind::Agent) => include_str!("scaffold/js/agent.js.txt"),
        (Language::Python, Kind::Router) => include_str!("scaffold/python/router.py.txt"),
        (Language::Python, Kind::Executor) => include_str!("scaffold/python/executor.py.txt"),
        (Language::Python, Kind::Validator) => include_str!("scaffold/python/validator.py.txt"),
        (Language::Python, Kind::Agent) => include_str!("scaffold/python/agent.py.txt"),
    }
}

/// What its language's tools want beside it.
fn manifest(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Rust => ("Cargo.toml", include_str!("scaffold/rust/Cargo.toml.txt")),
        Language::JavaScript => ("package.json", include_str!("scaffold/js/package.json.txt")),
        Language::Python => ("requirements.txt", include_str!("scaffold/python/requirements.txt")),
    }
}

/// What cargo, npm and the store take for a name.
fn check_name(name: &str) -> Result<(), AppError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_plain)
        && !name.ends_with('-')
    {
        return Ok(());
    }
    Err(AppError::invalid(format!(
        "expected a name of small letters, digits and dashes that begins with a letter, not {name:?}"
    )))
}

/// Writes a new project into a folder that must not exist yet. A Rust project brings the SDK along, unless it is told
/// where one is.
///
/// # Errors
/// The name is none, the folder exists, or a file can't be written.
pub fn new(project: &Path, kind: Kind, language: Language, sdk: Option<&str>) -> Result<(), AppError> {
    let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
    check_name(&name)?;
    if project.exists() {
        return Err(AppError::invalid(format!("{} exists already", project.display())));
    }
    let fill = |template: &str| template.replace("{{name}}", &name).replace("{{sdk}}", sdk.unwrap_or("sdk"));
    let source = match language {
        Language::Rust => "src/lib.rs".to_owned(),
        Language::JavaScript => format!("{kind}.js"),
        Language::Python => format!("{kind}.py"),
    };
    write(project, &source, &fill(template(language, kind)))?;
    let (manifest, content) = manifest(language);
    write(project, manifest, &fill(content))?;
    write(project, ".gitignore", "/target\nnode_modules\n.venv\n__pycache__\n*.wasm\n")?;
    match (language, sdk) {
        (Language::Rust, None) => write_sdk(project),
        (Language::Rust, Some(_)) => Ok(()),
        (Language::JavaScript | Language::Python, _) => write_wit(project, kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_that_is_written_stands_alone() {
        let manifest = baton_bundled::SDK.iter().find(|file| file.path == "plugins/sdk/Cargo.toml").unwrap();
        let written = standalone(manifest.text).unwrap();
        assert!(!written.contains("workspace"), "{written}");
        for needed in ["serde_json", "wit-bindgen", "dlmalloc", "edition = \"2024\"", "raw_value"] {
            assert!(written.contains(needed), "{needed}: {written}");
        }
    }

    #[test]
    fn names_are_those_that_every_tool_takes() {
        assert!(check_name("my-router2").is_ok());
        for wrong in ["", "Bad", "1abc", "a b", "../x", "a-", "-a", "é"] {
            assert!(matches!(check_name(wrong), Err(AppError::Invalid { .. })), "{wrong:?}");
        }
    }
}
