//! Whether a recorded decision or lesson comes out the same again, byte for byte.

use std::fmt;

use baton_plugin::router::{Answer, Lesson, Router, Snapshot};
use baton_store::read::routing::{Decided, Taught};

/// What differs first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The record itself can't be read.
    Unreadable(String),
    /// The router gave no usable answer this time.
    NoAnswer(String),
    /// The answers differ from this byte on.
    Answer { at: usize, recorded: String, again: String },
    /// The states that they leave differ.
    State { recorded: String, again: String },
    /// Another amount of fuel was used.
    Fuel { recorded: u64, again: u64 },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "the record can't be read: {why}"),
            Self::NoAnswer(why) => write!(f, "no answer this time: {why}"),
            Self::Answer { at, recorded, again } => {
                write!(f, "the answers differ from byte {at} on: recorded …{recorded}…, this time …{again}…")
            }
            Self::State { recorded, again } => {
                write!(f, "the states differ: recorded {recorded}, this time {again}")
            }
            Self::Fuel { recorded, again } => write!(f, "fuel {recorded} was recorded, {again} was used"),
        }
    }
}

fn digest(state: &[u8]) -> String {
    blake3::hash(state).to_hex().to_string()
}

/// Asks again.
///
/// # Errors
/// The first difference.
pub fn decision(router: &Router, decided: &Decided) -> Result<(), Difference> {
    let unreadable = |why: serde_json::Error| Difference::Unreadable(why.to_string());
    let mut snapshot: Snapshot = serde_json::from_str(&decided.input).map_err(unreadable)?;
    snapshot.state.clone_from(&decided.state);
    let routed = router.route(&snapshot).map_err(|why| Difference::NoAnswer(why.to_string()))?;
    let mut answer: Answer = routed.answer;
    let state = digest(&std::mem::take(&mut answer.state));
    let again = serde_json::to_string(&answer).map_err(unreadable)?;
    same(&decided.answer, &again)?;
    ended(&decided.after, state, decided.fuel, routed.fuel)
}

/// Teaches again.
///
/// # Errors
/// The first difference.
pub fn lesson(router: &Router, taught: &Taught) -> Result<(), Difference> {
    let unreadable = |why: serde_json::Error| Difference::Unreadable(why.to_string());
    let mut lesson: Lesson = serde_json::from_str(&taught.input).map_err(unreadable)?;
    lesson.state.clone_from(&taught.state);
    let (state, fuel) = router.learn(&lesson).map_err(|why| Difference::NoAnswer(why.to_string()))?;
    ended(&taught.after, digest(&state), taught.fuel, fuel)
}

fn ended(recorded: &str, again: String, fuel: u64, burnt: u64) -> Result<(), Difference> {
    if recorded != again {
        return Err(Difference::State { recorded: recorded.to_owned(), again });
    }
    if fuel == burnt { Ok(()) } else { Err(Difference::Fuel { recorded: fuel, again: burnt }) }
}

/// How much of each answer is shown around the first difference, in bytes.
const AROUND: usize = 40;

fn same(recorded: &str, again: &str) -> Result<(), Difference> {
    if recorded == again {
        return Ok(());
    }
    let at = recorded.bytes().zip(again.bytes()).take_while(|(one, other)| one == other).count();
    let shown = |text: &str| {
        let from = text.floor_char_boundary(at.saturating_sub(AROUND));
        text[from..text.floor_char_boundary(at + AROUND)].to_owned()
    };
    Err(Difference::Answer { at, recorded: shown(recorded), again: shown(again) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown_with_what_is_around_it() {
        assert_eq!(same("abc", "abc"), Ok(()));
        let difference = same("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}").expect_err("they differ");
        assert_eq!(
            difference.to_string(),
            "the answers differ from byte 11 on: recorded …{\"a\":1,\"b\":2}…, this time …{\"a\":1,\"b\":3}…"
        );
    }
}
