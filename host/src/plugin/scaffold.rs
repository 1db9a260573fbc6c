//! `baton plugin new`: a project that builds as it is.

use std::fs;
use std::path::Path;

use super::Kind;
use super::package::Language;

const TYPES: &str = include_str!("../../../wit/types/types.wit");
const HOST: &str = include_str!("../../../wit/host/host.wit");

fn contract(kind: Kind) -> &'static str {
    match kind {
        Kind::Router => include_str!("../../../wit/router/router.wit"),
        Kind::Executor => include_str!("../../../wit/executor/executor.wit"),
        Kind::Validator => include_str!("../../../wit/validator/validator.wit"),
        Kind::Agent => include_str!("../../../wit/agent/agent.wit"),
    }
}

/// Writes the contract of a kind as the public tools want it: the world's package on top, the others under `deps`.
///
/// # Errors
/// Which file can't be written.
pub fn write_wit(project: &Path, kind: Kind) -> Result<(), String> {
    write(project, &format!("wit/{kind}.wit"), contract(kind))?;
    write(project, "wit/deps/types/types.wit", TYPES)?;
    write(project, "wit/deps/host/host.wit", HOST)
}

fn write(project: &Path, file: &str, content: &str) -> Result<(), String> {
    let path = project.join(file);
    let folder = path.parent().unwrap_or(project);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, content))
        .map_err(|why| format!("{}: {why}", path.display()))
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

/// Writes a new project into a folder that must not exist yet. `sdk` is where a Rust project finds `baton-sdk`.
///
/// # Errors
/// The folder exists, or a file can't be written.
pub fn new(project: &Path, kind: Kind, name: &str, language: Language, sdk: &str) -> Result<(), String> {
    if project.exists() {
        return Err(format!("{} exists already", project.display()));
    }
    let fill = |template: &str| template.replace("{{name}}", name).replace("{{sdk}}", sdk);
    let source = match language {
        Language::Rust => "src/lib.rs".to_owned(),
        Language::JavaScript => format!("{kind}.js"),
        Language::Python => format!("{kind}.py"),
    };
    write(project, &source, &fill(template(language, kind)))?;
    let (manifest, content) = manifest(language);
    write(project, manifest, &fill(content))?;
    write(project, ".gitignore", "/target\nnode_modules\n.venv\n*.wasm\n")?;
    match language {
        Language::Rust => Ok(()),
        Language::JavaScript | Language::Python => write_wit(project, kind),
    }
}
