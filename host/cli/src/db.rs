//! `baton db check|backup|restore`: looking after the store.

use std::path::PathBuf;

use baton_app::db::{self, Backup};
use baton_app::operation;
use baton_app::runs::Nothing;

use super::{Done, Global, Outcome, screen, shown};

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
    match verb {
        Verb::Check => {
            let wrong = shown(global, &operation::DB_CHECK, &Nothing {}, |wrong| {
                if wrong.is_empty() {
                    screen::line("sound");
                }
                wrong.iter().for_each(|line| screen::line(line));
            })?;
            Ok(if wrong.is_empty() { Done::Well } else { Done::Failed })
        }
        Verb::Backup { to } => {
            shown(global, &operation::DB_BACKUP, &Backup { to }, |copied| {
                screen::line(&format!("copied to {}", copied.to.display()));
            })?;
            Ok(Done::Well)
        }
        Verb::Restore { from } => {
            db::restore(&global.app()?, &from)?;
            screen::line(&format!("restored from {}", from.display()));
            screen::note(
                "tasks that were done after that copy was made are carried out again: cancel them if they are not to be",
            );
            Ok(Done::Well)
        }
    }
}
