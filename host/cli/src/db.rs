//! `baton db check|backup|restore`: looking after the store.

use std::path::PathBuf;

use baton_store::{Lock, backup, check};

use super::{Done, Global, Outcome, screen, unreadable};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Whether rows, counters, record and SQLite's own structures agree
    Check,
    /// Copy the store and its installed plugins into a file, also while a host runs
    Backup { to: PathBuf },
    /// Put a copy in the store's place; what was there is kept beside it
    Restore { from: PathBuf },
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    let (_, home) = global.here()?;
    match verb {
        Verb::Check => {
            let conn = global.reader()?;
            let mut wrong = check::check(&conn).map_err(unreadable)?;
            wrong.extend(check::rested(&home, &conn).map_err(unreadable)?);
            if global.json {
                screen::json(&wrong);
            } else if wrong.is_empty() {
                screen::line("sound");
            } else {
                wrong.iter().for_each(|line| screen::line(line));
            }
            Ok(if wrong.is_empty() { Done::Well } else { Done::Failed })
        }
        Verb::Backup { to } => {
            backup::backup(&home, &global.reader()?, &to)?;
            screen::line(&format!("copied to {}", to.display()));
            Ok(Done::Well)
        }
        Verb::Restore { from } => {
            let lock = Lock::take(&home)?;
            backup::restore(&home, &from, &lock)?;
            screen::line(&format!("restored from {}", from.display()));
            screen::note(
                "tasks that were done after that copy was made are carried out again: cancel them if they are not to be",
            );
            Ok(Done::Well)
        }
    }
}
