use std::collections::BTreeMap;

use baton_core::budget::{Budget, Cap, Caps, Money};
use baton_core::fault::ErrorClass;
use baton_core::plan::Workstream;
use baton_core::usage::Usage;
use baton_plugin::router::least_loaded;

use super::*;
use crate::decide::{Answered, Asking, Batch};
use crate::testing::{RUN, TERMS, agent, failed, in_state, ready, running};

const NOW: Time = Time(1_000);

/// Attempts of three ready tasks by one agent that does two at once.
struct House {
    attempts: Attempts,
    board: Board,
    pool: Pool,
}

fn money(amount: u64) -> Cap {
    Cap { money: Some(Money(amount)), ..Cap::default() }
}

impl House {
    fn new(caps: Caps, limits: ConcurrencyLimits, places: Places, policy: TaskPolicy) -> Self {
        let mut board = Board::default();
        board.put_terms(TERMS, policy);
        (1..=3).for_each(|id| board.put(ready(id)));
        let mut pool = Pool::default();
        pool.put(agent(1, "ann", &["work"]));
        let gate = BudgetGate::new(Budget { caps, ..Budget::default() });
        Self { attempts: Attempts::new(gate, limits, places), board, pool }
    }

    fn free() -> Self {
        Self::new(Caps::default(), ConcurrencyLimits::default(), Places::unlimited(), TaskPolicy::default())
    }

    fn pick(&mut self) -> Option<Vec<i64>> {
        for worker in &mut self.pool.workers {
            worker.running = self.board.load(worker.agent.id);
        }
        let picked = self.attempts.pick(RUN, 9, &mut self.board, &self.pool, NOW)?;
        Some(picked.into_iter().map(|id| id.0).collect())
    }

    /// A router's answer that assigns these tasks.
    fn answered(&self, ids: &[i64]) -> Answered {
        let prepared = |id: &i64| Prepared {
            task: self.board.task(TaskId(*id)).expect("it is on the board").clone(),
            spec: Workstream::named(format!("t{id}")),
            feedback: Vec::new(),
            consulted: (0, None),
            avoid: Vec::new(),
            inputs: Vec::new(),
        };
        let tasks = ids.iter().map(prepared).collect();
        let config = BTreeMap::new();
        let asking = Asking {
            now: NOW,
            seed: Seed(1),
            config: &config,
            state: Vec::new(),
            consultations: 0,
            trial: None,
        };
        let batch: Box<Batch> = Box::new(decide::batch(RUN, tasks, &self.pool, &self.board, asking));
        let answer = least_loaded(&batch.snapshot);
        Answered { batch, answer, decision: None }
    }

    fn admit(&mut self, ids: &[i64]) -> Vec<Op> {
        let answered = self.answered(ids);
        self.attempts.admit(answered, &mut self.board, &self.pool, NOW)
    }

    /// The store has assigned a task, and its attempt starts.
    fn start(&mut self, id: i64) -> Box<Order> {
        let task = running(id, 1);
        self.board.return_(task.id);
        self.board.put(task.clone());
        let mut prepared = self.attempts.prepared(task.id).expect("it was admitted");
        prepared.task = task;
        let card = &self.pool.workers[0].agent.card;
        let (work_dir, lease_until) = (WorkDir::Configured, NOW + LEASE);
        let begin = Begin { prepared, agent: AgentId(1), card, seed: Seed(1), work_dir, lease_until };
        let started = self.attempts.start(begin, NOW);
        self.attempts.answered(TaskId(id));
        match started {
            Effect::Start(Work::Attempt(order)) => order,
            other => panic!("an attempt is to start, not {other:?}"),
        }
    }

    fn end(&mut self, id: i64, result: attempt::Result, cost: Option<u64>) -> Vec<Op> {
        let used = Usage { cost_micros: cost, ..Usage::default() };
        let (task, epoch, agent) = (TaskId(id), Epoch(1), AgentId(1));
        let ended = Ended { task, epoch, agent, started: NOW, used, reached: cost.is_some() };
        let effects = self.attempts.ended(&ended, result, &self.board, &self.pool, NOW);
        let op = |effect| match effect {
            Effect::Apply(op) => op,
            Effect::Start(work) => panic!("{work:?}"),
        };
        effects.into_iter().map(op).collect()
    }
}

