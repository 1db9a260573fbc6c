//! Attempts: what may start, what runs in this process and under which lease, what it uses and how it ended.

mod bill;
pub mod budget_gate;
pub mod concurrency_limits;
pub mod places;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::budget::ledger::Account;
use baton_core::clock::Time;
use baton_core::fault::Begun;
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::op::{End, Op};
use baton_core::outcome::Outcome;
use baton_core::seed::Seed;
use baton_core::task::{State, Task, TaskPolicy, WaitingOn};
use baton_plugin::capability::{CancelReason, Cancellation, UsageMeter};

use crate::attempt;
use crate::board::Board;
use crate::decide::{self, Place, Prepared, Room};
use crate::effect::{Effect, Ended, Order, Work};
use crate::land::{self, WorkDir};
use crate::pool::Pool;
use bill::{Means, bill};
use budget_gate::BudgetGate;
use concurrency_limits::ConcurrencyLimits;
use places::Places;

/// The term of a task's lease. It is renewed when half of it is gone.
pub const LEASE: Duration = Duration::from_secs(60);

/// An attempt that runs in this process.
struct Running {
    epoch: Epoch,
    cancellation: Arc<Cancellation>,
    lease_until: Time,
    started: Time,
    meter: Arc<UsageMeter>,
}

/// An outcome that was claimed and is still to be judged.
pub struct Claimed {
    pub epoch: Epoch,
    pub outcome: Outcome,
    /// Who made the attempt; none for a composite task.
    pub agent: Option<String>,
}

pub struct Attempts {
    running: HashMap<TaskId, Running>,
    gate: BudgetGate,
    limits: ConcurrencyLimits,
    places: Places,
    /// What routers were told of tasks that were just assigned, so that it is not read twice.
    prepared: HashMap<TaskId, Prepared>,
    claims: HashMap<TaskId, Claimed>,
}

impl Attempts {
    #[must_use]
    pub fn new(gate: BudgetGate, limits: ConcurrencyLimits, places: Places) -> Self {
        let (running, prepared, claims) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { running, gate, limits, places, prepared, claims }
    }

    #[must_use]
    pub fn gate(&self) -> &BudgetGate {
        &self.gate
    }

    pub fn gate_mut(&mut self) -> &mut BudgetGate {
        &mut self.gate
    }

    #[must_use]
    pub fn limits(&self) -> &ConcurrencyLimits {
        &self.limits
    }

    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The places of this host, if all are taken.
    #[must_use]
    pub fn full(&self, board: &Board, pool: &Pool) -> Option<Places> {
        (self.places_left(board, pool) == 0).then_some(self.places)
    }

    /// The terms of what runs, where anything limits how much may.
    #[must_use]
    pub fn limited(&self, board: &Board) -> Vec<Arc<TaskPolicy>> {
        if self.limits.is_none() { Vec::new() } else { board.under_way() }
    }

    /// How many more attempts this process can hold. One that was stopped keeps its place until it is gone.
    #[must_use]
    pub fn places_left(&self, board: &Board, pool: &Pool) -> u32 {
        let loads: u32 = pool.workers.iter().map(|worker| board.load(worker.agent.id)).sum();
        let left = self.places.most.saturating_sub(loads);
        let held = u32::try_from(self.running.len()).unwrap_or(u32::MAX);
        // Where there is room for as many again, nobody needs to know which of them were stopped.
        if held < left {
            return left - held;
        }
        let is_stopped = |id: &&TaskId| board.agent_of(**id).is_none();
        let stopped = self.running.keys().filter(is_stopped).count();
        left.saturating_sub(u32::try_from(stopped).unwrap_or(u32::MAX))
    }

