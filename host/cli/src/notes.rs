//! `baton notes`: what refusals taught, and which later tasks of a kind are told.

use baton_app::notes::NoteNumber;
use baton_app::operation::{self, NOTE_FORGET};
use baton_app::view::insights::evidence;
use baton_app::view::notes::NoteQuery;

use super::{Done, Global, Outcome, done, screen, shown};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// All notes, those that count most first
    List {
        /// Only for this kind of task
        #[arg(long)]
        kind: Option<String>,
    },
    /// Suppress a note, also if the same refusals occur again
    Forget { note: i64 },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Outcome {
    match verb {
        Verb::List { kind } => list(global, kind.as_deref()),
        Verb::Forget { note } => done(global, &NOTE_FORGET, &NoteNumber { note: *note }, |forgotten| {
            screen::line(&format!("note {} is forgotten", forgotten.note));
        }),
    }
}

fn list(global: &Global, kind: Option<&str>) -> Outcome {
    let query = NoteQuery { kind: kind.map(str::to_owned) };
    shown(global, &operation::NOTES, &query, |notes| {
        if notes.is_empty() {
            screen::line("nothing was learned yet: a note is made when what was refused is accepted later");
        }
        for numbered in notes {
            let note = &numbered.note;
            screen::line(&format!(
                "{} {}: {} ({} tasks, {} refusals, events {})",
                numbered.id,
                note.kind,
                note.text,
                note.tasks,
                note.count,
                evidence(&note.evidence)
            ));
        }
    })?;
    Ok(Done::Well)
}