fn picks(ops: &[Op]) -> Vec<(i64, Option<u64>)> {
    let assigned = ops.iter().filter_map(|op| match op {
        Op::Assign(assign) => Some(&assign.picks),
        _ => None,
    });
    assigned.flatten().map(|pick| (pick.task.0, pick.reserve.map(|amount| amount.money.0))).collect()
}

fn claimed() -> attempt::Result {
    attempt::Result::Claimed(Outcome { summary: "done".into(), ..Outcome::default() })
}

#[test]
fn as_many_are_picked_as_agents_have_room_for() {
    let mut house = House::free();
    assert_eq!(house.pick(), Some(vec![1, 2]));
    assert_eq!(house.pick(), Some(vec![3]), "what is picked is away");
}

#[test]
fn limits_hold_in_all_and_by_key() {
    let limits =
        |running, gpu| ConcurrencyLimits { running, keys: BTreeMap::from([("gpu".to_owned(), gpu)]) };
    let policy = || TaskPolicy { keys: vec!["gpu".into()], ..TaskPolicy::default() };
    for limits in [limits(Some(1), 9), limits(None, 1)] {
        let mut house = House::new(Caps::default(), limits, Places::unlimited(), policy());
        assert_eq!(house.pick(), Some(vec![1]));
        house.admit(&[1]);
        house.start(1);
        assert_eq!(house.pick(), Some(vec![]), "the place is taken");
        house.board.put(in_state(1, State::Succeeded { at: NOW }));
        house.end(1, claimed(), None);
        assert_eq!(house.pick(), Some(vec![2]));
    }
}

#[test]
fn a_host_without_places_picks_nothing() {
    let places = Places { most: 1, ..Places::unlimited() };
    let mut house = House::new(Caps::default(), ConcurrencyLimits::default(), places, TaskPolicy::default());
    assert_eq!(house.pick(), Some(vec![1]));
    house.admit(&[1]);
    house.start(1);
    assert_eq!(house.pick(), None);
    house.board.put(ready(1));
    assert_eq!(house.pick(), None, "what was stopped keeps its place until it is gone");
    house.end(1, failed(ErrorClass::Crashed), None);
    assert_eq!(house.pick(), Some(vec![1]));
}

#[test]
fn what_an_answer_assigns_twice_gets_one_place() {
    let mut house = House::free();
    house.pick();
    house.board.depart(TaskId(3));
    assert_eq!(picks(&house.admit(&[1, 2, 3])), [(1, None), (2, None)]);
    assert!(!house.board.is_away(TaskId(3)), "its agent is full, and it is asked about again");
    assert_eq!(house.board.load(AgentId(1)), 2);
}

#[test]
fn a_task_that_moved_meanwhile_is_not_assigned() {
    let mut house = House::free();
    house.pick();
    let answered = house.answered(&[1, 2]);
    house.board.put(Task { priority: 9, ..ready(1) });
    let ops = house.attempts.admit(answered, &mut house.board, &house.pool, NOW);
    assert_eq!(picks(&ops), [(2, None)]);
    assert!(!house.board.is_away(TaskId(1)), "it is asked about again");
}

#[test]
fn money_is_set_aside_and_settled_and_a_cap_that_is_used_up_starts_nothing_more() {
    let caps = Caps { attempt: money(40), run: money(60), ..Caps::default() };
    let mut house =
        House::new(caps, ConcurrencyLimits::default(), Places::unlimited(), TaskPolicy::default());
    house.pick();
    assert_eq!(picks(&house.admit(&[1, 2])), [(1, Some(40)), (2, Some(20))]);
    house.start(1);
    house.start(2);
    assert!(house.attempts.gate().spent(RUN, NOW).is_some(), "all of it is set aside");
    assert_eq!(house.pick(), None);
    let ops = house.end(1, claimed(), Some(10));
    assert!(matches!(&ops[0], Op::Charge { bill, .. } if bill.cost == Money(10)), "{ops:?}");
    assert!(matches!(&ops[1], Op::Finish { end: End::Accepted { .. }, .. }), "{ops:?}");
    assert!(house.attempts.gate().spent(RUN, NOW).is_none(), "30 are there again");
    house.board.put(in_state(1, State::Succeeded { at: NOW }));
    assert_eq!(house.pick(), Some(vec![3]));
    house.attempts.gate_mut().close(RUN);
    assert!(!house.attempts.gate().is_spent_out(RUN, NOW));
}

