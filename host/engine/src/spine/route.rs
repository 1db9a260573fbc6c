//! Handing ready tasks to the routers of their runs, and acting on what they say.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use baton_core::budget::ledger::Account;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::id::{AgentId, RunId, TaskId};
use baton_core::kind::Kind;
use baton_core::op::{Decision, Op, RouterChange, RouterChoice};
use baton_core::task::{Task, TaskPolicy};
use baton_plugin::PluginError;
use baton_plugin::router::{Answer, BATCH, LEAST_LOADED, LEAST_LOADED_DIGEST, Routed, least_loaded};
use baton_stats::arm::Arm;

use super::{LEASE, Message, Spine, unbroken};
use crate::decide::{self, Asking, Batch, Place, Prepared, Room};

/// Failures in a row after which a router is not asked any more.
const PATIENCE: u32 = 3;

impl Spine {
    /// Hands ready tasks to the routers of their runs.
    pub(super) fn dispatch(&mut self) {
        let now = self.around.clock.now();
        self.refresh_loads();
        let runs: Vec<RunId> = self
            .conducts
            .iter()
            .filter(|(_, run)| !run.settled && run.asked == 0)
            .map(|(id, _)| *id)
            .collect();
        for run in runs {
            let mut room = Room::of(&self.pool, now, self.places_left());
            if room.is_none() {
                return;
            }
            if self.purse.spent(run, now).is_some() {
                continue;
            }
            let pool = &self.pool;
            let uncrowded = self.crowd.is_none();
            let attempts = &self.attempts;
            let broke = self.purse.ledger.exhausted_families();
            let is_busy = |id: TaskId, above: &[TaskId]| {
                attempts.contains_key(&id) || above.iter().any(|parent| broke.contains(parent))
            };
            let under_way: Vec<Arc<TaskPolicy>> = if uncrowded { Vec::new() } else { self.board.under_way() };
            let mut left = self.crowd.left(under_way.iter().map(Arc::as_ref));
            let picked = self.board.pick(run, BATCH, is_busy, |task, terms| {
                let placed = (uncrowded || left.fits(terms)) && room.take(pool, task.terms, terms);
                if placed && !uncrowded {
                    left.add(terms);
                }
                placed
            });
            if !picked.is_empty() {
                self.decide(run, picked, now);
            }
        }
    }

    /// What each agent runs, and whether it may be given more today.
    pub(super) fn refresh_loads(&mut self) {
        let now = self.around.clock.now();
        for worker in &mut self.pool.workers {
            worker.running = self.board.load(worker.agent.id);
            worker.broke = self.purse.is_broke(&worker.agent, now);
        }
    }

    /// How many more attempts this process can hold. One that was stopped keeps its place until it is gone.
    pub(super) fn places_left(&self) -> u32 {
        let loads: u32 = self.pool.workers.iter().map(|worker| self.board.load(worker.agent.id)).sum();
        let left = self.places.most.saturating_sub(loads);
        let held = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        // Where there is room for as many again, nobody needs to know which of them were stopped.
        if held < left {
            return left - held;
        }
        let is_stopped = |id: &&TaskId| self.board.agent_of(**id).is_none();
        let stopped = self.attempts.keys().filter(is_stopped).count();
        left.saturating_sub(u32::try_from(stopped).unwrap_or(u32::MAX))
    }

