//! Consolidation beside the work, and the notes that tasks are told.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use baton_core::clock::{Stopwatch, Time};
use baton_core::op::{Op, Rejection};
use baton_store::read::insight;

use super::{Message, Spine, unreadable};
use crate::consolidate;

/// What is known of consolidation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Consolidating {
    under_way: bool,
    /// The newest attempt when it last came to its end.
    upto: i64,
    /// When that was.
    at: Time,
    /// While a run is going on, the next step is not before this.
    not_before: Time,
}

/// It begins when so many events are new, or any after so long.
const MANY: i64 = 5_000;
const LONG: Duration = Duration::from_secs(60);

/// While a run is going on, it rests so many times as long as its last step took: it may have 3 % of a core.
const REST: u32 = 32;

/// Notes that a task is told, those that count most.
const NOTES: usize = 5;

impl Spine {
    /// Begins a step if it is time for one.
    pub(super) fn consolidate(&mut self) {
        let now = self.around.clock.now();
        let Consolidating { under_way, upto, at, not_before } = self.consolidation;
        let new = self.observed - upto;
        let idle = || self.conducts.values().all(|conduct| conduct.settled);
        let may = !under_way && !self.draining && (now >= not_before || idle());
        if may && (new >= MANY || (new > 0 && now.since(at) >= LONG)) {
            self.step();
        }
    }

    fn step(&mut self) {
        self.consolidation.under_way = true;
        let (attic, outbox) = (Arc::clone(&self.attic), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let watch = Stopwatch::start();
            let attic = attic.lock().unwrap_or_else(PoisonError::into_inner);
            let step = consolidate::next(&attic);
            let _ = outbox.send(Message::Consolidated { step, took: watch.elapsed() });
        });
    }

    pub(super) fn consolidated(&mut self, step: Result<Option<(Op, bool)>, String>, took: Duration) {
        self.consolidation.not_before = self.around.clock.now() + took * REST;
        match step {
            Ok(Some((op, last))) => {
                self.pending.push(op);
                // What is left is taken up at once, when this is in the store: see `stored`.
                self.consolidation.at = Time(0);
                if last {
                    self.rest();
                }
            }
            Ok(None) => self.rest(),
            Err(why) => {
                tracing::warn!("consolidation: {why}");
                self.rest();
            }
        }
    }

    /// A step is in the store.
    pub(super) fn stored(&mut self) {
        self.consolidation.under_way = false;
    }

    fn rest(&mut self) {
        let (upto, at) = (self.observed, self.around.clock.now());
        self.consolidation = Consolidating { under_way: false, upto, at, ..self.consolidation };
    }

    /// Takes the notes as they are in the store.
    pub(super) fn recall_notes(&mut self) -> Result<(), Rejection> {
        let mut by_kind: HashMap<String, Vec<String>> = HashMap::new();
        for numbered in insight::notes(&self.reader).map_err(unreadable)? {
            let texts = by_kind.entry(numbered.note.kind).or_default();
            if texts.len() < NOTES {
                texts.push(format!("- {}", numbered.note.text.replace('\n', "\n  ")));
            }
        }
        self.notes = by_kind.into_iter().map(|(kind, texts)| (kind, texts.join("\n"))).collect();
        Ok(())
    }
}
