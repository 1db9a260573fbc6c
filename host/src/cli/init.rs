//! `baton init`: a commented baton.toml and an example plan.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Done, Failure, Global, Outcome, screen};
use crate::config::{NAME, TEMPLATE};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const PLAN: &str = include_str!("../config/plan.json");

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    fs::create_dir_all(&args.folder)?;
    let files = [(args.folder.join(NAME), TEMPLATE), (args.folder.join("plan.json"), PLAN)];
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(Failure::Usage(format!("{} exists already", file.display())));
    }
    for (file, content) in &files {
        fs::write(file, content)?;
        if !global.quiet {
            screen::line(&format!("wrote {}", file.display()));
        }
    }
    if !global.quiet {
        let plan = Path::new(&args.folder).join("plan.json");
        screen::line(&format!("next: baton run {}", plan.display()));
    }
    Ok(Done::Well)
}
