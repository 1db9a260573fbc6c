//! Learning beside the work: lessons for routers that learn, consolidation, and the notes that tasks are given.

pub mod consolidation;
pub mod lesson;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_core::clock::Time;
use baton_core::id::RunId;
use baton_core::op::Op;
use baton_store::Reading;

use crate::effect::{Effect, Work};
pub use lesson::Learned;

/// From a run's first decision to its last, its routers pause for this many times as long as their last lesson took: decisions
/// may wait for lessons for 4 % of the time. More attempts than that leaves time for are told later.
const LESSON_REST: u32 = 24;

/// Consolidation begins after this number of new events, or with any after this time.
const MANY: i64 = 5_000;
const LONG: Duration = Duration::from_secs(60);

/// During a run, consolidation pauses for this many times as long as its last step took, so that it uses 3 % of a core.
const CONSOLIDATION_REST: u32 = 32;

/// The most notes that a task is given; those that weigh most come first.
const NOTES: usize = 5;

/// The most past events from which a router that is new to this store learns.
pub const HINDSIGHT: i64 = 200_000;

#[derive(Debug, Default)]
pub struct Learning {
    /// The newest event that ended an attempt.
    observed: i64,
    /// While there is anything to decide about in a run, its next lesson is not before this.
    rests_until: BTreeMap<RunId, Time>,
    consolidation: Consolidation,
    /// The notes given to later tasks, by their kind.
    notes: HashMap<String, String>,
}

/// What is known of consolidation.
#[derive(Clone, Copy, Debug, Default)]
struct Consolidation {
    under_way: bool,
    /// The newest attempt at the time when it last finished.
    upto: i64,
    /// When that was.
    at: Time,
    /// While a run is going on, the next step is not before this.
    not_before: Time,
}

impl Learning {
    /// The newest event that ended an attempt.
    #[must_use]
    pub fn observed(&self) -> i64 {
        self.observed
    }

    /// An attempt was judged by this event.
    pub fn observe(&mut self, seq: i64) {
        self.observed = self.observed.max(seq);
    }

    /// A run has settled.
    pub fn drop_run(&mut self, run: RunId) {
        self.rests_until.remove(&run);
    }

    /// Whether a run's routers may be given a lesson now.
    #[must_use]
    pub fn may_teach(&self, run: RunId, now: Time) -> bool {
        self.rests_until.get(&run).is_none_or(|until| now >= *until)
    }

    /// A lesson of a run that goes on has ended.
    pub fn taught(&mut self, run: RunId, took: Duration, now: Time) {
        self.rests_until.insert(run, now + took * LESSON_REST);
    }

    /// Begins a step of consolidation if it is time for one. `idle` says that no run goes on.
    pub fn consolidate(&mut self, idle: bool, now: Time) -> Option<Effect> {
        let Consolidation { under_way, upto, at, not_before } = self.consolidation;
        let new = self.observed - upto;
        let may = !under_way && (now >= not_before || idle);
        if !may || !(new >= MANY || (new > 0 && now.since(at) >= LONG)) {
            return None;
        }
        self.consolidation.under_way = true;
        Some(Work::Consolidate.into())
    }

    /// A step was read from the record, with whether it is the last for now; none when there was nothing new.
    pub fn consolidated(
        &mut self,
        step: Reading<Option<(Op, bool)>>,
        took: Duration,
        now: Time,
    ) -> Option<Effect> {
        self.consolidation.not_before = now + took * CONSOLIDATION_REST;
        match step {
            Ok(Some((op, last))) => {
                // What is left is taken up at once, when this is in the store: see `stored`.
                self.consolidation.at = Time(0);
                if last {
                    self.rest(now);
                    self.consolidation.under_way = true;
                }
                Some(op.into())
            }
            Ok(None) => {
                self.rest(now);
                None
            }
            Err(why) => {
                tracing::warn!("consolidation: {why}");
                self.rest(now);
                None
            }
        }
    }

    /// A step of consolidation is in the store, or was refused by it.
    pub fn stored(&mut self) {
        self.consolidation.under_way = false;
    }

    fn rest(&mut self, now: Time) {
        let (upto, at) = (self.observed, now);
        self.consolidation = Consolidation { under_way: false, upto, at, ..self.consolidation };
    }

    /// Takes notes as they are in the store, those that count most first: each with the kind of task that it is for.
    pub fn put_notes(&mut self, notes: impl IntoIterator<Item = (String, String)>) {
        let mut by_kind: HashMap<String, Vec<String>> = HashMap::new();
        for (kind, text) in notes {
            let texts = by_kind.entry(kind).or_default();
            if texts.len() < NOTES {
                texts.push(format!("- {}", text.replace('\n', "\n  ")));
            }
        }
        self.notes = by_kind.into_iter().map(|(kind, texts)| (kind, texts.join("\n"))).collect();
    }

    /// Whether there are notes at all.
    #[must_use]
    pub fn has_notes(&self) -> bool {
        !self.notes.is_empty()
    }

    /// The notes given to tasks of this kind.
    #[must_use]
    pub fn notes(&self, kind: &str) -> Option<&str> {
        self.notes.get(kind).map(String::as_str)
    }
}
