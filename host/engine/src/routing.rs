//! Routing: who decides for each run, what routers are asked and how their answers are taken, and the router on trial.

mod shadow;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::id::RunId;
use baton_core::knowledge::Observation;
use baton_core::op::{Op, RouterChange, RouterChoice, RunRecord};
use baton_core::seed::Seed;
use baton_core::task::{Role, Task};
use baton_plugin::PluginError;
use baton_plugin::limits::LimitKind;
use baton_plugin::router::{Choice, LEAST_LOADED, LEAST_LOADED_DIGEST, Routed, least_loaded};
use baton_stats::arm::Arm;
use baton_store::read::routing::RouterCursor;

use crate::board::Board;
use crate::catalog::Catalog;
use crate::decide::{self, Answered, Asking, Batch, Prepared};
use crate::effect::{Effect, Work};
use crate::pool::Pool;
use shadow::Shadow;
pub use shadow::Shadowed;
pub use trial::ActiveTrial;

/// Failures in a row after which a router is not asked any more.
const FAILURES: u32 = 3;

/// Routing of one run.
struct RunRouting {
    seed: Seed,
    router: RouterChoice,
    before: Option<RouterChoice>,
    /// Contents that failed and gave way: none of them is taken up again by itself.
    rolled_back: BTreeSet<String>,
    /// Where each router stands, by digest; of those that were asked since this host started.
    cursors: HashMap<String, RouterCursor>,
    failures: u32,
    /// Questions and lessons under way. While there is one, no other begins: each goes on from the state before.
    in_flight: u32,
    decisions: i64,
    consultations: u32,
    shadow: Shadow,
    /// It is over, and stays for as long as the shadow has questions of it.
    settled: bool,
}

#[derive(Default)]
pub struct Routing {
    /// Of runs that go on.
    runs: BTreeMap<RunId, RunRouting>,
    /// The router that is tried against the one that each run has.
    trial: Option<ActiveTrial>,
    /// A simulation keeps no decisions.
    keeps_no_decisions: bool,
}

/// What a question to a router depends on beside its tasks.
pub struct View<'a> {
    pub board: &'a Board,
    pub pool: &'a Pool,
    pub catalog: &'a Catalog,
    pub now: Time,
}

impl Routing {
    /// Routing that leaves no record of its decisions.
    #[must_use]
    pub fn unrecorded() -> Self {
        Self { keeps_no_decisions: true, ..Self::default() }
    }

    /// Takes a run that goes on as it is in the store. `consultations` are those that it has had, if it is new here.
    pub fn put_run(&mut self, run: &RunRecord, consultations: u32) {
        match self.runs.get_mut(&run.run) {
            Some(known) => {
                if known.router != run.router {
                    known.failures = 0;
                }
                known.settled = false;
                known.router = run.router.clone();
                known.before.clone_from(&run.router_before);
            }
            None => {
                let routing = RunRouting {
                    seed: run.seed,
                    router: run.router.clone(),
                    before: run.router_before.clone(),
                    rolled_back: BTreeSet::new(),
                    cursors: HashMap::new(),
                    failures: 0,
                    in_flight: 0,
                    decisions: 0,
                    consultations,
                    shadow: Shadow::default(),
                    settled: false,
                };
                self.runs.insert(run.run, routing);
            }
        }
    }

    /// A run has settled.
    pub fn drop_run(&mut self, run: RunId) {
        if let Some(routing) = self.runs.get_mut(&run) {
            routing.settled = true;
        }
        self.drop_if_done(run);
    }

    /// Drops a run that has settled once nobody is to be asked in its shadow any more.
    fn drop_if_done(&mut self, run: RunId) {
        if self.runs.get(&run).is_some_and(|routing| routing.settled && routing.shadow.is_done()) {
            self.runs.remove(&run);
        }
    }

    /// Whether neither a question nor a lesson of this run is under way.
    #[must_use]
    pub fn is_idle(&self, run: RunId) -> bool {
        self.runs.get(&run).is_none_or(|run| run.in_flight == 0)
    }

    /// The router of a run that is being asked or taught.
    #[must_use]
    pub fn deciding(&self, run: RunId) -> Option<String> {
        let routing = self.runs.get(&run).filter(|run| run.in_flight > 0)?;
        Some(routing.router.name.clone())
    }