    /// Picks ready tasks of a run for which there are agents, places and money; none where there is no room for anything.
    pub fn pick(
        &self,
        run: RunId,
        most: usize,
        board: &mut Board,
        pool: &Pool,
        now: Time,
    ) -> Option<Vec<TaskId>> {
        let mut room = Room::of(pool, now, self.places_left(board, pool));
        if room.is_none() {
            return None;
        }
        if self.gate.spent(run, now).is_some() {
            return Some(Vec::new());
        }
        let broke = self.gate.exhausted_families();
        let is_busy = |id: TaskId, above: &[TaskId]| {
            self.running.contains_key(&id) || above.iter().any(|parent| broke.contains(parent))
        };
        let unlimited = self.limits.is_none();
        let under_way = self.limited(board);
        let mut left = self.limits.remaining(under_way.iter().map(Arc::as_ref));
        Some(board.pick(run, most, is_busy, |task, terms| {
            let placed = (unlimited || left.fits(terms)) && room.take(pool, task.terms, terms);
            if placed && !unlimited {
                left.add(terms);
            }
            placed
        }))
    }

    /// Turns a router's answer into operations: what it assigns gets a place and its money set aside. The pool has the
    /// loads of this moment.
    pub fn admit(
        &mut self,
        answered: decide::Answered,
        board: &mut Board,
        pool: &Pool,
        now: Time,
    ) -> Vec<Op> {
        let decide::Answered { batch, answer, decision } = answered;
        let mut left: HashMap<AgentId, u32> =
            pool.workers.iter().map(|worker| (worker.agent.id, worker.room(now))).collect();
        let mut places = self.places_left(board, pool);
        let (gate, on_board) = (&mut self.gate, &*board);
        let is_current = |task: &Task| on_board.task(task.id) == Some(task);
        let room = |prepared: &Prepared, agent: AgentId| {
            let Some(room) = left.get_mut(&agent).filter(|room| **room > 0 && places > 0) else {
                return Place::None;
            };
            let budget = |task: &Task| on_board.terms(task.terms).budget;
            let above = on_board.ancestors(&prepared.task).map(|task| (Account::Task(task.id), budget(task)));
            let above = above.filter(|(_, cap)| !cap.is_none()).collect();
            let place = gate.take(prepared, above, pool.get(agent), now);
            *room -= u32::from(place != Place::None);
            places -= u32::from(place != Place::None);
            place
        };
        let verdict = decide::act(&batch, &answer, decision, now, now + LEASE, is_current, room);
        for task in verdict.returned {
            board.return_(task);
        }
        let mut picked = HashSet::new();
        for op in &verdict.ops {
            if let Op::Assign(assign) = op {
                picked.extend(assign.picks.iter().map(|pick| pick.task));
                assign.picks.iter().for_each(|pick| board.promise(pick.task, pick.agent));
            }
        }
        let kept = batch.tasks.into_iter().filter(|prepared| picked.contains(&prepared.task.id));
        self.prepared.extend(kept.map(|prepared| (prepared.task.id, prepared)));
        verdict.ops
    }

    /// What a router was told of a task that starts now.
    pub fn prepared(&mut self, task: TaskId) -> Option<Prepared> {
        self.prepared.remove(&task)
    }

    /// The store has answered what was on its way about a task: what was set aside for a pick that it did not carry out is
    /// there again.
    pub fn answered(&mut self, task: TaskId) {
        self.prepared.remove(&task);
        let under_way = self.running.get(&task).map(|running| running.epoch);
        self.gate.release(task, under_way);
    }

    /// Whether the attempt that the store has recorded runs here already.
    #[must_use]
    pub fn runs(&self, task: &Task) -> bool {
        self.running.get(&task.id).is_some_and(|running| running.epoch == task.epoch)
    }

    /// Whether an attempt of a task, whichever, has not ended yet.
    #[must_use]
    pub fn holds(&self, task: TaskId) -> bool {
        self.running.contains_key(&task)
    }

