//! Consolidation: from the record to what the analyses read, a batch at a time. It may be stopped after any step and
//! goes on from there.

use baton_core::learning::Part;
use baton_core::op::{Consolidation, Op};
use baton_learn::learned;
use baton_store::read::{insight, routing};
use baton_store::{Reader, Reading};

/// Attempts in one step.
const STEP: usize = 500;
/// Episodes that analyses look at, the newest.
pub const MEMORY: usize = 20_000;

/// The next step, and whether it is the last for now; none when there is nothing new.
///
/// # Errors
/// The store can't be read.
pub fn next(reader: &Reader) -> Reading<Option<(Op, bool)>> {
    let _metered = Part::Consolidation.begin();
    let from = insight::consolidated(reader)?;
    let (attempts, upto) = routing::past(reader, from, STEP)?;
    let (_, end) = routing::past(reader, upto, 1)?;
    let last = end == upto;
    // A step is an event as well: one that adds nothing must not call for the next.
    if attempts.is_empty() && last {
        return Ok(None);
    }
    let episodes = attempts.iter().map(|past| insight::episode(reader, past)).collect::<Reading<Vec<_>>>()?;
    let notes = if last && !episodes.is_empty() {
        let mut all = insight::episodes(reader, MEMORY)?;
        all.extend(episodes.iter().cloned());
        learned(&all)
    } else {
        Vec::new()
    };
    Ok(Some((Op::Consolidate(Box::new(Consolidation { from, upto, episodes, notes })), last)))
}
