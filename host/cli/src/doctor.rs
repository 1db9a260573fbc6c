//! `baton doctor`: looks at everything that a run needs from this machine, and names the remedy for what is missing.

mod agents;
mod configuration;
mod confinement;
mod git;
mod store;

use std::path::PathBuf;

use baton_app::config::Config;
use baton_core::size::Size;
use serde::Serialize;

use super::{Done, Global, Outcome, library_of, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder, or the plan, whose configuration is looked at
    #[arg(default_value = ".")]
    near: PathBuf,
    /// Warn when less than this is free where the store is
    #[arg(long, default_value = "1GiB", value_name = "SIZE")]
    min_free: Size,
}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
struct Check {
    about: &'static str,
    subject: String,
    #[serde(flatten)]
    finding: Finding,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "finding")]
enum Finding {
    Good {
        what: String,
    },
    /// Runs go on, though not as well as they could, or not all of them.
    Warning {
        what: String,
        remedy: String,
    },
    /// Runs fail, or do not begin.
    Fault {
        what: String,
        remedy: String,
    },
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self::Good { what: what.into() }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Warning { what: what.into(), remedy: remedy.into() }
    }

    fn fault(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Fault { what: what.into(), remedy: remedy.into() }
    }
}

fn check(about: &'static str, subject: impl Into<String>, finding: Finding) -> Check {
    Check { about, subject: subject.into(), finding }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let mut checks = Vec::new();
    match global.config(&args.near) {
        Err(why) => checks.push(configuration::unreadable(&why)),
        Ok(config) => {
            checks.push(configuration::found(&config));
            let installed = configuration::installed(&config);
            let library = library_of(&config, &installed);
            match &library {
                Ok(library) => checks.extend(configuration::plugins(&config, library, &installed)),
                Err(why) => checks.push(configuration::no_library(why)),
            }
            checks.extend(configuration::programs(&config));
            checks.extend(confinement::programs(&config));
            checks.extend(confinement::lifted(&config));
            checks.extend(configuration::services(&config));
            checks.extend(library.iter().flat_map(|library| agents::healths(&config, library)));
            checks.extend(git::repository(&config)?);
            checks.extend(everything_of_the_store(&config, args));
        }
    }
    if global.json {
        screen::json(&checks);
    } else {
        checks.iter().filter(|check| !global.quiet || !check.is_good()).for_each(show);
    }
    let faults = checks.iter().filter(|check| matches!(check.finding, Finding::Fault { .. })).count();
    Ok(if faults == 0 { Done::Well } else { Done::Failed })
}

fn everything_of_the_store(config: &Config, args: &Args) -> Vec<Check> {
    vec![
        store::folder(&config.store),
        store::cache(),
        store::disk(&config.store, args.min_free),
        store::socket(&config.store),
        store::database(&config.store),
        store::clock(&config.store),
    ]
}

impl Check {
    fn is_good(&self) -> bool {
        matches!(self.finding, Finding::Good { .. })
    }
}

fn show(check: &Check) {
    let place = format!("{} {}", check.about, check.subject);
    match &check.finding {
        Finding::Good { what } => screen::line(&format!("ok    {}: {what}", place.trim_end())),
        Finding::Warning { what, remedy } => {
            screen::line(&format!("warn  {}: {what}", place.trim_end()));
            screen::line(&format!("      → {remedy}"));
        }
        Finding::Fault { what, remedy } => {
            screen::line(&format!("FAULT {}: {what}", place.trim_end()));
            screen::line(&format!("      → {remedy}"));
        }
    }
}
