//! `baton audit verify|head`: whether the record was tampered with.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::view::audit::{Audit, AuditQuery, Chain, HeadComparison, head_text};

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Walk the hash chain of every run, or of one, and compare the rows that it vouches for
    Verify {
        run: Option<String>,
        /// What `baton audit head` printed before: whether all up to there is still the same
        #[arg(long, value_name = "HEAD", conflicts_with = "run", value_parser = head_text)]
        head: Option<String>,
    },
    /// What the record comes to so far, to be kept elsewhere
    Head,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::Head => head(global),
        Verb::Verify { run, head } => verify(global, AuditQuery { run, head }),
    }
}

fn head(global: &Global) -> Outcome {
    shown(global, &operation::AUDIT_HEAD, &Nothing {}, |found| screen::line(&found.head))?;
    Ok(Done::Well)
}

fn verify(global: &Global, query: AuditQuery) -> Outcome {
    let audit = shown(global, &operation::AUDIT_VERIFY, &query, |audit| match audit {
        Audit::Walked(walked) => {
            walked.chains.iter().for_each(show);
            walked.rows.iter().for_each(|row| screen::line(row));
        }
        Audit::Compared(compared) => screen::line(&said(compared)),
    })?;
    Ok(if audit.is_sound() { Done::Well } else { Done::Failed })
}

fn said(compared: &HeadComparison) -> String {
    let HeadComparison { seq, expected, found } = compared;
    if compared.is_same() {
        return format!("all up to event {seq} is what it was");
    }
    format!("the record was written anew: up to event {seq} it comes to {found}, expected {expected}")
}

fn show(chain: &Chain) {
    let Chain { of, walk } = chain;
    if walk.breaks.is_empty() {
        screen::line(&format!("{of}: {} events, intact", walk.events));
    }
    walk.breaks.iter().for_each(|found| screen::line(&format!("{of}: {found}")));
}
