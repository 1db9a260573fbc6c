//! Random operations against a small model of what a task may become, with the store reopened at random. After each
//! step the store must be sound: rows equal to what their events say, counters equal to what they count.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_core::budget::{Basis, Bill, Money};
use baton_core::clock::{Clock, Time};
use baton_core::fault::{Begun, ErrorClass, Fault};
use baton_core::id::{AgentId, Epoch, RunId, TaskId};
use baton_core::op::{Assign, End, Op, Pick, Rejection, RouterChoice, StoreError, Submission, Until};
use baton_core::outcome::Outcome;
use baton_core::people::{Purpose, Question};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::span::Span;
use baton_core::task::policy::Retry;
use baton_core::task::{State, StateName, Task, WaitingOn};
use baton_core::usage::Usage;
use baton_store::{Home, Lock, Store, check, read, testing};
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
    /// A router puts it off.
    Defer,
    /// A router turns it down, or its deadline passed before it started.
    Reject,
    Charge,
    /// Its executor takes it.
    Delegate,
    /// Its executor asks for two more children and waits for all.
    Spawn,
    /// The first child that is ready ends.
    Child {
        accepted: bool,
    },
    /// The last task comes to depend on the first as well, or no longer does.
    Amend,
    /// Every deadline passes.
    Late,
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
        2 => Just(Step::Defer),
        1 => Just(Step::Reject),
        1 => Just(Step::Charge),
        4 => Just(Step::Delegate),
        4 => Just(Step::Spawn),
        4 => any::<bool>().prop_map(|accepted| Step::Child { accepted }),
        2 => Just(Step::Amend),
        1 => Just(Step::Late),
        1 => Just(Step::Reopen),
    ]
}

