//! Random operations against a small model of what a task may become, with the store reopened at random. After each
//! step the store must be sound: rows equal to what their events say, counters equal to what they count.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::clock::{Clock, Time};
use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::op::{Assign, End, Op, Pick, Rejection, RouterChoice, Submission};
use baton_core::outcome::Outcome;
use baton_core::people::{Purpose, Question};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::policy::Retry;
use baton_core::task::{State, StateName};
use baton_store::{Home, Lock, Store, check, read};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::seed;

/// What may be asked of one of the tasks. `stale` uses an epoch that is out of date.
#[derive(Clone, Debug)]
enum Step {
    Assign,
    Accept {
        stale: bool,
    },
    Fail {
        stale: bool,
        class: ErrorClass,
    },
    Release {
        stale: bool,
    },
    Claim {
        stale: bool,
    },
    Ask {
        stale: bool,
    },
    Answer,
    LoseLease,
    Due,
    Hold,
    Unhold,
    Cancel,
    Redrive,
    Drop,
    /// The process dies and another opens the store.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop_oneof![
        Just(ErrorClass::Transient),
        Just(ErrorClass::InvalidInput),
        Just(ErrorClass::Crashed),
        Just(ErrorClass::RateLimited),
    ];
    prop_oneof![
        6 => Just(Step::Assign),
        4 => any::<bool>().prop_map(|stale| Step::Accept { stale }),
        4 => (any::<bool>(), class).prop_map(|(stale, class)| Step::Fail { stale, class }),
        1 => any::<bool>().prop_map(|stale| Step::Release { stale }),
        1 => any::<bool>().prop_map(|stale| Step::Claim { stale }),
        2 => any::<bool>().prop_map(|stale| Step::Ask { stale }),
        2 => Just(Step::Answer),
        1 => Just(Step::LoseLease),
        3 => Just(Step::Due),
        1 => Just(Step::Hold),
        1 => Just(Step::Unhold),
        1 => Just(Step::Cancel),
        2 => Just(Step::Redrive),
        1 => Just(Step::Drop),
        1 => Just(Step::Reopen),
    ]
}

