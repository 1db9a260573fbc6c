//! Consolidation: from the record to what the analyses read, a batch at a time. It may be stopped after any step and
//! goes on from there.

use baton_core::learning::Part;
use baton_core::op::{Consolidation, Op};
use baton_learn::learned;
use baton_store::Reader;
use baton_store::read::{insight, routing};

/// Attempts in one step.
const STEP: usize = 500;
/// Episodes that analyses look at, the newest.
pub const MEMORY: usize = 20_000;

/// The next step, and whether it is the last for now; none when there is nothing new.
///
/// # Errors
/// The store can't be read.
pub fn next(reader: &Reader) -> Result<Option<(Op, bool)>, String> {
    let _metered = Part::Consolidation.begin();
    let unreadable = |why: &dyn std::fmt::Display| why.to_string();
    let from = insight::consolidated(reader).map_err(|why| unreadable(&why))?;
    let (attempts, upto) = routing::past(reader, from, STEP).map_err(|why| unreadable(&why))?;
    let (_, end) = routing::past(reader, upto, 1).map_err(|why| unreadable(&why))?;
    let last = end == upto;
    // A step is an event as well: one that adds nothing must not call for the next.
    if attempts.is_empty() && last {
        return Ok(None);
    }
    let episodes = attempts.iter().map(|past| insight::episode(reader, past)).collect::<Result<Vec<_>, _>>();
    let episodes = episodes.map_err(|why| unreadable(&why))?;
    let notes = if last && !episodes.is_empty() {
        let mut all = insight::episodes(reader, MEMORY).map_err(|why| unreadable(&why))?;
        all.extend(episodes.iter().cloned());
        learned(&all)
    } else {
        Vec::new()
    };
    Ok(Some((Op::Consolidate(Box::new(Consolidation { from, upto, episodes, notes })), last)))
}