    /// Asks who decides about these tasks: the run's own router, and while another is on trial, that one about its
    /// share of them.
    fn decide(&mut self, run: RunId, picked: Vec<TaskId>, now: Time) {
        let mut tasks = Vec::with_capacity(picked.len());
        for id in picked {
            let Some(task) = self.board.task(id).cloned() else { continue };
            match self.prepare(task) {
                Ok(prepared) => tasks.push(prepared),
                Err(why) => {
                    tracing::error!("{id} can't be read: {why}");
                    self.board.return_(id);
                }
            }
        }
        let (own_questions, tasks): (Vec<Prepared>, Vec<Prepared>) =
            tasks.into_iter().partition(|prepared| self.serves_a_router(&prepared.task));
        if !own_questions.is_empty() {
            self.decide_itself(run, own_questions, now);
        }
        if tasks.is_empty() {
            return;
        }
        self.take_successor_over(run);
        let Some(own) = self.conducts.get(&run).map(|conduct| conduct.router.clone()) else { return };
        let Some(contest) = self.contest.as_ref().filter(|contest| contest.row.router != own) else {
            return self.ask_router(run, tasks, own, now);
        };
        let candidate = contest.row.router.clone();
        let arm = |prepared: &Prepared| contest.arm(run, prepared.task.id) == Arm::Candidate;
        let (theirs, ours): (Vec<Prepared>, Vec<Prepared>) = tasks.into_iter().partition(arm);
        if !theirs.is_empty() {
            self.ask_router(run, theirs, candidate, now);
        }
        if !ours.is_empty() {
            self.ask_router(run, ours, own, now);
        }
    }

    /// A new version of the router that a run has, or had before it failed, decides from now on, unless it has failed
    /// here already.
    fn take_successor_over(&mut self, run: RunId) {
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        let of = if is_host(&conduct.router) { conduct.before.as_ref() } else { Some(&conduct.router) };
        let Some(of) = of.filter(|of| !is_host(of)) else { return };
        let Some(digest) = self.library.successor(&of.name, &of.digest) else { return };
        if conduct.rolled_back.contains(&digest) {
            return;
        }
        let router = RouterChoice { name: of.name.clone(), digest };
        conduct.before = Some(std::mem::replace(&mut conduct.router, router.clone()));
        conduct.failures = 0;
        self.pending.push(Op::UseRouter { run, router, why: RouterChange::Asked });
    }

    /// Decides without a router: what a router wants to know, and everything of a run whose router is off.
    fn decide_itself(&mut self, run: RunId, tasks: Vec<Prepared>, now: Time) {
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        conduct.decisions += 1;
        let (seed, config) = (conduct.seed.of(conduct.decisions), BTreeMap::new());
        let asking = Asking { now, seed, config: &config, state: Vec::new(), consultations: 0, trial: None };
        let mut batch = decide::batch(run, tasks, &self.pool, &self.board, asking);
        let mut answer = least_loaded(&batch.snapshot);
        let decision = decide::record(&mut batch.snapshot, &mut answer, host_choice(), 0);
        self.carry_out(&batch, &answer, decision);
        self.cast_no_shadow(run);
    }

    fn ask_router(&mut self, run: RunId, tasks: Vec<Prepared>, choice: RouterChoice, now: Time) {
        if is_host(&choice) {
            return self.decide_itself(run, tasks, now);
        }
        let state = self.line(run, &choice.digest).state;
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        conduct.asked += 1;
        conduct.decisions += 1;
        let seed = conduct.seed.of(conduct.decisions);
        let config = self.library.settings(&choice.name).config;
        let asks = self.library.limits(&choice.name, Kind::Router).asks;
        let consultations = asks.consultations.unwrap_or(0);
        let trial = self.contest.as_ref().map(|contest| contest.row.id);
        let asking = Asking { now, seed, config: &config, state, consultations, trial };
        let batch = Box::new(decide::batch(run, tasks, &self.pool, &self.board, asking));
        let library = Arc::clone(&self.library);
        let outbox = self.outbox.clone();
        tokio::task::spawn_blocking(move || {
            let routed = unbroken(&choice.name, || {
                library.router_at(&choice.name, &choice.digest)?.route(&batch.snapshot)
            });
            let _ = outbox.send(Message::Routed { batch, router: choice, routed });
        });
    }

