//! Whether a store is what was written into it: rows, counters, the record and the digests that it carries.
//!
//! What is found by this is whatever was altered without writing all that follows from it anew. Who can write the file
//! can also compute every digest in it again; against that [`chain::seen`] is kept elsewhere.

mod replay;
mod schema;
mod sealed;
mod states;
#[cfg(test)]
mod tamper;

pub use sealed::Extent;

use super::chain::{self, Seen};
use super::error::Reading;
use super::home::Home;
use super::read;
use super::reader::Reader;
use baton_core::id::RunId;

/// Everything that `baton db check` finds wrong; nothing if the store is sound.
///
/// # Errors
/// The store can't be read at all.
pub fn check(reader: &Reader) -> Reading<Vec<String>> {
    let integrity: Vec<String> = reader.all("PRAGMA integrity_check(20)", [], |row| row.get(0))?;
    let mut wrong: Vec<String> =
        integrity.into_iter().filter(|line| line != "ok").map(|line| format!("SQLite: {line}")).collect();
    let parts: [(&str, Part); 6] = [
        ("the schema", schema::compare),
        ("the record", chains),
        ("rows beside the digests of the record", |reader| sealed(reader, Extent::All)),
        ("counters", replay::derived),
        ("dependencies", replay::edges),
        ("rows beside their events", replay::replayed),
    ];
    for (what, compare) in parts {
        // What can't be read in one part must not hide what another part finds.
        wrong.extend(compare(reader).unwrap_or_else(|why| vec![format!("{what} can't be compared: {why}")]));
    }
    Ok(wrong)
}

/// Whether the record still holds all that it held when the store was last at rest.
///
/// # Errors
/// The store can't be read.
pub fn rested(home: &Home, reader: &Reader) -> Reading<Option<String>> {
    let Ok(text) = std::fs::read_to_string(home.head()) else { return Ok(None) };
    let Ok(kept) = text.trim().parse::<Seen>() else {
        return Ok(Some(format!("{} can't be read", home.head().display())));
    };
    let now = chain::seen(reader, Some(kept.seq))?;
    let newest = read::history::last_seq(reader)?;
    Ok((now != kept).then(|| {
        if newest < kept.seq {
            format!(
                "the record ends at event {newest}, and went to {} when the store was last at rest",
                kept.seq
            )
        } else {
            format!("the record up to event {} is another than when the store was last at rest", kept.seq)
        }
    }))
}

type Part = fn(&Reader) -> Reading<Vec<String>>;

/// What rows are not what the events of their chain say, and which states are not what they are called.
///
/// # Errors
/// The store can't be read.
pub fn sealed(reader: &Reader, extent: Extent) -> Reading<Vec<String>> {
    let mut wrong = sealed::compare(reader, extent)?;
    if extent.has_states() {
        wrong.extend(states::compare(reader)?);
    }
    Ok(wrong)
}

fn chains(reader: &Reader) -> Reading<Vec<String>> {
    let mut wrong = Vec::new();
    for run in chain::all(reader)? {
        let whose = run.map_or("the host".to_owned(), |run: RunId| run.to_string());
        let breaks = chain::verify(reader, run)?.breaks;
        wrong.extend(breaks.into_iter().map(|found| format!("the record of {whose}: {found}")));
    }
    Ok(wrong)
}

/// What SQLite says of its pages: `ok`, or the first thing that is wrong with them.
///
/// # Errors
/// The store can't be read at all.
pub fn quick_check(reader: &Reader) -> Reading<String> {
    reader.one("PRAGMA quick_check(1)", [], |row| row.get(0))
}