#[test]
fn what_was_set_aside_for_a_pick_that_the_store_refused_is_there_again() {
    let caps = Caps { attempt: money(40), run: money(40), ..Caps::default() };
    let mut house =
        House::new(caps, ConcurrencyLimits::default(), Places::unlimited(), TaskPolicy::default());
    house.pick();
    assert_eq!(picks(&house.admit(&[1])), [(1, Some(40))]);
    assert!(house.attempts.gate().spent(RUN, NOW).is_some());
    house.attempts.answered(TaskId(1));
    assert!(house.attempts.gate().spent(RUN, NOW).is_none());
}

#[test]
fn a_task_that_comes_back_after_attempts_that_nobody_remembers_wants_its_history() {
    let caps = Caps { task: money(40), ..Caps::default() };
    let mut house =
        House::new(caps, ConcurrencyLimits::default(), Places::unlimited(), TaskPolicy::default());
    let again = Task { epoch: Epoch(2), ..ready(1) };
    assert!(house.attempts.gate().wants_history(&again, Cap::default()));
    house
        .attempts
        .gate_mut()
        .spend_task(&again, baton_core::budget::Amount { money: Money(40), ..Default::default() });
    assert!(!house.attempts.gate().wants_history(&again, Cap::default()));
    house.board.put(again);
    house.pick();
    let ops = house.admit(&[1]);
    assert!(matches!(&ops[..], [Op::Reject { fault, .. }] if fault.class == ErrorClass::Budget), "{ops:?}");
}

#[test]
fn a_claim_that_is_to_be_judged_stays_in_hand_until_its_task_moves_on() {
    let policy = TaskPolicy { validated: true, ..TaskPolicy::default() };
    let mut house = House::new(Caps::default(), ConcurrencyLimits::default(), Places::unlimited(), policy);
    house.pick();
    house.admit(&[1, 2]);
    house.start(1);
    house.start(2);
    for id in [1, 2] {
        let ops = house.end(id, claimed(), None);
        assert!(matches!(&ops[..], [Op::Claim { .. }]), "{ops:?}");
    }
    let claim = house.attempts.take_claim(&running(1, 1)).expect("it was claimed here");
    assert_eq!((claim.outcome.summary.as_str(), claim.agent.as_deref()), ("done", Some("ann")));
    house.attempts.moved(&Task { epoch: Epoch(2), ..ready(2) });
    assert!(house.attempts.take_claim(&running(2, 1)).is_none());
}

#[test]
fn an_attempt_whose_task_moves_on_loses_its_right_to_act() {
    let reasons = |moved: Task| {
        let mut house = House::free();
        house.pick();
        house.admit(&[1]);
        let order = house.start(1);
        house.attempts.moved(&moved);
        order.cancellation.reason()
    };
    assert_eq!(reasons(running(1, 1)), None);
    assert_eq!(reasons(Task { cancelling: true, ..running(1, 1) }), Some(CancelReason::Cancelled));
    assert_eq!(reasons(running(1, 2)), Some(CancelReason::LeaseLost));
    assert_eq!(reasons(ready(1)), Some(CancelReason::LeaseLost));
    let asked = State::Waiting { stage: WaitingOn::Person, need: None, since: NOW };
    assert_eq!(reasons(Task { epoch: Epoch(1), ..in_state(1, asked) }), Some(CancelReason::AwaitingPerson));
}

#[test]
fn leases_are_renewed_when_half_of_them_is_gone() {
    let mut house = House::free();
    house.pick();
    house.admit(&[1]);
    house.start(1);
    assert_eq!(house.attempts.renew(NOW + LEASE / 2), None);
    let late = NOW + LEASE / 2 + Duration::from_millis(1);
    let leases = vec![(TaskId(1), Epoch(1))];
    assert_eq!(house.attempts.renew(late), Some(Op::Renew { leases, until: late + LEASE }));
}

#[test]
fn a_host_that_stops_gives_back_what_runs_and_charges_what_it_used() {
    let mut house = House::free();
    house.pick();
    house.admit(&[1]);
    let order = house.start(1);
    order.meter.read(Usage { cost_micros: Some(5), ..Usage::default() });
    let ops = house.attempts.give_back(NOW);
    assert!(matches!(&ops[0], Op::Charge { bill, .. } if bill.cost == Money(5)), "{ops:?}");
    assert!(matches!(&ops[1], Op::Finish { end: End::Released { begun: Begun::Yes, .. }, .. }), "{ops:?}");
    assert_eq!(order.cancellation.reason(), Some(CancelReason::LeaseLost));
}
