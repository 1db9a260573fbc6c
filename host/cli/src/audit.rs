//! `baton audit verify|head`: whether the record was tampered with.

use baton_core::id::RunId;
use baton_store::Reader;
use baton_store::chain::{self, Seen, Walk};
use baton_store::check::{self, Extent};
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, target, unreadable};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Walk the hash chain of every run, or of one, and compare the rows that it vouches for
    Verify {
        run: Option<String>,
        /// What `baton audit head` printed before: whether all up to there is still the same
        #[arg(long, value_name = "HEAD", conflicts_with = "run")]
        head: Option<Seen>,
    },
    /// What the record comes to so far, to be kept elsewhere
    Head,
}

#[derive(Serialize)]
struct Finding {
    chains: Vec<Chain>,
    /// Rows that are not what the chains say.
    rows: Vec<String>,
}

#[derive(Serialize)]
struct Chain {
    of: String,
    #[serde(flatten)]
    walk: Walk,
}

impl Finding {
    fn is_sound(&self) -> bool {
        self.rows.is_empty() && self.chains.iter().all(|chain| chain.walk.breaks.is_empty())
    }
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    let conn = global.reader()?;
    match verb {
        Verb::Head => {
            screen::line(&chain::seen(&conn, None).map_err(unreadable)?.to_string());
            Ok(Done::Well)
        }
        Verb::Verify { head: Some(head), .. } => compare(&conn, head),
        Verb::Verify { run, head: None } => verify(global, &conn, run.as_deref()),
    }
}

fn compare(conn: &Reader, kept: Seen) -> Outcome {
    let now = chain::seen(conn, Some(kept.seq)).map_err(unreadable)?;
    if now == kept {
        screen::line(&format!("all up to event {} is what it was", kept.seq));
        return Ok(Done::Well);
    }
    screen::line(&format!(
        "the record was written anew: up to event {} it comes to {now}, expected {kept}",
        kept.seq
    ));
    Ok(Done::Failed)
}

fn verify(global: &Global, conn: &Reader, run: Option<&str>) -> Outcome {
    let (runs, extent) = match run {
        Some(run) => {
            let run = Some(target::run(conn, Some(run))?);
            (vec![run], Extent::Chain(run))
        }
        None => (chain::all(conn).map_err(unreadable)?, Extent::All),
    };
    let chains = runs.into_iter().map(|run| walk(conn, run)).collect::<Result<Vec<_>, _>>()?;
    let finding = Finding { chains, rows: check::sealed(conn, extent).map_err(unreadable)? };
    if global.json {
        screen::json(&finding);
    } else {
        finding.chains.iter().for_each(tell);
        finding.rows.iter().for_each(|row| screen::line(row));
    }
    Ok(if finding.is_sound() { Done::Well } else { Done::Failed })
}

fn walk(conn: &Reader, run: Option<RunId>) -> Result<Chain, Failure> {
    let of = run.map_or_else(|| "host".to_owned(), |run| run.to_string());
    Ok(Chain { of, walk: chain::verify(conn, run).map_err(unreadable)? })
}

fn tell(chain: &Chain) {
    let Chain { of, walk } = chain;
    if walk.breaks.is_empty() {
        screen::line(&format!("{of}: {} events, intact", walk.events));
    }
    walk.breaks.iter().for_each(|found| screen::line(&format!("{of}: {found}")));
}