    pub(super) fn routed(
        &mut self,
        mut batch: Batch,
        router: RouterChoice,
        routed: Result<Routed, PluginError>,
    ) {
        let run = batch.run;
        let trial = batch.trial;
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        conduct.asked -= 1;
        let routed = routed.and_then(|routed| self.within_bounds(run, &router, routed));
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        let (mut answer, by, fuel) = match routed {
            Ok(Routed { answer, fuel }) => {
                if conduct.router == router {
                    conduct.failures = 0;
                }
                conduct.stands(&router, &answer.state);
                self.recovered(&router);
                (answer, router, fuel)
            }
            Err(error) => {
                self.degraded(run, &router, &error);
                (least_loaded(&batch.snapshot), host_choice(), 0)
            }
        };
        let decision = decide::record(&mut batch.snapshot, &mut answer, by, fuel);
        self.carry_out(&batch, &answer, Decision { trial, ..decision });
        self.cast_shadow(run, &batch.snapshot);
    }

    fn carry_out(&mut self, batch: &Batch, answer: &Answer, decision: Decision) {
        let now = self.around.clock.now();
        let mut left: HashMap<AgentId, u32> = HashMap::new();
        for worker in &mut self.pool.workers {
            worker.running = self.board.load(worker.agent.id);
            left.insert(worker.agent.id, worker.room(now));
        }
        let mut places = self.places_left();
        let board = &self.board;
        let current = |task: &Task| board.task(task.id) == Some(task);
        let (purse, pool) = (&mut self.purse, &self.pool);
        let verdict =
            decide::act(batch, answer, Some(decision), now, now + LEASE, current, |prepared, agent| {
                let Some(room) = left.get_mut(&agent).filter(|room| **room > 0 && places > 0) else {
                    return Place::None;
                };
                let budget = |task: &Task| board.terms(task.terms).budget;
                let above =
                    board.ancestors(&prepared.task).map(|task| (Account::Task(task.id), budget(task)));
                let above = above.filter(|(_, cap)| !cap.is_none()).collect();
                let place = purse.take(prepared, above, pool.get(agent), now);
                *room -= u32::from(place != Place::None);
                places -= u32::from(place != Place::None);
                place
            });
        for task in verdict.returned {
            self.board.return_(task);
        }
        for op in &verdict.ops {
            if let Op::Assign(assign) = op {
                assign.picks.iter().for_each(|pick| self.board.promise(pick.task, pick.agent));
            }
        }
        for prepared in &batch.tasks {
            self.staged.insert(prepared.task.id, prepared.clone());
        }
        self.pending.extend(verdict.ops);
    }

    /// A router gave no usable answer. After some in a row the one before it comes back, or where there is none that
    /// has not failed, the host decides by itself from then on.
    fn degraded(&mut self, run: RunId, router: &RouterChoice, error: &PluginError) {
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        let failed = !matches!(error, PluginError::Host { .. });
        conduct.failures += u32::from(failed && conduct.router == *router);
        let why = error.to_string();
        tracing::warn!("{run}: the host decides by itself: {why}");
        let fact = Fact::RouterDegraded {
            router: router.name.clone(),
            why: why.clone(),
            in_a_row: conduct.failures,
        };
        self.pending.push(Op::Note { run: Some(run), task: None, fact });
        if failed {
            self.stumbled(router, &why);
        }
        let Some(conduct) = self.conducts.get_mut(&run) else { return };
        if conduct.failures >= PATIENCE {
            conduct.failures = 0;
            conduct.rolled_back.insert(conduct.router.digest.clone());
            let before = conduct.before.take().filter(|before| !conduct.rolled_back.contains(&before.digest));
            let to = before.unwrap_or_else(host_choice);
            conduct.before = Some(std::mem::replace(&mut conduct.router, to.clone()));
            self.pending.push(Op::UseRouter { run, router: to, why: RouterChange::RolledBack { why } });
        }
    }
}

/// The host's own choice, as decisions are recorded.
fn host_choice() -> RouterChoice {
    RouterChoice { name: LEAST_LOADED.into(), digest: LEAST_LOADED_DIGEST.into() }
}

pub(super) fn is_host(router: &RouterChoice) -> bool {
    router.name == LEAST_LOADED
}