    /// Divides picked tasks among those who decide: the run's own router, the one on trial, and the host itself for what
    /// routers want to know. What the host decides is answered at once.
    pub fn decide(
        &mut self,
        run: RunId,
        tasks: Vec<Prepared>,
        view: &View<'_>,
    ) -> (Vec<Answered>, Vec<Effect>) {
        let (mut answered, mut effects) = (Vec::new(), Vec::new());
        let serves = |prepared: &Prepared| serves_a_router(view.board, &prepared.task);
        let (own_questions, tasks): (Vec<_>, Vec<_>) = tasks.into_iter().partition(serves);
        if !own_questions.is_empty() {
            answered.extend(self.decide_itself(run, own_questions, view));
        }
        let Some(own) = self.runs.get(&run).map(|run| run.router.clone()) else { return (answered, effects) };
        let trial = self.trial.as_ref().filter(|trial| trial.router() != &own);
        let candidate = trial.map(|trial| trial.router().clone());
        let is_theirs = |prepared: &Prepared| {
            trial.is_some_and(|trial| trial.arm(run, prepared.task.id) == Arm::Candidate)
        };
        let (theirs, ours): (Vec<_>, Vec<_>) = tasks.into_iter().partition(is_theirs);
        for (router, tasks) in [(candidate, theirs), (Some(own), ours)] {
            let Some(router) = router.filter(|_| !tasks.is_empty()) else { continue };
            if is_host(&router) {
                answered.extend(self.decide_itself(run, tasks, view));
            } else {
                effects.extend(self.ask(run, tasks, router, view));
            }
        }
        (answered, effects)
    }

    /// Decides without a router: what a router wants to know, and everything of a run whose router is off.
    fn decide_itself(&mut self, run: RunId, tasks: Vec<Prepared>, view: &View<'_>) -> Option<Answered> {
        let routing = self.runs.get_mut(&run)?;
        routing.decisions += 1;
        let (now, seed, config) = (view.now, routing.seed.of(routing.decisions), BTreeMap::new());
        let asking = Asking { now, seed, config: &config, state: Vec::new(), consultations: 0, trial: None };
        let mut batch = Box::new(decide::batch(run, tasks, view.pool, view.board, asking));
        let mut answer = least_loaded(&batch.snapshot);
        let keeps = !self.keeps_no_decisions;
        let decision = keeps.then(|| decide::record(&mut batch.snapshot, &mut answer, host_choice(), 0));
        if decision.is_some() {
            routing.shadow.await_decision(None);
        }
        Some(Answered { batch, answer, decision })
    }

    fn ask(
        &mut self,
        run: RunId,
        tasks: Vec<Prepared>,
        router: RouterChoice,
        view: &View<'_>,
    ) -> Option<Effect> {
        let routing = self.runs.get_mut(&run)?;
        routing.in_flight += 1;
        routing.decisions += 1;
        let settings = view.catalog.router(&router.name);
        let asking = Asking {
            now: view.now,
            seed: routing.seed.of(routing.decisions),
            config: &settings.config,
            state: routing.cursors.get(&router.digest).map(|cursor| cursor.state.clone()).unwrap_or_default(),
            consultations: settings.asks.consultations.unwrap_or(0),
            trial: self.trial.as_ref().map(ActiveTrial::asked),
        };
        let batch = Box::new(decide::batch(run, tasks, view.pool, view.board, asking));
        Some(Work::Route { batch, router }.into())
    }