/// The tasks by name, with what each depends on: a diamond and a tail.
const TASKS: [(&str, &[&str]); 5] =
    [("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["d"])];
const ATTEMPTS: u32 = 2;
const CRASHES: u32 = 2;

/// What the model holds of a task.
#[derive(Clone, Debug)]
struct Mind {
    state: StateName,
    /// It waits for a person, if it waits.
    asked: bool,
    held: bool,
    cancelling: bool,
    attempts: u32,
    crashes: u32,
}

struct Model(BTreeMap<&'static str, Mind>);

impl Model {
    fn new() -> Self {
        let fresh = Mind {
            state: StateName::Blocked,
            asked: false,
            held: false,
            cancelling: false,
            attempts: 0,
            crashes: 0,
        };
        let mut model = Self(TASKS.iter().map(|(name, _)| (*name, fresh.clone())).collect());
        model.settle();
        model
    }

    fn mind(&mut self, name: &str) -> &mut Mind {
        self.0.get_mut(name).expect("all tasks are known")
    }

    /// Blocked tasks whose dependencies have all succeeded are ready.
    fn settle(&mut self) {
        for (name, on) in TASKS {
            let met = on.iter().all(|parent| self.0[parent].state == StateName::Succeeded);
            if met && self.0[name].state == StateName::Blocked {
                self.mind(name).state = StateName::Ready;
            }
        }
    }

    /// Applies a step if a task as it is allows it.
    fn apply(&mut self, name: &'static str, step: &Step) {
        use StateName::{Backoff, Blocked, Cancelled, Failed, Ready, Running, Skipped, Succeeded, Waiting};
        let mind = self.mind(name);
        match (step, mind.state) {
            (Step::Assign, Ready) if !mind.held => {
                mind.state = Running;
                mind.attempts += 1;
            }
            (Step::Accept { stale: false }, Waiting) if mind.asked => {}
            (Step::Fail { stale: false, .. }, Waiting) if mind.asked => {}
            (Step::Claim { stale: false } | Step::Ask { stale: false }, Running) if mind.cancelling => {
                mind.end(Cancelled);
            }
            (Step::Ask { stale: false }, Running) => {
                mind.state = Waiting;
                mind.asked = true;
                mind.attempts -= 1;
            }
            (Step::Answer, Waiting) if mind.asked => mind.state = Ready,
            (Step::Accept { stale: false }, Running | Waiting) => mind.state = Succeeded,
            (Step::Claim { stale: false }, Running) => {
                mind.state = Waiting;
                mind.asked = false;
            }
            (Step::Release { stale: false }, Running) if mind.cancelling => mind.end(Cancelled),
            (Step::Release { stale: false }, Running) => {
                mind.state = Ready;
                mind.attempts -= 1;
            }
            (Step::Fail { stale: false, .. } | Step::LoseLease, Running) if mind.cancelling => {
                mind.end(Cancelled)
            }
            (Step::Fail { stale: false, class }, Running | Waiting) => mind.fail(*class),
            (Step::LoseLease, Running) => mind.lose(),
            (Step::Due, Backoff) => mind.state = Ready,
            (Step::Hold, state) if !matches!(state, Succeeded | Failed | Cancelled | Skipped) => {
                mind.held = true
            }
            (Step::Unhold, _) => mind.held = false,
            (Step::Cancel, Running) => mind.cancelling = true,
            (Step::Cancel, Blocked | Ready | Waiting | Backoff) => mind.end(Cancelled),
            (Step::Redrive, Failed | Cancelled | Skipped) => self.redrive(name),
            (Step::Drop, Failed) => self.skip_behind(name),
            _ => {}
        }
        self.settle();
    }

    fn behind(name: &str) -> impl Iterator<Item = &'static str> {
        TASKS.iter().filter(move |(_, on)| on.contains(&name)).map(|(child, _)| *child)
    }

    fn skip_behind(&mut self, name: &str) {
        for child in Self::behind(name) {
            if self.mind(child).state == StateName::Blocked {
                self.mind(child).state = StateName::Skipped;
                self.skip_behind(child);
            }
        }
    }

    fn redrive(&mut self, name: &'static str) {
        let mind = self.mind(name);
        (mind.state, mind.attempts, mind.crashes, mind.cancelling) = (StateName::Blocked, 0, 0, false);
        for child in Self::behind(name) {
            if self.mind(child).state == StateName::Skipped {
                self.redrive(child);
            }
        }
    }
}

impl Mind {
    fn end(&mut self, state: StateName) {
        self.state = state;
        self.cancelling = false;
    }

    fn fail(&mut self, class: ErrorClass) {
        let spent = self.attempts >= ATTEMPTS;
        self.state = match class {
            ErrorClass::InvalidInput => StateName::Failed,
            ErrorClass::RateLimited => {
                self.attempts -= 1;
                StateName::Backoff
            }
            ErrorClass::Crashed => {
                self.crashes += 1;
                if spent || self.crashes >= CRASHES { StateName::Failed } else { StateName::Backoff }
            }
            _ if spent => StateName::Failed,
            _ => StateName::Backoff,
        };
    }

    fn lose(&mut self) {
        self.crashes += 1;
        if self.crashes >= CRASHES {
            self.state = StateName::Failed;
        } else {
            self.attempts -= 1;
            self.state = StateName::Backoff;
        }
    }
}

struct Bench {
    folder: TempDir,
    store: Option<Store>,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut bench = Self { folder, store: None };
        bench.reopen();
        let retry = Retry {
            attempts: ATTEMPTS,
            crashes: CRASHES,
            base: Span::from_millis(1),
            cap: Span::from_millis(1),
        };
        let one = |(name, on): &(&str, &[&str])| Workstream {
            depends_on: on.iter().map(|name| (*name).to_owned()).collect(),
            retry,
            ..Workstream::named(*name)
        };
        let plan = Plan { name: "model".into(), workstreams: TASKS.iter().map(one).collect() };
        let router = RouterChoice { name: "model".into(), digest: "model".into() };
        bench
            .apply(Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None })))
            .expect("the plan is sound");
        bench
    }

    fn reopen(&mut self) {
        self.store = None;
        let home = Home::at(self.folder.path());
        let lock = Lock::take(&home).expect("nobody else has it");
        self.store = Some(Store::open(&home, lock).expect("the store opens"));
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("it is open")
    }

    fn apply(&mut self, op: Op) -> Result<(), Rejection> {
        let answer = self.store().apply(vec![op]).remove(0);
        answer.map(|_| ())
    }

    fn task(&mut self, name: &str) -> baton_core::task::Task {
        let conn = self.store().connection();
        let id = read::task_named(conn, RunId(1), name).expect("readable").expect("it is in the plan");
        read::task(conn, id).expect("readable").expect("it has a row")
    }

    fn carry_out(&mut self, name: &str, step: &Step) -> Result<(), Rejection> {
        let task = self.task(name);
        let epoch = |stale: bool| if stale { Epoch(task.epoch.0.wrapping_sub(1)) } else { task.epoch };
        let finish = |stale, end| Op::Finish { task: task.id, epoch: epoch(stale), end };
        let op = match step {
            Step::Assign => return self.assign(task.id),
            Step::Accept { stale } => {
                finish(*stale, End::Accepted { outcome: Some(Outcome::default()), checks: Vec::new() })
            }
            Step::Fail { stale, class } => {
                finish(*stale, End::Failed { fault: Fault::new(*class, "no"), checks: Vec::new() })
            }
            Step::Release { stale } => {
                finish(*stale, End::Released { why: "drained".into(), begun: Begun::Yes })
            }
            Step::Claim { stale } => {
                Op::Claim { task: task.id, epoch: epoch(*stale), outcome: Outcome::default() }
            }
            Step::Ask { stale } => {
                let question = Question {
                    key: format!("{}", task.epoch),
                    purpose: Purpose::Question,
                    text: "May I?".into(),
                    choices: Vec::new(),
                    resume: String::new(),
                };
                let epoch = epoch(*stale);
                Op::Ask { task: task.id, epoch, question: Box::new(question), until: None, answer: None }
            }
            Step::Answer => {
                let asked = read::people::of_task(self.store().connection(), task.id).expect("readable");
                let Some(open) = asked.into_iter().find(|asked| asked.answer.is_none()) else {
                    return Err(Rejection::NotFound("question".into()));
                };
                Op::Answer { question: open.id, text: "yes".into(), by: "ann".into() }
            }
            Step::LoseLease => Op::LoseLease { task: task.id, why: "gone".into() },
            Step::Due => Op::Due { task: task.id },
            Step::Hold => Op::HoldTask { task: task.id },
            Step::Unhold => Op::UnholdTask { task: task.id },
            Step::Cancel => Op::CancelTask { task: task.id, why: "asked".into() },
            Step::Redrive => Op::Redrive { task: task.id },
            Step::Drop => Op::Drop { task: task.id },
            Step::Reopen => {
                self.reopen();
                return Ok(());
            }
        };
        self.apply(op)
    }

    fn assign(&mut self, task: TaskId) -> Result<(), Rejection> {
        let lease_until = Time(i64::MAX / 2);
        let picks = vec![Pick { task, agent: AgentId(1), reserve: None }];
        self.apply(Op::Assign(Box::new(Assign { run: RunId(1), picks, lease_until, decision: None })))
    }
}

