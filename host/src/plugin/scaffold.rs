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

/// Writes a new project into a folder that must not exist yet. `sdk` is where a Rust project finds `baton-sdk`.
///
/// # Errors
/// The folder exists, the kind is not offered in this language, or a file can't be written.
pub fn new(project: &Path, kind: Kind, name: &str, language: Language, sdk: &str) -> Result<(), String> {
    if project.exists() {
        return Err(format!("{} exists already", project.display()));
    }
    let fill = |template: &str| template.replace("{{name}}", name).replace("{{sdk}}", sdk);
    let files: &[(&str, &str)] = match (language, kind) {
        (Language::Rust, Kind::Router) => &[
            ("Cargo.toml", include_str!("scaffold/rust/Cargo.toml.txt")),
            ("src/lib.rs", include_str!("scaffold/rust/router.rs.txt")),
        ],
        (Language::Rust, Kind::Executor) => &[
            ("Cargo.toml", include_str!("scaffold/rust/Cargo.toml.txt")),
            ("src/lib.rs", include_str!("scaffold/rust/executor.rs.txt")),
        ],
        (Language::Rust, Kind::Validator) => &[
            ("Cargo.toml", include_str!("scaffold/rust/Cargo.toml.txt")),
            ("src/lib.rs", include_str!("scaffold/rust/validator.rs.txt")),
        ],
        (Language::Rust, Kind::Agent) => &[
            ("Cargo.toml", include_str!("scaffold/rust/Cargo.toml.txt")),
            ("src/lib.rs", include_str!("scaffold/rust/agent.rs.txt")),
        ],
        (Language::JavaScript, Kind::Router) => &[
            ("package.json", include_str!("scaffold/js/package.json.txt")),
            ("router.js", include_str!("scaffold/js/router.js.txt")),
        ],
        (Language::Python, Kind::Router) => &[
            ("requirements.txt", include_str!("scaffold/python/requirements.txt")),
            ("router.py", include_str!("scaffold/python/router.py.txt")),
        ],
        (Language::JavaScript | Language::Python, Kind::Executor | Kind::Validator | Kind::Agent) => {
            return Err(format!(
                "there is no template for a {kind} in this language yet: --lang rust has one"
            ));
        }
    };
    for (file, template) in files {
        write(project, file, &fill(template))?;
    }
    write(project, ".gitignore", "/target\nnode_modules\n.venv\n*.wasm\n")?;
    match language {
        Language::Rust => Ok(()),
        Language::JavaScript | Language::Python => write_wit(project, kind),
    }
}