    /// A router has answered. Where the answer is of no use the host decides by itself.
    pub fn routed(
        &mut self,
        mut batch: Box<Batch>,
        router: RouterChoice,
        routed: Result<Routed, PluginError>,
        catalog: &Catalog,
    ) -> (Option<Answered>, Vec<Effect>) {
        let mut effects = Vec::new();
        let run = batch.run;
        let Some(routing) = self.runs.get_mut(&run) else { return (None, effects) };
        routing.in_flight -= 1;
        let routed = routed.and_then(|routed| routing.within_bounds(&router, routed, catalog));
        let (mut answer, by, fuel) = match routed {
            Ok(Routed { answer, fuel }) => {
                if routing.router == router {
                    routing.failures = 0;
                }
                routing.stands(&router, &answer.state);
                self.recovered(&router, batch.trial);
                (answer, router, fuel)
            }
            Err(error) => {
                effects.extend(self.failed(run, &router, batch.trial, &error));
                (least_loaded(&batch.snapshot), host_choice(), 0)
            }
        };
        let decision = (!self.keeps_no_decisions).then(|| {
            let decision = decide::record(&mut batch.snapshot, &mut answer, by, fuel);
            baton_core::op::Decision { trial: batch.trial.as_ref().map(|trial| trial.id), ..decision }
        });
        if decision.is_some() {
            self.cast_shadow(&batch);
        }
        (Some(Answered { batch, answer, decision }), effects)
    }

    /// An answer that nobody waits for any more: the router's state stays as it was.
    pub fn dropped(&mut self, batch: &Batch) {
        if let Some(routing) = self.runs.get_mut(&batch.run) {
            routing.in_flight -= 1;
        }
    }

    /// A router gave no usable answer. After some in a row the one before it comes back, or where there is none that
    /// has not failed, the host decides by itself from then on.
    fn failed(
        &mut self,
        run: RunId,
        router: &RouterChoice,
        trial: Option<Asked>,
        error: &PluginError,
    ) -> Vec<Effect> {
        let Some(routing) = self.runs.get_mut(&run) else { return Vec::new() };
        let failed = !matches!(error, PluginError::Host { .. });
        routing.failures += u32::from(failed && routing.router == *router);
        let why = error.to_string();
        tracing::warn!("{run}: the host decides by itself: {why}");
        let (name, in_a_row) = (router.name.clone(), routing.failures);
        let fact = Fact::RouterDegraded { router: name, why: why.clone(), in_a_row };
        let mut effects = vec![Op::Note { run: Some(run), task: None, fact }.into()];
        let given_up = routing.give_way(&why);
        if failed {
            effects.extend(self.stumbled(router, trial, &why));
        }
        let to_op = |router| Op::UseRouter { run, router, why: RouterChange::RolledBack { why } }.into();
        effects.extend(given_up.map(to_op));
        effects
    }

    /// A new version of the router that a run has, or had before it failed, decides from now on, unless it has failed
    /// here already.
    pub fn take_successor_over(&mut self, run: RunId, catalog: &Catalog) -> Option<Effect> {
        let routing = self.runs.get_mut(&run)?;
        let of = if is_host(&routing.router) { routing.before.as_ref()? } else { &routing.router };
        if is_host(of) {
            return None;
        }
        let digest = catalog.successor(&of.name, &of.digest)?;
        if routing.rolled_back.contains(&digest) {
            return None;
        }
        let router = RouterChoice { name: of.name.clone(), digest };
        routing.before = Some(std::mem::replace(&mut routing.router, router.clone()));
        routing.failures = 0;
        Some(Op::UseRouter { run, router, why: RouterChange::Asked }.into())
    }

    /// The routers that decide in a run or learn from it: its own and the one on trial.
    #[must_use]
    pub fn routers(&self, run: RunId) -> Vec<RouterChoice> {
        let own = self.runs.get(&run).map(|run| run.router.clone());
        let candidate = self.trial.as_ref().map(|trial| trial.router().clone());
        own.into_iter().chain(candidate).filter(|router| !is_host(router)).collect()
    }

    /// Where a router stands in a run, if that was read already.
    #[must_use]
    pub fn cursor(&self, run: RunId, router: &RouterChoice) -> Option<&RouterCursor> {
        self.runs.get(&run)?.cursors.get(&router.digest)
    }

    pub fn put_cursor(&mut self, run: RunId, router: &RouterChoice, cursor: RouterCursor) {
        if let Some(routing) = self.runs.get_mut(&run) {
            routing.cursors.insert(router.digest.clone(), cursor);
        }
    }

