//! Lessons for routers that learn, between their decisions.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use baton_core::clock::Stopwatch;
use baton_core::id::RunId;
use baton_core::knowledge::Observation;
use baton_core::op::RouterChoice;
use baton_plugin::PluginError;
use baton_plugin::router::attrs;
use baton_store::read::routing::Line;

use super::conduct::Conduct;
use super::route::is_host;
use super::{Message, Spine, unbroken};
use crate::school::{self, Taught};

/// From a run's first decision to its last its routers rest so many times as long as their last lesson took:
/// decisions may wait for lessons for 4 % of the time. More attempts than that leaves time for are told later.
const REST: u32 = 24;

impl Spine {
    /// What the store says of attempts that ended.
    pub(super) fn observe(&mut self, observed: &[Observation]) {
        for observation in observed {
            self.pool.learn(observation);
            self.judge(observation);
            self.observed = self.observed.max(observation.seq);
        }
    }

    /// Teaches the routers of these runs that are behind, and not under way.
    pub(super) fn teach(&mut self, of: impl Fn(&Conduct) -> bool) {
        let now = self.around.clock.now();
        let goes_on = |conduct: &Conduct| !conduct.settled && of(conduct);
        let runs: Vec<(RunId, RouterChoice)> = self
            .conducts
            .iter()
            .filter(|(_, conduct)| goes_on(conduct))
            .flat_map(|(run, conduct)| {
                let candidate = self.contest.as_ref().map(|contest| contest.row.router.clone());
                let routers = [Some(conduct.router.clone()), candidate];
                let learn = routers.into_iter().flatten().filter(|router| !is_host(router));
                learn.map(|router| (*run, router))
            })
            .collect();
        for (run, router) in runs {
            let aside = self.is_shadow(&router);
            let is_over = !self.board.is_active(run);
            let may = |conduct: &Conduct| {
                let rested = now >= conduct.rests_until || conduct.decisions == 0 || is_over;
                let idle = if aside { !conduct.shadow.busy } else { conduct.asked == 0 };
                rested && idle
            };
            if !self.conducts.get(&run).is_some_and(may) {
                continue;
            }
            let line = self.line(run, &router.digest);
            if line.learned < self.observed {
                self.give_lesson(run, router, aside, line);
            }
        }
    }

    fn give_lesson(&mut self, run: RunId, choice: RouterChoice, aside: bool, line: Line) {
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        if aside {
            conduct.shadow.busy = true;
        } else {
            conduct.asked += 1;
        }
        let config = attrs(&self.library.settings(&choice.name).config);
        let (library, archive) = (Arc::clone(&self.library), Arc::clone(&self.archive));
        let outbox = self.outbox.clone();
        tokio::task::spawn_blocking(move || {
            let watch = Stopwatch::start();
            let taught = unbroken(&choice.name, || {
                let router = library.router_at(&choice.name, &choice.digest)?;
                if !router.learns() {
                    return Ok(Taught { line: Line { learned: i64::MAX, ..line }, op: None });
                }
                let archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                school::teach(&archive, &router, &choice, run, config, line)
            });
            let _ =
                outbox.send(Message::Taught { run, router: choice, aside, took: watch.elapsed(), taught });
        });
    }

    pub(super) fn taught(
        &mut self,
        run: RunId,
        router: &RouterChoice,
        aside: bool,
        took: Duration,
        taught: Result<Taught, PluginError>,
    ) {
        let observed = self.observed;
        let rests_until = self.around.clock.now() + took * REST;
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        conduct.rests_until = rests_until;
        if aside {
            conduct.shadow.busy = false;
        } else {
            conduct.asked -= 1;
        }
        match taught {
            Ok(Taught { line, op }) => {
                conduct.lines.insert(router.digest.clone(), line);
                self.pending.extend(op);
            }
            Err(why) => {
                tracing::warn!("{run}: no lesson for {}: {why}", router.name);
                // Its next decision says so aloud; it is not tried again before something new has happened.
                if let Some(line) = conduct.lines.get_mut(&router.digest) {
                    line.learned = observed;
                }
            }
        }
    }
}
