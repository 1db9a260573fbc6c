//! `baton audit verify`: whether the record was tampered with.

use serde::Serialize;

use super::{Done, Global, Outcome, screen, target, unreadable};
use crate::store::chain::{self, Audit};
use crate::store::read;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Walk the hash chain of every run, or of one
    Verify { run: Option<String> },
}

#[derive(Serialize)]
struct Finding {
    of: String,
    #[serde(flatten)]
    audit: Audit,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    let Verb::Verify { run } = verb;
    let conn = global.reader()?;
    let chains = match run {
        Some(run) => vec![Some(target::run(&conn, Some(&run))?)],
        None => {
            let runs = read::runs(&conn).map_err(unreadable)?;
            std::iter::once(None).chain(runs.into_iter().map(|run| Some(run.id))).collect()
        }
    };
    let mut findings = Vec::new();
    for run in chains {
        let of = run.map_or_else(|| "host".to_owned(), |run| run.to_string());
        findings.push(Finding { of, audit: chain::verify(&conn, run).map_err(unreadable)? });
    }
    if global.json {
        screen::json(&findings);
    } else {
        findings.iter().for_each(tell);
    }
    let sound = findings.iter().all(|finding| matches!(finding.audit, Audit::Intact { .. }));
    Ok(if sound { Done::Well } else { Done::Failed })
}

fn tell(finding: &Finding) {
    let Finding { of, audit } = finding;
    screen::line(&match audit {
        Audit::Intact { events } => format!("{of}: {events} events, intact"),
        Audit::Altered { seq, kind } => format!("{of}: altered at event {seq} ({kind})"),
        Audit::Truncated { last, expected } => {
            format!("{of}: cut off after event {last}, expected {expected}")
        }
    });
}