    /// Starts the attempt that the store has just recorded.
    pub fn start(&mut self, begin: Begin<'_>, now: Time) -> Effect {
        let Begin { prepared, agent, card, seed, work_dir, lease_until } = begin;
        let (id, epoch) = (prepared.task.id, prepared.task.epoch);
        let cancellation = Arc::new(Cancellation::default());
        let meter = Arc::new(self.gate.meter((id, epoch), card));
        let own = (Arc::clone(&cancellation), Arc::clone(&meter));
        self.running
            .insert(id, Running { epoch, cancellation: own.0, lease_until, started: now, meter: own.1 });
        let card = Arc::new(card.clone());
        Work::Attempt(Box::new(Order {
            prepared,
            agent,
            card,
            cancellation,
            meter,
            seed,
            started: now,
            work_dir,
        }))
        .into()
    }

    /// What can't start after all is given back, without blame.
    pub fn give_up(&mut self, task: &Task, why: &str) -> Effect {
        self.answered(task.id);
        let end = End::Released { why: why.to_owned(), begun: Begun::No };
        Op::Finish { task: task.id, epoch: task.epoch, end }.into()
    }

    /// An attempt whose task moved on without it has lost its right to act.
    pub fn moved(&mut self, task: &Task) {
        if self
            .claims
            .get(&task.id)
            .is_some_and(|claim| claim.epoch != task.epoch || task.state.is_terminal())
        {
            self.claims.remove(&task.id);
        }
        let Some(running) = self.running.get_mut(&task.id) else { return };
        match task.state {
            State::Running { lease_until, .. } if running.epoch == task.epoch => {
                running.lease_until = lease_until;
                if task.cancelling {
                    running.cancellation.cancel(CancelReason::Cancelled);
                }
            }
            State::Waiting { stage: WaitingOn::Person, .. } if running.epoch == task.epoch => {
                running.cancellation.cancel(CancelReason::AwaitingPerson);
            }
            _ => running.cancellation.cancel(CancelReason::LeaseLost),
        }
    }

    /// An attempt ended: it is charged, and what it claims is recorded.
    pub fn ended(
        &mut self,
        ended: &Ended,
        result: attempt::Result,
        board: &Board,
        pool: &Pool,
        now: Time,
    ) -> Vec<Effect> {
        let mut effects = self.charge(ended, &result, board, pool, now);
        let (id, epoch) = (ended.task, ended.epoch);
        if self.running.get(&id).is_some_and(|running| running.epoch == epoch) {
            self.running.remove(&id);
        }
        let Some(task) = board.task(id).filter(|task| task.epoch == epoch) else { return effects };
        let op = match result {
            attempt::Result::Claimed(outcome)
                if board.terms(task.terms).validated || land::claim(&outcome).is_some() =>
            {
                let agent = pool.get(ended.agent).map(|worker| worker.agent.card.name.clone());
                self.claimed(id, Claimed { epoch, outcome: outcome.clone(), agent });
                Op::Claim { task: id, epoch, outcome }
            }
            attempt::Result::Claimed(outcome) => {
                let outcome = (outcome != Outcome::default()).then_some(outcome);
                Op::Finish { task: id, epoch, end: End::Accepted { outcome, checks: Vec::new() } }
            }
            attempt::Result::Over(end) => Op::Finish { task: id, epoch, end },
            attempt::Result::Asked => return effects,
        };
        effects.push(op.into());
        effects
    }

    /// Keeps a claimed outcome until it is judged.
    pub fn claimed(&mut self, task: TaskId, claim: Claimed) {
        self.claims.insert(task, claim);
    }

    /// The outcome that is to be judged, if it was claimed since this host started. It is read from the store where the
    /// judges want to see more first and come back to it.
    pub fn take_claim(&mut self, task: &Task) -> Option<Claimed> {
        self.claims.remove(&task.id).filter(|claim| claim.epoch == task.epoch)
    }

