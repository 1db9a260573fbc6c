//! Whether the record was tampered with.

use baton_core::id::RunId;
use baton_store::Reader;
use baton_store::chain::{self, NotSeen, Seen, Walk};
use baton_store::check::{self, Extent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runs::Nothing;
use crate::{App, AppError, target};

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only the chain of this run, such as `r2`; without it all, and all rows that they vouch for.
    pub run: Option<String>,
    /// A head that was kept: in place of a walk the record is compared with it.
    pub head: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Audit {
    /// By walking the chains.
    Walked(ChainAudit),
    /// By comparing the record with a head that was kept.
    Compared(HeadComparison),
}

/// What the walks along the chains found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChainAudit {
    /// Of the host, and of each run.
    pub chains: Vec<Chain>,
    /// Rows that are not what the chains say.
    pub rows: Vec<String>,
}

/// What a walk along one chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Chain {
    /// A run's number, or `host`.
    pub of: String,
    /// Events, and where they are not what was written.
    #[serde(flatten)]
    pub walk: Walk,
}

/// A digest of the whole record so far, to be kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditHead {
    /// Such as `812-1f0c…`: the newest event and the digest.
    pub head: String,
}

/// Whether all up to an event is still what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeadComparison {
    /// The newest event of the head that was kept.
    pub seq: i64,
    /// The head that was kept.
    pub expected: String,
    /// The digest of the record up to that event.
    pub found: String,
}

/// A head that was kept, as it is written in a query.
///
/// # Errors
/// The text is no head.
pub fn head_text(text: &str) -> Result<String, AppError> {
    Ok(text.parse::<Seen>().map_err(not_a_head)?.to_string())
}

/// Walks the chains and compares the rows that they vouch for, or compares the record with a head that was kept.
///
/// # Errors
/// There is no such run, or the text is no head; the store can't be read.
pub(crate) fn audit(app: &App, query: &AuditQuery) -> Result<Audit, AppError> {
    let reader = &app.reader()?;
    match &query.head {
        Some(head) => compare(reader, head).map(Audit::Compared),
        None => walk_all(reader, query.run.as_deref()).map(Audit::Walked),
    }
}

fn walk_all(reader: &Reader, run: Option<&str>) -> Result<ChainAudit, AppError> {
    let (runs, extent) = match target::only_run(reader, run)? {
        Some(run) => (vec![Some(run)], Extent::Chain(Some(run))),
        None => (chain::all(reader).map_err(AppError::unreadable)?, Extent::All),
    };
    let chains = runs.into_iter().map(|run| walk(reader, run)).collect::<Result<_, _>>()?;
    Ok(ChainAudit { chains, rows: check::sealed(reader, extent).map_err(AppError::unreadable)? })
}

/// The digest of the record so far.
///
/// # Errors
/// The store can't be read.
pub(crate) fn head(app: &App, _: &Nothing) -> Result<AuditHead, AppError> {
    let head = chain::seen(&app.reader()?, None).map_err(AppError::unreadable)?.to_string();
    Ok(AuditHead { head })
}

fn compare(reader: &Reader, head: &str) -> Result<HeadComparison, AppError> {
    let kept: Seen = head.parse().map_err(not_a_head)?;
    let found = chain::seen(reader, Some(kept.seq)).map_err(AppError::unreadable)?;
    Ok(HeadComparison { seq: kept.seq, expected: kept.to_string(), found: found.to_string() })
}

fn not_a_head(why: NotSeen) -> AppError {
    AppError::Invalid { what: why.to_string(), source: Some(why.into()) }
}

impl Audit {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Walked(audit) => audit.is_sound(),
            Self::Compared(compared) => compared.is_same(),
        }
    }
}

impl ChainAudit {
    fn is_sound(&self) -> bool {
        self.rows.is_empty() && self.chains.iter().all(|chain| chain.walk.breaks.is_empty())
    }
}

impl HeadComparison {
    /// Whether all up to the event is what it was.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.expected == self.found
    }
}

fn walk(reader: &Reader, run: Option<RunId>) -> Result<Chain, AppError> {
    let of = run.map_or_else(|| "host".to_owned(), |run| run.to_string());
    Ok(Chain { of, walk: chain::verify(reader, run).map_err(AppError::unreadable)? })
}

#[cfg(test)]
mod tests {
    use baton_store::chain::Break;

    use super::*;

    #[test]
    fn a_record_is_sound_when_no_chain_breaks_and_no_row_differs() {
        let chain = |breaks| Chain { of: "r1".into(), walk: Walk { events: 3, breaks } };
        let audit = |breaks, rows: &[&str]| {
            let rows = rows.iter().map(|row| (*row).to_owned()).collect();
            Audit::Walked(ChainAudit { chains: vec![chain(breaks)], rows })
        };
        assert!(audit(Vec::new(), &[]).is_sound());
        assert!(!audit(vec![Break::Headless], &[]).is_sound());
        assert!(!audit(Vec::new(), &["run id 1: altered"]).is_sound());
        let compared = |found: &str| {
            Audit::Compared(HeadComparison { seq: 3, expected: "3-aa".into(), found: found.into() })
        };
        assert!(compared("3-aa").is_sound() && !compared("3-ab").is_sound());
    }
}