#[test]
fn the_store_does_what_the_model_says_and_its_record_explains_its_rows() {
    let seed = seed::drawn("the model");
    let steps = prop::collection::vec((0..TASKS.len(), step()), 1..60);
    if let Err(why) = seed::runner(seed, seed::rounds(96)).run(&steps, follow) {
        panic!("BATON_SEED={}: {why}", seed.0);
    }
}

/// Takes these steps with the store and with the model.
fn follow(steps: Vec<(usize, Step)>) -> Result<(), TestCaseError> {
    let mut bench = Bench::new();
    let mut model = Model::new();
    for (index, step) in steps {
        let (name, _) = TASKS[index];
        let before = bench.task(name);
        let refused = bench.carry_out(name, &step).is_err();
        // A lost lease and a cancellation in one: what the store refuses must change nothing.
        if refused {
            prop_assert_eq!(&bench.task(name), &before, "a refused {:?} left a trace", step);
        }
        model.apply(name, &step);
        for (name, _) in TASKS {
            let (task, mind) = (bench.task(name), model.0[name].clone());
            prop_assert_eq!(task.state.name(), mind.state, "{} after {:?}", name, step);
            prop_assert_eq!(
                (task.held, task.cancelling),
                (mind.held, mind.cancelling),
                "{} after {:?}",
                name,
                step
            );
            prop_assert_eq!(
                (task.attempts, task.crashes),
                (mind.attempts, mind.crashes),
                "{} after {:?}",
                name,
                step
            );
        }
        prop_assert!(bench.task(name).epoch >= before.epoch, "the epoch went back");
    }
    let wrong = check::check(bench.store().connection()).expect("readable");
    prop_assert!(wrong.is_empty(), "{:?}", wrong);
    Ok(())
}