    /// What an attempt used is charged in the transaction that ends it.
    fn charge(
        &mut self,
        ended: &Ended,
        result: &attempt::Result,
        board: &Board,
        pool: &Pool,
        now: Time,
    ) -> Vec<Effect> {
        let usage = match result {
            attempt::Result::Claimed(outcome) => outcome.usage.most(&ended.used),
            attempt::Result::Over(_) | attempt::Result::Asked => ended.used.clone(),
        };
        let attempt = (ended.task, ended.epoch);
        let reserved = self.gate.reserved(attempt);
        let tariff = pool.get(ended.agent).map(|worker| self.gate.tariff(&worker.agent.card));
        let means = Means {
            is_declared: tariff.as_ref().is_some_and(|tariff| tariff.attempt.is_some()),
            is_set_aside: reserved.is_some(),
            has_reached: ended.reached,
        };
        if usage.is_zero() && means.is_free(result) {
            self.gate.settle(attempt, None);
            return Vec::new();
        }
        let bill = bill(usage, tariff.as_ref(), reserved, now.since(ended.started));
        let run = board.task(ended.task).map(|task| task.run);
        let notices = match reserved {
            Some(_) => self.gate.settle(attempt, Some(bill.amount())),
            None => {
                let task = board.task(ended.task);
                let above = task.into_iter().flat_map(|task| board.ancestors(task)).map(|task| task.id);
                let family = task.map(|task| task.id).into_iter().chain(above).collect();
                self.gate.spend(run, family, (ended.agent, ended.started), bill.amount());
                Vec::new()
            }
        };
        let charge = Op::Charge { task: ended.task, epoch: ended.epoch, bill: Box::new(bill) };
        let notes =
            notices.into_iter().map(|notice| Op::Note { run, task: None, fact: budget_gate::told(notice) });
        std::iter::once(charge).chain(notes).map(Effect::from).collect()
    }

    /// Renews leases of which half is gone.
    #[must_use]
    pub fn renew(&self, now: Time) -> Option<Op> {
        let half = |running: &Running| running.lease_until.since(now) < LEASE / 2;
        let due = self.running.iter().filter(|(_, running)| half(running));
        let leases: Vec<_> = due.map(|(id, running)| (*id, running.epoch)).collect();
        (!leases.is_empty()).then_some(Op::Renew { leases, until: now + LEASE })
    }

    /// Without a store, or with one that is another host's, nothing here may act any more.
    pub fn cut_off(&self) {
        for running in self.running.values() {
            running.cancellation.cancel(CancelReason::LeaseLost);
        }
    }

    /// Stops what runs and gives it back, without charging anyone but for what it has used.
    #[must_use]
    pub fn give_back(&self, now: Time) -> Vec<Op> {
        let mut ops = Vec::new();
        for (id, running) in &self.running {
            ops.extend(self.charge_running(*id, running, now));
        }
        for (id, running) in &self.running {
            running.cancellation.cancel(CancelReason::LeaseLost);
            let end = End::Released { why: "the host was stopped".into(), begun: Begun::Yes };
            ops.push(Op::Finish { task: *id, epoch: running.epoch, end });
        }
        ops
    }

    /// What an attempt that is cut off has used so far: by its own word, or else what was set aside for it.
    fn charge_running(&self, task: TaskId, running: &Running, now: Time) -> Option<Op> {
        let (meter, usage) = (&running.meter, running.meter.used());
        let reserved = self.gate.reserved((task, running.epoch));
        let is_known = reserved.is_some() || meter.tariff.attempt.is_some();
        if usage.is_zero() && !(meter.has_reached() && is_known) {
            return None;
        }
        let bill = bill(usage, Some(&meter.tariff), reserved, now.since(running.started));
        Some(Op::Charge { task, epoch: running.epoch, bill: Box::new(bill) })
    }
}

/// What an attempt begins with.
pub struct Begin<'a> {
    pub prepared: Prepared,
    pub agent: AgentId,
    pub card: &'a Card,
    pub seed: Seed,
    pub work_dir: WorkDir,
    pub lease_until: Time,
}
