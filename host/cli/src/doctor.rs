//! `baton doctor`: looks at everything that a run needs from this machine, and names the remedy for what is missing.

use std::path::PathBuf;

use baton_app::doctor::{self, Condition, Diagnosis, DoctorQuery};
use baton_app::{App, operation};
use baton_core::size::Size;

use super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder, or the plan, whose configuration is looked at
    #[arg(default_value = ".")]
    near: PathBuf,
    /// Warn when less than this is free where the store is
    #[arg(long, default_value = "1GiB", value_name = "SIZE")]
    min_free: Size,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let found = match global.config(&args.near) {
        Ok(config) => App::new(config).call(&operation::DOCTOR, &DoctorQuery { min_free: args.min_free })?,
        Err(why) => vec![doctor::unreadable(why.text())],
    };
    if global.json {
        screen::json(&found);
    } else {
        found.iter().filter(|one| !global.quiet || !one.is_good()).for_each(show);
    }
    Ok(if found.iter().any(Diagnosis::is_fault) { Done::Failed } else { Done::Well })
}

fn show(diagnosis: &Diagnosis) {
    let place = format!("{} {}", diagnosis.about, diagnosis.subject);
    match &diagnosis.condition {
        Condition::Good { what } => screen::line(&format!("ok    {}: {what}", place.trim_end())),
        Condition::Warning { what, remedy } => {
            screen::line(&format!("warn  {}: {what}", place.trim_end()));
            screen::line(&format!("      → {remedy}"));
        }
        Condition::Fault { what, remedy } => {
            screen::line(&format!("FAULT {}: {what}", place.trim_end()));
            screen::line(&format!("      → {remedy}"));
        }
    }
}
