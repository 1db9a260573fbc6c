//! From a core module to a component, with the encoder that authors would otherwise have to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use baton_core::kind::Kind;

use crate::AppError;

/// Wraps a module that was built against our WIT into a component.
///
/// # Errors
/// What the encoder found wrong.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, AppError> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|why| AppError::invalid(format!("{why:#}")))
}

/// What a project folder is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `Cargo.toml`; built with cargo.
    Rust,
    /// `package.json`; built with componentize-js.
    JavaScript,
    /// `requirements.txt`; built with componentize-py.
    Python,
}

impl Language {
    /// By the files of the folder.
    ///
    /// # Errors
    /// The folder holds none of the files by which a language is known.
    pub fn of(project: &Path) -> Result<Self, AppError> {
        let has = |file: &str| project.join(file).is_file();
        if has("Cargo.toml") {
            Ok(Self::Rust)
        } else if has("package.json") {
            Ok(Self::JavaScript)
        } else if has("requirements.txt") {
            Ok(Self::Python)
        } else {
            Err(AppError::invalid(format!(
                "{}: expected Cargo.toml, package.json or requirements.txt",
                project.display()
            )))
        }
    }
}

/// Builds a project into `<name>.wasm` beside its sources, with its language's public tools.
///
/// # Errors
/// Which tool is missing, or its error message.
pub fn build(project: &Path) -> Result<PathBuf, AppError> {
    match Language::of(project)? {
        Language::Rust => rust(project),
        Language::JavaScript => javascript(project),
        Language::Python => python(project),
    }
}

/// A heap that is there from the start: growing one at each call changes the memory map, which halts every thread of the
/// host for a moment.
const HEAP: &str = "target.wasm32-unknown-unknown.rustflags=['-Clink-arg=--initial-heap=1048576']";

const TARGET: &str = "wasm32-unknown-unknown";

/// The compiler's target for plugins is fetched where it is missing, before anything is compiled.
fn require_target(project: &Path) -> Result<(), AppError> {
    let missing_rust = |why: std::io::Error| missing("rustc", why, "install Rust with rustup");
    let asked = Command::new("rustc")
        .current_dir(project)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let folder = String::from_utf8_lossy(&asked.map_err(missing_rust)?.stdout).trim().to_owned();
    if Path::new(&folder).is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .current_dir(project)
        .args(["target", "add", TARGET])
        .stdout(std::io::stderr())
        .status();
    if added.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(AppError::invalid(format!(
        "this Rust toolchain lacks the target of plugins, and rustup could not add it; type: rustup target add {TARGET}"
    )))
}

fn rust(project: &Path) -> Result<PathBuf, AppError> {
    require_target(project)?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(project).args([
        "build",
        "--release",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
        "--config",
        HEAP,
    ]);
    let output = cargo
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|why| missing("cargo", why, "install Rust with rustup"))?;
    if !output.status.success() {
        return Err(AppError::invalid("cargo could not build it: the compiler says above why"));
    }
    let module = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| Some(message.get("filenames")?.as_array()?.clone()))
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        .ok_or_else(|| {
            AppError::invalid("cargo built no .wasm: the crate needs [lib] crate-type = [\"cdylib\"]")
        })?;
    let bytes = std::fs::read(&module).map_err(|why| AppError::at(&module, why))?;
    let stem = module.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
    let target = project.join(format!("{stem}.wasm"));
    std::fs::write(&target, encode(&bytes)?).map_err(|why| AppError::at(&target, why))?;
    Ok(target)
}

fn name_of(project: &Path) -> String {
    let whole = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn javascript(project: &Path) -> Result<PathBuf, AppError> {
    let tool = "node_modules/.bin/componentize-js";
    if !project.join(tool).exists() {
        let install = if project.join("package-lock.json").exists() { "ci" } else { "install" };
        run(project, "npm", &[install, "--no-audit", "--no-fund"], "install Node.js 20 or newer, with npm")?;
    }
    let (kind, source) = source(project, "js")?;
    super::scaffold::write_wit(project, kind)?;
    let target = format!("{}.wasm", name_of(project));
    let mut args = vec![source.as_str(), "--wit", "wit", "--world-name", kind.as_str(), "--disable"];
    args.extend(["stdio", "random", "clocks", "http", "fetch-event", "--out", &target]);
    run(project, tool, &args, "run npm install")?;
    Ok(project.join(target))
}

fn python(project: &Path) -> Result<PathBuf, AppError> {
    let tool = ".venv/bin/componentize-py";
    if !project.join(tool).exists() {
        run(project, "python3", &["-m", "venv", ".venv"], "install Python 3.10 or newer, with venv")?;
        run(
            project,
            ".venv/bin/pip",
            &["install", "--quiet", "-r", "requirements.txt"],
            "see what pip says",
        )?;
    }
    let (kind, source) = source(project, "py")?;
    super::scaffold::write_wit(project, kind)?;
    let target = format!("{}.wasm", name_of(project));
    let module = source.trim_end_matches(".py");
    let mut args = vec!["--wit-path", "wit", "--world", kind.as_str(), "componentize", "--stub-wasi"];
    args.extend(["--python-path", ".", module, "--output", &target]);
    run(project, tool, &args, "run pip install -r requirements.txt in .venv")?;
    Ok(project.join(target))
}

/// The main source file, by whose name the kind is known: `router.js`, `validator.py`.
fn source(project: &Path, extension: &str) -> Result<(Kind, String), AppError> {
    let named = Kind::ALL.map(|kind| (kind, format!("{kind}.{extension}")));
    let found = named.iter().find(|(_, name)| project.join(name).is_file()).cloned();
    found.ok_or_else(|| {
        let expected: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
        AppError::invalid(format!("{}: expected one of {}", project.display(), expected.join(", ")))
    })
}

fn missing(tool: &str, why: std::io::Error, remedy: &str) -> AppError {
    AppError::Invalid { what: format!("{tool} can't be started: {why}; {remedy}"), source: Some(why.into()) }
}

fn run(project: &Path, tool: &str, args: &[&str], remedy: &str) -> Result<(), AppError> {
    let program = if tool.contains('/') { project.join(tool) } else { PathBuf::from(tool) };
    let program = std::path::absolute(&program).ok().filter(|_| tool.contains('/')).unwrap_or(program);
    let status = Command::new(program)
        .current_dir(project)
        .args(args)
        .stdout(std::io::stderr())
        .status()
        .map_err(|why| missing(tool, why, remedy))?;
    if status.success() {
        return Ok(());
    }
    Err(AppError::invalid(format!("{tool} {} failed ({status})", args.join(" "))))
}