/// The tasks by name, with what each depends on: a diamond and a tail.
const TASKS: [(&str, &[&str]); 5] =
    [("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["d"])];
/// Edges that an amendment adds or takes away.
const WIDE: (&str, &str) = ("a", "e");
const DEADLINE: Span = Span::from_millis(1_000_000);
const ATTEMPTS: u32 = 2;
const CRASHES: u32 = 2;

/// What the model holds of a task.
#[derive(Clone, Debug)]
struct Mind {
    state: StateName,
    /// It waits for a person, if it waits.
    asked: bool,
    /// It waits for its executor or its children, if it waits.
    delegated: bool,
    held: bool,
    cancelling: bool,
    attempts: u32,
    crashes: u32,
    /// Those of its present try.
    children: Vec<StateName>,
    /// How many of them must have ended before its executor is asked again.
    need: Option<usize>,
}

struct Model {
    minds: BTreeMap<&'static str, Mind>,
    wide: bool,
    late: bool,
}

impl Model {
    fn new() -> Self {
        let fresh = Mind {
            state: StateName::Blocked,
            asked: false,
            delegated: false,
            held: false,
            cancelling: false,
            attempts: 0,
            crashes: 0,
            children: Vec::new(),
            need: None,
        };
        let minds = TASKS.iter().map(|(name, _)| (*name, fresh.clone())).collect();
        let mut model = Self { minds, wide: false, late: false };
        model.settle();
        model
    }

    fn mind(&mut self, name: &str) -> &mut Mind {
        self.minds.get_mut(name).expect("all tasks are known")
    }

    /// Blocked tasks whose dependencies have all succeeded are ready.
    fn settle(&mut self) {
        for (name, _) in TASKS {
            if self.is_met(name) && self.minds[name].state == StateName::Blocked {
                self.mind(name).state = StateName::Ready;
            }
        }
    }

    fn is_met(&self, name: &str) -> bool {
        self.before(name).all(|parent| self.minds[parent].state == StateName::Succeeded)
    }

    fn before<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'static str> + 'm {
        let own = TASKS.iter().find(|(task, _)| *task == name).map_or(&[][..], |(_, on)| on);
        let wide = (self.wide && WIDE.1 == name).then_some(WIDE.0);
        own.iter().copied().chain(wide)
    }

    fn behind(&self, name: &str) -> Vec<&'static str> {
        TASKS.iter().map(|(task, _)| *task).filter(|task| self.before(task).any(|on| on == name)).collect()
    }

    /// What has started keeps its dependencies; nothing else of the amendment is carried out either.
    fn amend(&mut self) {
        let state = self.minds[WIDE.1].state;
        if matches!(state, StateName::Running | StateName::Waiting | StateName::Succeeded) {
            return;
        }
        self.wide = !self.wide;
        if !self.is_met(WIDE.1) && matches!(state, StateName::Ready | StateName::Backoff) {
            self.mind(WIDE.1).state = StateName::Blocked;
        }
    }

    /// Applies a step if a task as it is allows it.
    fn apply(&mut self, name: &'static str, step: &Step) {
        use StateName::{Backoff, Blocked, Cancelled, Failed, Ready, Running, Skipped, Succeeded, Waiting};
        let late = self.late;
        let mind = self.mind(name);
        match (step, mind.state) {
            (Step::Late, _) => self.late = true,
            (Step::Amend, _) => self.amend(),
            (Step::Delegate, Ready) if !mind.held => {
                (mind.state, mind.asked, mind.delegated) = (Waiting, false, true);
                (mind.children, mind.need) = (Vec::new(), None);
                mind.attempts += 1;
            }
            (Step::Spawn, Waiting) if mind.delegated && mind.need.is_none() => {
                mind.children.extend([Ready, Ready]);
                mind.need = Some(mind.children.len());
            }
            (Step::Child { accepted }, Waiting) if mind.delegated => mind.end_child(*accepted),
            (Step::Defer, Ready) => mind.state = Backoff,
            (Step::Reject, Blocked | Ready | Backoff) => mind.state = Failed,
            (Step::Claim { stale: false }, Waiting) if mind.delegated && mind.need.is_none() => {
                mind.delegated = false;
            }
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
                (mind.state, mind.asked, mind.delegated) = (Waiting, true, false);
                mind.attempts -= 1;
            }
            (Step::Answer, Waiting) if mind.asked => mind.state = Ready,
            (Step::Accept { stale: false }, Running | Waiting) => mind.end(Succeeded),
            (Step::Claim { stale: false }, Running) => {
                (mind.state, mind.asked, mind.delegated) = (Waiting, false, false);
            }
            (Step::Release { stale: false }, Running) if mind.cancelling => mind.end(Cancelled),
            (Step::Release { stale: false }, Running) => {
                mind.state = Ready;
                mind.attempts -= 1;
            }
            (Step::Fail { stale: false, .. } | Step::LoseLease, Running) if mind.cancelling => {
                mind.end(Cancelled)
            }
            (Step::Fail { stale: false, class }, Running | Waiting) => mind.fail(*class, late),
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

    fn skip_behind(&mut self, name: &str) {
        for child in self.behind(name) {
            if self.mind(child).state == StateName::Blocked {
                self.mind(child).state = StateName::Skipped;
                self.skip_behind(child);
            }
        }
    }

    fn redrive(&mut self, name: &'static str) {
        let mind = self.mind(name);
        (mind.state, mind.attempts, mind.crashes, mind.cancelling) = (StateName::Blocked, 0, 0, false);
        for child in self.behind(name) {
            if self.mind(child).state == StateName::Skipped {
                self.redrive(child);
            }
        }
    }
}

impl Mind {
    /// Its try is over, and with it the children that still go on.
    fn end(&mut self, state: StateName) {
        self.state = state;
        self.cancelling &= state == StateName::Succeeded;
        for child in self.children.iter_mut().filter(|child| **child == StateName::Ready) {
            *child = StateName::Cancelled;
        }
    }

    fn end_child(&mut self, accepted: bool) {
        let Some(child) = self.children.iter_mut().find(|child| **child == StateName::Ready) else { return };
        *child = if accepted { StateName::Succeeded } else { StateName::Failed };
        let ended = self.children.iter().filter(|child| **child != StateName::Ready).count();
        if self.need.is_some_and(|need| ended >= need) {
            self.need = None;
        }
    }

    fn fail(&mut self, class: ErrorClass, late: bool) {
        let spent = self.attempts >= ATTEMPTS;
        self.end(self.state);
        self.state = match class {
            _ if late => {
                self.crashes += u32::from(class == ErrorClass::Crashed);
                StateName::Failed
            }
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
    clock: Clock,
    store: Option<Store>,
}

/// The plan, as it is first or as it is amended.
fn plan(wide: bool) -> Plan {
    let retry =
        Retry { attempts: ATTEMPTS, crashes: CRASHES, base: Span::from_millis(1), cap: Span::from_millis(1) };
    let one = |(name, on): &(&str, &[&str])| {
        let more = (wide && WIDE.1 == *name).then_some(WIDE.0);
        let mut task = Workstream {
            depends_on: on.iter().copied().chain(more).map(str::to_owned).collect(),
            retry,
            ..Workstream::named(*name)
        };
        task.timeouts.deadline = Some(DEADLINE);
        task
    };
    Plan { name: "model".into(), workstreams: TASKS.iter().map(one).collect() }
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut bench = Self { folder, clock: Clock::manual(Time(1)), store: None };
        bench.reopen();
        let plan = plan(false);
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
        self.store = Some(Store::open_at(&home, lock, self.clock.clone()).expect("the store opens"));
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("it is open")
    }

    fn apply(&mut self, op: Op) -> Result<(), Rejection> {
        let answer = self.store().apply(vec![op]).remove(0);
        answer.map(|_| ())
    }

    fn task(&mut self, name: &str) -> Task {
        let conn = self.store().reader();
        let id = read::task_named(conn, RunId(1), name).expect("readable").expect("it is in the plan");
        read::task(conn, id).expect("readable").expect("it has a row")
    }

    /// The children of a task's present try, in the order of their creation.
    fn children(&mut self, of: &Task) -> Vec<Task> {
        let is_one =
            |task: &Task| task.parent.is_some_and(|parent| (parent.id, parent.epoch) == (of.id, of.epoch));
        let tasks = testing::tasks(self.store().reader()).expect("readable");
        tasks.into_iter().map(|stored| stored.task).filter(is_one).collect()
    }

    fn end_child(&mut self, of: &Task, accepted: bool) -> Result<(), Rejection> {
        let waits = |child: &&Task| child.state.name() == StateName::Ready;
        let children = self.children(of);
        let Some(child) = children.iter().find(waits) else {
            return Err(Rejection::NotFound("a child that is ready".into()));
        };
        self.assign(child.id)?;
        let end = if accepted {
            End::Accepted { outcome: None, checks: Vec::new() }
        } else {
            End::Failed { fault: Fault::new(ErrorClass::InvalidInput, "no"), checks: Vec::new() }
        };
        self.apply(Op::Finish { task: child.id, epoch: child.epoch.next(), end })
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
                let asked = read::people::of_task(self.store().reader(), task.id).expect("readable");
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
            Step::Defer => Op::Defer { task: task.id, until: self.clock.now() },
            Step::Reject => Op::Reject { task: task.id, fault: Fault::new(ErrorClass::Deadline, "too late") },
            Step::Charge => Op::Charge { task: task.id, epoch: task.epoch, bill: Box::new(bill()) },
            Step::Delegate => Op::Delegate { task: task.id },
            Step::Spawn => {
                let before = self.children(&task).len();
                let children =
                    (before..before + 2).map(|number| Workstream::named(format!("c{number}"))).collect();
                let stage = WaitingOn::Executor;
                Op::Spawn { task: task.id, epoch: task.epoch, stage, children, until: Until::All }
            }
            Step::Child { accepted } => return self.end_child(&task, *accepted),
            Step::Amend => {
                let now =
                    read::plan(self.store().reader(), RunId(1)).expect("readable").expect("it has a plan");
                let is_wide = now == plan(true);
                Op::Amend { run: RunId(1), plan: Box::new(plan(!is_wide)) }
            }
            Step::Late => {
                self.clock.advance_to(Time(2) + DEADLINE.0);
                return Ok(());
            }
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

fn bill() -> Bill {
    Bill { usage: Usage::default(), cost: Money(7), basis: Basis::Priced, wall_ms: 1 }
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
            let (task, mind) = (bench.task(name), model.minds[name].clone());
            prop_assert_eq!(task.state.name(), mind.state, "{} after {:?}", name, step);
            if mind.delegated && mind.state == StateName::Waiting {
                let children: Vec<StateName> =
                    bench.children(&task).iter().map(|child| child.state.name()).collect();
                prop_assert_eq!(&children, &mind.children, "{} after {:?}", name, step);
                let need = matches!(task.state, State::Waiting { need: Some(_), .. });
                prop_assert_eq!(need, mind.need.is_some(), "{} after {:?}", name, step);
            }
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
    let open = |task: &Task| task.parent.is_some() && !task.state.is_terminal();
    for stored in testing::tasks(bench.store().reader()).expect("readable") {
        let Some(parent) = stored.task.parent.filter(|_| open(&stored.task)) else { continue };
        let above = read::task(bench.store().reader(), parent.id).expect("readable").expect("it has a row");
        prop_assert_eq!(above.epoch, parent.epoch, "a child of a try that is over goes on: {:?}", stored);
    }
    let wrong = check::check(bench.store().reader()).expect("readable");
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
    let task = read::task(store.reader(), TaskId(1)).expect("readable").expect("there");
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
    let fenced = StoreError::Fenced { own: 1, newest: 2 };
    assert_eq!(store.apply(vec![renew(1)]), [Err(Rejection::Store(fenced))]);
}