    /// Whether anything was decided in a run since this host started.
    #[must_use]
    pub fn has_decided(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.decisions > 0)
    }

    /// Whether nothing is under way that a lesson would have to wait for.
    #[must_use]
    pub fn may_learn(&self, run: RunId, aside: bool) -> bool {
        let idle = |run: &RunRouting| if aside { !run.shadow.is_busy() } else { run.in_flight == 0 };
        self.runs.get(&run).is_some_and(idle)
    }

    /// Keeps questions and further lessons away while a router learns.
    pub fn begin_lesson(&mut self, run: RunId, aside: bool) {
        let Some(routing) = self.runs.get_mut(&run) else { return };
        if aside {
            routing.shadow.begin();
        } else {
            routing.in_flight += 1;
        }
    }

    /// A lesson has ended. Without a cursor the router could not be taught, and is not told of what ended by `observed`
    /// before something new has happened; its next decision says aloud what is wrong.
    pub fn end_lesson(
        &mut self,
        run: RunId,
        router: &RouterChoice,
        aside: bool,
        cursor: Option<RouterCursor>,
        observed: i64,
    ) {
        let Some(routing) = self.runs.get_mut(&run) else { return };
        if aside {
            routing.shadow.end();
        } else {
            routing.in_flight -= 1;
        }
        match cursor {
            Some(cursor) => {
                routing.cursors.insert(router.digest.clone(), cursor);
            }
            None => {
                if let Some(cursor) = routing.cursors.get_mut(&router.digest) {
                    cursor.learned = observed;
                }
            }
        }
    }

    /// Counts an attempt for its arm of the trial, and ends the trial where that decides it.
    pub fn observe(&mut self, observation: &Observation) -> Option<Effect> {
        let own = self.runs.get(&observation.run).map(|run| &run.router);
        self.trial.as_mut()?.observe(observation, own)
    }

    pub fn put_trial(&mut self, trial: Option<ActiveTrial>) {
        self.trial = trial;
    }

    #[must_use]
    pub fn trial(&self) -> Option<&ActiveTrial> {
        self.trial.as_ref()
    }
}

/// The trial that went on when a question was asked, and whether it asks its router in the shadow of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub id: i64,
    pub shadows: bool,
}

impl RunRouting {
    /// What a router left.
    fn stands(&mut self, router: &RouterChoice, state: &[u8]) {
        if let Some(cursor) = self.cursors.get_mut(&router.digest) {
            cursor.state = state.to_vec();
        }
    }

    /// The answer, unless it wants more consultations than its run may have.
    fn within_bounds(
        &mut self,
        router: &RouterChoice,
        routed: Routed,
        catalog: &Catalog,
    ) -> Result<Routed, PluginError> {
        let decisions = routed.answer.decisions.iter();
        let more = decisions.filter(|decision| matches!(decision.choice, Choice::Consult(_))).count();
        let all = self.consultations.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        let limits = catalog.router_limits(&router.name);
        if more > 0 && limits.asks.consultations_per_run.is_some_and(|most| all > most) {
            return Err(limits.exceeded(&router.name, LimitKind::ConsultationsPerRun));
        }
        self.consultations = all;
        Ok(routed)
    }

    /// The router that takes over from one that has failed too often.
    fn give_way(&mut self, why: &str) -> Option<RouterChoice> {
        if self.failures < FAILURES {
            return None;
        }
        tracing::warn!("{} gives way: {why}", self.router.name);
        self.failures = 0;
        self.rolled_back.insert(self.router.digest.clone());
        let before = self.before.take().filter(|before| !self.rolled_back.contains(&before.digest));
        let to = before.unwrap_or_else(host_choice);
        self.before = Some(std::mem::replace(&mut self.router, to.clone()));
        Some(to)
    }
}

/// Whether a task is, or is a part of, what a router wants to know. Routers are not asked about it: they could want to
/// know something first again.
fn serves_a_router(board: &Board, task: &Task) -> bool {
    let is_consultation = |task: &Task| task.parent.is_some_and(|parent| parent.role == Role::Consult);
    is_consultation(task) || board.ancestors(task).any(is_consultation)
}

/// The host's own choice, as decisions are recorded.
fn host_choice() -> RouterChoice {
    RouterChoice { name: LEAST_LOADED.into(), digest: LEAST_LOADED_DIGEST.into() }
}

fn is_host(router: &RouterChoice) -> bool {
    router.name == LEAST_LOADED
}
