//! `baton plugin watch`: builds, tests and installs a project whenever it is saved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use baton_app::package;

use super::super::{Done, Failure, Global, Outcome, screen};
use super::add;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project's folder
    project: PathBuf,
    /// A task's input that it is made for, for the kit: JSON or @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Let it use this, such as process:PROFILE
    #[arg(long)]
    grant: Vec<String>,
    /// Build and test, and install nothing
    #[arg(long)]
    no_add: bool,
}

/// How often the files are looked at. A file is taken when it has not changed between two looks.
const LOOK: Duration = Duration::from_millis(300);

/// What tools and the build itself write, and no author edits.
const IGNORED: [&str; 8] =
    ["target", "node_modules", ".venv", "__pycache__", ".git", ".baton", "wit", "package-lock.json"];

pub(super) type Files = BTreeMap<PathBuf, SystemTime>;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let input = args.input.as_deref().map(super::test::input).transpose()?;
    let mut built = Files::new();
    let mut before = files(&args.project)?;
    loop {
        let now = files(&args.project)?;
        if now == before && now != built {
            // What is saved while it builds is the next change.
            built = now;
            turn(global, args, input.as_ref());
            screen::note("waiting for a change; Ctrl-C ends");
        } else {
            before = now;
        }
        if screen::is_closed() {
            return Ok(Done::Well);
        }
        std::thread::sleep(LOOK);
    }
}

/// Whatever goes wrong is said, and the next change is waited for.
fn turn(global: &Global, args: &Args, input: Option<&serde_json::Value>) {
    if let Err(why) = attempt(global, args, input) {
        screen::error(why.text());
    }
}

fn attempt(global: &Global, args: &Args, input: Option<&serde_json::Value>) -> Result<(), Failure> {
    let component = package::build(&args.project).map_err(Failure::Usage)?;
    let (name, bytes) = super::component(&component)?;
    let findings = super::test::findings(global, &name, &bytes, input)?;
    let failed = findings.iter().filter(|finding| !finding.passed).count();
    if failed > 0 {
        super::test::show(global, &findings);
        return Err(Failure::Refused(format!(
            "{name} breaks {failed} rules of its kind: it is not installed"
        )));
    }
    screen::line(&format!("{name} is built, and keeps all {} rules of its kind", findings.len()));
    if args.no_add {
        return Ok(());
    }
    add::install(global, &name, bytes, &args.grant)
}

/// Every source file with the moment of its last change.
pub(super) fn files(project: &Path) -> Result<Files, Failure> {
    let mut found = Files::new();
    let mut folders = vec![project.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|why| Failure::Usage(format!("{} can't be read: {why}", folder.display())))?;
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
