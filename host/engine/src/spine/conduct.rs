//! A run as the spine needs it between decisions: who decides for it, and where each of its routers stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use baton_core::clock::Time;
use baton_core::id::RunId;
use baton_core::op::{Rejection, RouterChoice};
use baton_core::seed::Seed;
use baton_store::read;
use baton_store::read::routing::Line;

use super::shadow::Shadow;
use super::{Spine, unreadable};

pub(super) struct Conduct {
    pub(super) router: RouterChoice,
    pub(super) before: Option<RouterChoice>,
    /// Contents that failed and gave way: none of them is taken up again by itself.
    pub(super) rolled_back: BTreeSet<String>,
    /// By digest, those that were asked in this boot.
    pub(super) lines: HashMap<String, Line>,
    pub(super) failures: u32,
    /// Questions and lessons under way. While there is one, no other begins: each goes on from the state before.
    pub(super) asked: u32,
    /// While there is anything to decide about, the next lesson is not before this.
    pub(super) rests_until: Time,
    pub(super) settled: bool,
    pub(super) seed: Seed,
    pub(super) decisions: i64,
    pub(super) shadow: Shadow,
    pub(super) asked_for: AskedFor,
}

/// Tasks of a run that strategies asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AskedFor {
    pub(super) children: u32,
    pub(super) consultations: u32,
}

impl Conduct {
    /// What a router left.
    pub(super) fn stands(&mut self, router: &RouterChoice, state: &[u8]) {
        if let Some(line) = self.lines.get_mut(&router.digest) {
            line.state = state.to_vec();
        }
    }
}

pub(super) type Conducts = BTreeMap<RunId, Conduct>;

impl Spine {
    /// Takes a run up that is new to this host or was settled.
    pub(super) fn conduct(&mut self, id: RunId) -> Result<(), Rejection> {
        if self.conducts.get(&id).is_some_and(|conduct| !conduct.settled) {
            return Ok(());
        }
        let Some(run) = read::run(&self.reader, id).map_err(unreadable)? else { return Ok(()) };
        self.board.hold_run(id, run.held);
        self.settling.remove(&id);
        let (router, before) = (run.router, run.router_before);
        let conduct = match self.conducts.remove(&id) {
            Some(known) => Conduct { router, before, failures: 0, settled: run.settled.is_some(), ..known },
            None => Conduct {
                router,
                before,
                rolled_back: BTreeSet::new(),
                lines: HashMap::new(),
                failures: 0,
                asked: 0,
                rests_until: Time(0),
                settled: run.settled.is_some(),
                seed: run.seed,
                decisions: 0,
                shadow: Shadow::default(),
                asked_for: self.asked_for.remove(&id).unwrap_or_default(),
            },
        };
        self.conducts.insert(id, conduct);
        Ok(())
    }

    /// Reads what an operation from outside may have changed of runs: holds, routers, settlement.
    pub(super) fn reload_runs(&mut self) -> Result<(), Rejection> {
        for run in read::runs(&self.reader).map_err(unreadable)? {
            self.board.hold_run(run.id, run.held);
            match self.conducts.get_mut(&run.id) {
                Some(conduct) => {
                    if conduct.router != run.router {
                        conduct.failures = 0;
                    }
                    conduct.router = run.router;
                    conduct.before = run.router_before;
                    conduct.settled = run.settled.is_some();
                    self.settling.remove(&run.id);
                }
                None if run.settled.is_none() => self.conduct(run.id)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Where a router stands in a run.
    pub(super) fn line(&mut self, run: RunId, digest: &str) -> Line {
        let Some(conduct) = self.conducts.get_mut(&run) else { return Line::default() };
        if let Some(line) = conduct.lines.get(digest) {
            return line.clone();
        }
        let line = read::routing::line(&self.reader, run, digest).unwrap_or_else(|why| {
            tracing::error!("{run}: where its router stands can't be read: {why}");
            Line::default()
        });
        let line = Line { learned: line.learned.max(self.observed - HINDSIGHT), ..line };
        conduct.lines.insert(digest.to_owned(), line.clone());
        line
    }
}

/// A router that is new to this store learns from so many events before now.
const HINDSIGHT: i64 = 200_000;
