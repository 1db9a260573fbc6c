//! `baton plugin`: making, checking, installing and looking at plugins.

mod add;
mod check;
mod list;
mod test;

use std::path::{Path, PathBuf};

use super::{Done, Failure, Global, Outcome, screen};
use crate::plugin::Kind;
use crate::plugin::package::{self, Language};
use crate::plugin::scaffold;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Write a new plugin's project, which builds as it is
    New {
        kind: Kind,
        name: String,
        #[arg(long, value_enum, default_value_t = Lang::Rust)]
        lang: Lang,
        /// Where a Rust project finds the crate baton-sdk
        #[arg(long, env = "BATON_SDK", default_value = "../plugins/sdk")]
        sdk: String,
    },
    /// Build a project into a component
    Build { project: PathBuf },
    /// What a component is, what it asks for, and whether it could be loaded
    Check {
        plugin: PathBuf,
        /// As if it had been granted this
        #[arg(long)]
        grant: Vec<String>,
    },
    /// Hold a component against the rules of its kind
    Test { plugin: PathBuf },
    /// Install a component by its digest, and grant what it asks for
    Add(add::Args),
    /// All that are bundled or installed
    List,
    /// One of them: digest, contract, imports, grants
    Inspect { plugin: String },
    /// What one call of each plugin may use
    Limits { plugin: Option<String> },
    /// Uninstall one
    Remove { name: String },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Lang {
    Rust,
    Js,
    Python,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::New { kind, name, lang, sdk } => new(kind, &name, lang, &sdk),
        Verb::Build { project } => {
            let built = package::build(&project).map_err(Failure::Usage)?;
            screen::line(&built.display().to_string());
            Ok(Done::Well)
        }
        Verb::Check { plugin, grant } => check::run(global, &plugin, &grant),
        Verb::Test { plugin } => test::run(global, &plugin),
        Verb::Add(args) => add::run(global, &args),
        Verb::List => list::all(global),
        Verb::Inspect { plugin } => list::one(global, &plugin),
        Verb::Limits { plugin } => list::limits(global, plugin.as_deref()),
        Verb::Remove { name } => add::remove(global, &name),
    }
}

fn new(kind: Kind, name: &str, lang: Lang, sdk: &str) -> Outcome {
    let language = match lang {
        Lang::Rust => Language::Rust,
        Lang::Js => Language::JavaScript,
        Lang::Python => Language::Python,
    };
    let folder = Path::new(name);
    let crate_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    scaffold::new(folder, kind, &crate_name, language, sdk).map_err(Failure::Usage)?;
    screen::line(&format!("wrote {name}; next: baton plugin build {name}"));
    Ok(Done::Well)
}

/// A component by file, or the one that a project folder was built into.
fn component(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let file = if path.is_dir() { newest(path)? } else { path.to_owned() };
    let bytes = std::fs::read(&file).map_err(|why| Failure::Usage(format!("{}: {why}", file.display())))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, bytes))
}

fn newest(folder: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|file| file.extension().is_some_and(|extension| extension == "wasm")).max().ok_or_else(
        || {
            Failure::Usage(format!(
                "{}: no component there; `baton plugin build {}` makes one",
                folder.display(),
                folder.display()
            ))
        },
    )
}