#[test]
fn the_same_end_told_twice_is_answered_as_the_first_time() {
    let mut bench = Bench::new();
    bench.carry_out("a", &Step::Assign).expect("it is ready");
    let task = bench.task("a");
    let end = || End::Accepted { outcome: None, checks: Vec::new() };
    let op = || Op::Finish { task: task.id, epoch: task.epoch, end: end() };
    bench.apply(op()).expect("the attempt is current");
    bench.apply(op()).expect("the answer may have been lost");
    assert_eq!(bench.task("a").state.name(), StateName::Succeeded);
}

/// The first attempt of `a` lost its lease and another runs; with the epoch of the first.
fn replaced() -> (Bench, Epoch) {
    let mut bench = Bench::new();
    bench.carry_out("a", &Step::Assign).expect("it is ready");
    let stale = bench.task("a").epoch;
    bench.carry_out("a", &Step::LoseLease).expect("it runs");
    bench.carry_out("a", &Step::Due).expect("it waits");
    bench.carry_out("a", &Step::Assign).expect("it is ready again");
    (bench, stale)
}

#[test]
fn a_stale_attempt_is_refused_by_name() {
    let (mut bench, stale) = replaced();
    let task = bench.task("a");
    let late =
        Op::Finish { task: task.id, epoch: stale, end: End::Accepted { outcome: None, checks: Vec::new() } };
    let refused = bench.apply(late).expect_err("its lease is gone");
    assert!(
        matches!(refused, Rejection::Refused(baton_core::task::transition::Refused::Stale { held, current }) if held == stale && current == task.epoch),
        "{refused:?}"
    );
    assert!(matches!(bench.task("a").state, State::Running { .. }));
}

#[test]
fn a_lease_that_lapsed_while_its_host_stood_still_is_renewed() {
    let clock = Clock::manual(Time(0));
    let mut store = Store::in_memory(clock.clone()).expect("it opens");
    let plan = Plan { name: "lease".into(), workstreams: vec![Workstream::named("a")] };
    let router = RouterChoice { name: "r".into(), digest: "r".into() };
    let submit = Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }));
    let picks = vec![Pick { task: TaskId(1), agent: AgentId(1), reserve: None }];
    let assign =
        Op::Assign(Box::new(Assign { run: RunId(1), picks, lease_until: Time(100), decision: None }));
    assert!(store.apply(vec![submit, assign]).iter().all(Result::is_ok));
    clock.advance_to(Time(0) + Duration::from_millis(101));
    assert!(
        store.apply(vec![Op::Renew { leases: vec![(TaskId(1), Epoch(1))], until: Time(500) }])[0].is_ok()
    );
    let task = read::task(store.connection(), TaskId(1)).expect("readable").expect("there");
    assert!(matches!(task.state, State::Running { lease_until: Time(500), .. }), "{task:?}");
}

#[test]
fn an_older_attempt_is_not_told_that_it_was_accepted() {
    let (mut bench, stale) = replaced();
    bench.carry_out("a", &Step::Accept { stale: false }).expect("the attempt is current");
    let id = bench.task("a").id;
    let late =
        Op::Finish { task: id, epoch: stale, end: End::Accepted { outcome: None, checks: Vec::new() } };
    let refused = bench.apply(late).expect_err("another attempt was accepted");
    assert!(
        matches!(
            refused,
            Rejection::Refused(baton_core::task::transition::Refused::WrongState {
                is: StateName::Succeeded
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn what_contradicts_the_store_is_refused_alone() {
    let mut store = Store::in_memory(Clock::manual(Time(1))).expect("memory is there");
    let router = RouterChoice { name: "capability".into(), digest: "d".into() };
    let plan = Plan { name: "p".into(), workstreams: vec![Workstream::named("a".to_owned())] };
    let submit = Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }));
    let again = Op::Extend { run: RunId(1), workstreams: vec![Workstream::named("a".to_owned())] };
    let answers = store.apply(vec![submit, again, Op::HoldRun { run: RunId(1) }]);
    assert!(
        matches!(answers.as_slice(), [Ok(_), Err(Rejection::Invalid(_)), Ok(_)]),
        "its neighbours are carried out: {answers:?}"
    );
}

#[test]
fn a_host_that_was_replaced_can_not_renew_its_lease() {
    let mut store = Store::in_memory(Clock::manual(Time(1))).expect("memory is there");
    let start = || Op::StartHost { pid: 1, version: "v".into(), machine: "m".into(), lease_until: Time(9) };
    let renew = |boot| Op::RenewHost { boot };
    store.apply(vec![start(), start()]);
    assert!(matches!(store.apply(vec![renew(2)]).as_slice(), [Ok(_)]));
    assert!(matches!(store.apply(vec![renew(1)]).as_slice(), [Err(Rejection::Store(_))]));
}
