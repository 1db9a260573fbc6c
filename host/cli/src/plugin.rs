//! `baton plugin`: making, checking, installing and looking at plugins.

mod add;
mod check;
mod list;
mod test;
mod watch;

use std::path::{Path, PathBuf};

use baton_app::package::{self, Language};
use baton_app::scaffold;
use baton_core::kind::Kind;

use super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Write a new plugin's project, which builds as it is
    New {
        kind: Kind,
        name: String,
        #[arg(long, value_enum, default_value_t = Lang::Rust)]
        lang: Lang,
        /// Where a Rust project finds the crate baton-sdk [default: it is written into the project]
        #[arg(long, env = "BATON_SDK")]
        sdk: Option<String>,
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
    Test(test::Args),
    /// Build, test and install a project whenever it is saved
    Watch(watch::Args),
    /// Print the contract of a kind, or write it as the public tools want it
    Wit {
        kind: Kind,
        /// Write it into this folder
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
    },
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
        Verb::New { kind, name, lang, sdk } => new(kind, &name, lang, sdk.as_deref()),
        Verb::Build { project } => {
            let built = package::build(&project)?;
            screen::line(&built.display().to_string());
            Ok(Done::Well)
        }
        Verb::Check { plugin, grant } => check::run(global, &plugin, &grant),
        Verb::Test(args) => test::run(global, &args),
        Verb::Watch(args) => watch::run(global, &args),
        Verb::Wit { kind, write } => wit(kind, write.as_deref()),
        Verb::Add(args) => add::run(global, &args),
        Verb::List => list::all(global),
        Verb::Inspect { plugin } => list::one(global, &plugin),
        Verb::Limits { plugin } => list::limits(global, plugin.as_deref()),
        Verb::Remove { name } => add::remove(global, &name),
    }
}

fn new(kind: Kind, name: &str, lang: Lang, sdk: Option<&str>) -> Outcome {
    let language = match lang {
        Lang::Rust => Language::Rust,
        Lang::Js => Language::JavaScript,
        Lang::Python => Language::Python,
    };
    scaffold::new(Path::new(name), kind, language, sdk)?;
    screen::line(&format!("wrote {name}; next: baton plugin build {name}"));
    Ok(Done::Well)
}

fn wit(kind: Kind, folder: Option<&Path>) -> Outcome {
    for (file, text) in scaffold::contract(kind) {
        match folder {
            None => screen::block(text.trim_end()),
            Some(folder) => {
                let path = folder.join(&file);
                std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
                std::fs::write(&path, text)?;
                screen::line(&format!("wrote {}", path.display()));
            }
        }
    }
    Ok(Done::Well)
}

/// A component by file, or the one that a project folder was built into.
fn component(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    Ok(baton_app::plugins::component::read(path)?)
}
