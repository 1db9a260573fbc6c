//! The scheduler on a store in memory: what passes from one owner to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::agent::breaker;
use baton_core::clock::{Clock, ClockSkew, Time};
use baton_core::id::Epoch;
use baton_core::op::{Applied, Change, Reply, Submission};
use baton_core::outcome::Outcome;
use baton_core::plan::{Plan, Validator, Workstream};
use baton_core::seed::Seed;
use baton_core::task::State;
use baton_core::usage::Usage;
use baton_plugin::router::{Answer, Choice, Decision, NewTask, Routed, least_loaded};
use baton_store::Store;

use super::*;
use crate::attempts::budget_gate::BudgetGate;
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::attempts::places::Places;
use crate::decide::Batch;
use crate::effect::{Judge, Order};
use crate::in_flight::InFlight;
use crate::testing::{RUN, agent, router};

const NOW: Time = Time(1_000);

/// One that has not read any rows.
fn scheduler() -> Scheduler {
    let attempts = Attempts::new(BudgetGate::default(), ConcurrencyLimits::default(), Places::unlimited());
    Scheduler::new(Parts {
        catalog: Catalog::default(),
        people: Arc::new(QuestionPolicy::default()),
        attempts,
        routing: Routing::default(),
        health: Health::new(breaker::BreakerPolicy::default(), BTreeMap::new()),
        in_trees: false,
    })
}

/// A scheduler with one agent, and the store behind it.
struct House {
    store: Store,
    scheduler: Scheduler,
}

impl House {
    fn new() -> Self {
        let store = Store::in_memory(Clock::manual(NOW)).expect("memory is there");
        let mut scheduler = scheduler();
        scheduler.recover(store.reader(), ClockSkew::None, NOW).expect("the store is empty");
        let mut house = Self { store, scheduler };
        house.apply(vec![Op::PutAgent { card: agent(1, "ann", &["work"]).card }]);
        house
    }

    fn with(specs: Vec<Workstream>) -> Self {
        let mut house = Self::new();
        house.submit(specs);
        house
    }

    fn submit(&mut self, workstreams: Vec<Workstream>) {
        let plan = Plan { name: "test".into(), workstreams };
        let submission = Submission { plan, seed: Seed(1), router: router("own"), key: None };
        self.apply(vec![Op::Submit(Box::new(submission))]);
    }

    fn apply(&mut self, ops: Vec<Op>) -> Vec<Applied> {
        let sent = InFlight::of(&ops);
        let answers = self.store.apply(ops);
        let rows = self.store.reader();
        self.scheduler.committed(&answers, &sent, rows, NOW).expect("the store is there");
        answers.into_iter().map(|answer| answer.expect("it is carried out")).collect()
    }

    /// Has the scheduler take a turn, sends what it asks for to the store, and says what work it wants done.
    fn turn(&mut self) -> Vec<Work> {
        self.scheduler.turn(self.store.reader(), NOW);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Vec<Work> {
        let (mut ops, mut work) = (Vec::new(), Vec::new());
        for effect in self.scheduler.take_effects() {
            match effect {
                Effect::Apply(op) => ops.push(op),
                Effect::Start(Work::Teach(lesson)) => self.teach(*lesson),
                Effect::Start(one) => work.push(one),
            }
        }
        if !ops.is_empty() {
            self.apply(ops);
            work.extend(self.carry_out());
        }
        work
    }

    /// The router does not learn.
    fn teach(&mut self, Lesson { run, router, aside, cursor, config: _ }: Lesson) {
        let (taught, took) = (Ok(Learned::never(cursor)), Duration::ZERO);
        self.scheduler.done(Done::Taught { run, router, aside, taught, took }, NOW);
    }

    /// The question that a router is asked, in this turn or after its lesson in the next one.
    fn question(&mut self) -> (Box<Batch>, RouterChoice) {
        match self.turn().pop().or_else(|| self.turn().pop()) {
            Some(Work::Route { batch, router }) => (batch, router),
            other => panic!("a router is to be asked, not {other:?}"),
        }
    }

    /// Has everything done that can be done now.
    fn rest(&mut self) {
        for _ in 0..3 {
            assert!(self.turn().is_empty(), "no work is left");
        }
    }

    fn answer(&mut self, (batch, router): (Box<Batch>, RouterChoice), answer: Answer) {
        let routed = Ok(Routed { answer, fuel: 0 });
        self.scheduler.done(Done::Routed { batch, router, routed }, NOW);
    }

    /// Has the one ready task assigned, and says what attempt that starts.
    fn attempt(&mut self) -> Box<Order> {
        let asked = self.question();
        let answer = least_loaded(&asked.0.snapshot);
        self.answer(asked, answer);
        match self.carry_out().pop() {
            Some(Work::Attempt(order)) => order,
            other => panic!("an attempt is to start, not {other:?}"),
        }
    }

    fn end(&mut self, order: &Order, result: attempt::Result) {
        let (task, epoch) = (order.prepared.task.id, order.prepared.task.epoch);
        let (agent, started, used) = (order.agent, order.started, Usage::default());
        let ended = Ended { task, epoch, agent, started, used, reached: false };
        self.scheduler.done(Done::Ended { ended, result }, NOW);
    }

    fn state(&self, name: &str) -> State {
        let rows = self.store.reader();
        let id = baton_store::read::task_named(rows, RUN, name).expect("readable").expect("it is there");
        baton_store::read::task(rows, id).expect("readable").expect("it is there").state
    }
}

fn task(name: &str) -> Workstream {
    Workstream { skills: vec!["work".into()], ..Workstream::named(name) }
}

#[test]
fn a_task_goes_from_its_submission_to_its_end_and_its_run_settles() {
    let mut house = House::with(vec![task("a")]);
    let order = house.attempt();
    house.end(&order, attempt::Result::Claimed(Outcome::default()));
    house.rest();
    assert!(matches!(house.state("a"), State::Succeeded { .. }));
    assert_eq!(house.scheduler.phase(RUN, NOW), Phase::Settled);
}

#[test]
fn a_host_that_drains_starts_nothing_by_an_answer_that_was_on_its_way() {
    let mut house = House::with(vec![task("a")]);
    let asked = house.question();
    let answer = least_loaded(&asked.0.snapshot);
    house.scheduler.drain();
    house.answer(asked, answer);
    assert!(house.carry_out().is_empty() && house.turn().is_empty());
    assert!(matches!(house.state("a"), State::Ready { .. }));
    assert!(house.scheduler.is_drained());
    assert!(!house.scheduler.runs.board().is_away(TaskId(1)), "the next host takes it up");
}

#[test]
fn a_host_that_drains_consults_nobody() {
    let mut house = House::with(vec![task("a")]);
    let asked = house.question();
    let new = NewTask {
        name: "look".into(),
        title: String::new(),
        input: "null".into(),
        skills: vec!["work".into()],
        agent: None,
        depends_on: Vec::new(),
        executor: None,
        validators: Vec::new(),
        estimate: None,
        attrs: Vec::new(),
    };
    let decisions = vec![Decision { request: 0, choice: Choice::Consult(new) }];
    house.scheduler.drain();
    house.answer(asked, Answer { decisions, factors: Vec::new(), state: Vec::new() });
    assert!(house.carry_out().is_empty() && house.turn().is_empty());
    assert!(matches!(house.state("a"), State::Ready { .. }));
}

#[test]
fn a_host_that_drains_gives_back_what_the_store_has_just_assigned() {
    let mut house = House::with(vec![task("a")]);
    let asked = house.question();
    let answer = least_loaded(&asked.0.snapshot);
    house.answer(asked, answer);
    house.scheduler.drain();
    assert!(house.carry_out().is_empty(), "no attempt starts");
    assert!(matches!(house.state("a"), State::Ready { .. }));
    let rows = house.store.reader();
    let attempts = baton_store::read::history::attempts(rows, TaskId(1)).expect("readable");
    assert_eq!(attempts.len(), 1);
    assert_eq!(
        house.scheduler.runs.board().task(TaskId(1)).map(|task| task.attempts),
        Some(0),
        "nobody is charged"
    );
}

#[test]
fn a_claimed_outcome_is_judged_as_it_was_handed_in() {
    let validator = Validator { uses: "schema".into(), ..Validator::default() };
    let mut house = House::with(vec![Workstream { validators: vec![validator], ..task("a") }]);
    let order = house.attempt();
    let outcome = Outcome { summary: "done".into(), ..Outcome::default() };
    house.end(&order, attempt::Result::Claimed(outcome.clone()));
    assert!(house.carry_out().is_empty());
    let judged = match house.turn().pop() {
        Some(Work::Judge(judge)) => judge,
        other => panic!("its validators are to be asked, not {other:?}"),
    };
    let Judge { outcome: claimed, .. } = *judged;
    assert_eq!(claimed.summary, outcome.summary);
    assert_eq!(claimed.attrs.get("baton.agent").map(String::as_str), Some("ann"));
}

#[test]
fn a_commit_says_what_it_changed_and_nothing_else_is_read_again() {
    let mut house = House::new();
    house.submit(vec![task("a")]);
    house.submit(vec![task("b")]);
    let changed = |applied: Vec<Applied>| applied.into_iter().flat_map(|one| one.also).collect::<Vec<_>>();
    let held = changed(house.apply(vec![Op::HoldRun { run: RUN }]));
    assert!(matches!(&held[..], [Change::Run(run)] if run.run == RUN && run.held), "{held:?}");
    assert_eq!(
        [house.scheduler.runs.board().is_held(RUN), house.scheduler.runs.board().is_held(RunId(2))],
        [true, false]
    );
    assert_eq!(changed(house.apply(vec![Op::HoldRun { run: RUN }])), [], "it was held already");
    let ann = house.scheduler.pool().workers[0].agent.id;
    let drained = Op::SetStanding { agent: ann, standing: baton_core::agent::Standing::Draining };
    assert!(matches!(&changed(house.apply(vec![drained]))[..], [Change::Agent(_)]));
    assert_eq!(changed(house.apply(vec![Op::RemoveAgent { agent: ann }])), [Change::AgentRemoved(ann)]);
    assert!(house.scheduler.pool().workers.is_empty());
}

#[test]
fn nothing_is_kept_of_runs_that_have_settled() {
    let mut house = House::new();
    for run in 1..=20 {
        house.submit(vec![task("a")]);
        let order = house.attempt();
        house.end(&order, attempt::Result::Claimed(Outcome::default()));
        house.rest();
        assert_eq!(house.scheduler.phase(RunId(run), NOW), Phase::Settled);
    }
    assert!(house.scheduler.runs.is_idle());
    assert_eq!(house.scheduler.runs.board().runs().count(), 0);
    assert_eq!(house.scheduler.routing.routers(RunId(1)), []);
}

#[test]
fn a_settled_run_that_is_extended_goes_on_with_what_is_known_of_it() {
    let mut house = House::with(vec![task("a")]);
    let order = house.attempt();
    house.end(&order, attempt::Result::Claimed(Outcome::default()));
    house.rest();
    let replies = house.apply(vec![Op::Extend { run: RUN, workstreams: vec![task("b")] }]);
    assert_eq!(replies[0].reply, Reply::Run { run: RUN, fresh: false });
    assert_eq!(house.scheduler.phase(RUN, NOW), Phase::Active);
    assert_eq!(house.attempt().prepared.spec.id, "b");
}

#[test]
fn an_executor_is_asked_about_its_task_and_what_it_answers_is_applied() {
    let composite = Workstream { executor: Some("parallel".into()), ..task("a") };
    let mut house = House::with(vec![composite]);
    assert!(house.turn().is_empty(), "it is handed to its executor first");
    let advance = match house.turn().pop() {
        Some(Work::Advance(advance)) => advance,
        other => panic!("the executor is to be asked, not {other:?}"),
    };
    assert_eq!((advance.executor.as_str(), advance.rounds), ("parallel", 0));
    let (task, epoch) = (advance.prepared.task.id, advance.prepared.task.epoch);
    assert_eq!(epoch, Epoch(1));
    let end = End::Accepted { outcome: None, checks: Vec::new() };
    house.scheduler.done(Done::Answered { ops: vec![Op::Finish { task, epoch, end }] }, NOW);
    house.carry_out();
    assert!(matches!(house.state("a"), State::Succeeded { .. }));
}

#[test]
fn what_was_running_when_the_last_host_died_is_tried_again() {
    let mut house = House::with(vec![task("a")]);
    house.attempt();
    house.scheduler = scheduler();
    house.scheduler.recover(house.store.reader(), ClockSkew::None, NOW).expect("readable");
    house.carry_out();
    assert!(matches!(house.state("a"), State::Backoff { .. } | State::Ready { .. }));
    assert_eq!(house.scheduler.phase(RUN, NOW), Phase::Active);
}
