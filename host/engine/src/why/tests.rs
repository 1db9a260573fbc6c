//! A corpus of waiting tasks: each cause made alone, and many at once. Whatever is in the way, the answer names one of
//! the things that were put there.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use baton_core::agent::breaker::Breaker;
use baton_core::agent::{Agent, Card, Standing};
use baton_core::budget::ledger::{Account, Exhausted};
use baton_core::budget::{Cap, Resource};
use baton_core::clock::Time;
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::seed::Seed;
use baton_core::task::policy::Effects;
use baton_core::task::{Parent, Role, State, Task, TaskPolicy, WaitingOn};

use super::view::{Hosting, Known, OnItsWay, View};
use super::*;
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::attempts::places::{Places, Scarce};
use crate::board::Board;
use crate::pool::{Pool, Pulse};
use crate::testing::in_state;

const RUN: RunId = RunId(1);
const NOW: Time = Time(1_000_000);
/// The task that is asked about, one that holds what it may need, and one above it.
const ASKED: TaskId = TaskId(1);
const HOLDER: TaskId = TaskId(2);
const ABOVE: TaskId = TaskId(3);

/// Something that keeps a ready task from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Lock,
    Alone,
    SkillNobodyHas,
    AgentThatIsNotThere,
    TrackNobodyServes,
    SpentRun,
    SpentDay,
    SpentFamily,
    RunningLimit,
    KeyLimit,
    Places,
    AgentFull,
    AgentDraining,
    AgentBroke,
    AgentUnusable,
    BreakerOpen,
    BreakerProbing,
    Composite,
    Draining,
    Stopping,
    Deciding,
}

impl Cause {
    const ALL: [Self; 21] = [
        Self::Lock,
        Self::Alone,
        Self::SkillNobodyHas,
        Self::AgentThatIsNotThere,
        Self::TrackNobodyServes,
        Self::SpentRun,
        Self::SpentDay,
        Self::SpentFamily,
        Self::RunningLimit,
        Self::KeyLimit,
        Self::Places,
        Self::AgentFull,
        Self::AgentDraining,
        Self::AgentBroke,
        Self::AgentUnusable,
        Self::BreakerOpen,
        Self::BreakerProbing,
        Self::Composite,
        Self::Draining,
        Self::Stopping,
        Self::Deciding,
    ];

    /// Whether an answer names it.
    fn is(self, known: &Known) -> bool {
        let busy = |text: &str| matches!(known, Known::Why(Why::Busy { agents }) if agents.iter().any(|(_, why)| why.contains(text)));
        let nobody = |text: &str| matches!(known, Known::Why(Why::NoCapableAgent { agents, .. }) if agents.iter().all(|(_, why)| why.contains(text)));
        let budget = |of: &str| matches!(known, Known::Why(Why::Budget { of: spent, .. }) if spent == of);
        let limit = |of: &str| matches!(known, Known::Why(Why::Limit { of: full, .. }) if full.contains(of));
        match self {
            Self::Lock => matches!(known, Known::Lock { holder: HOLDER, what } if what.contains("path")),
            Self::Alone => matches!(known, Known::Lock { holder: HOLDER, what } if !what.contains("path")),
            Self::SkillNobodyHas => nobody("does not declare ghost"),
            Self::AgentThatIsNotThere => nobody("is not the agent"),
            Self::TrackNobodyServes => nobody("does not serve the track"),
            Self::SpentRun => budget("run r1"),
            Self::SpentDay => budget("all runs, today"),
            Self::SpentFamily => *known == Known::Family { task: ABOVE },
            Self::RunningLimit => limit("[limits] running"),
            Self::KeyLimit => limit("[keys] gpu"),
            Self::Places => limit("open files"),
            Self::AgentFull => busy("runs 1 of 1"),
            Self::AgentDraining => busy("is draining"),
            Self::AgentBroke => busy("budget for today"),
            Self::AgentUnusable => busy("can't be used: gone"),
            Self::BreakerOpen => matches!(known, Known::Why(Why::Breaker { .. })),
            Self::BreakerProbing => busy("half-open"),
            Self::Composite => *known == Known::Why(Why::Stage { stage: WaitingOn::Executor }),
            Self::Draining => *known == Known::Why(Why::Draining),
            Self::Stopping => *known == Known::Why(Why::Stopping),
            Self::Deciding => *known == Known::Why(Why::Deciding { router: "capability".into() }),
        }
    }
}

fn task(id: TaskId, terms: i64, state: State) -> Task {
    Task { terms: TermsId(terms), ..in_state(id.0, state) }
}

/// What a task asks for with these causes in its way.
fn terms(causes: &BTreeSet<Cause>) -> TaskPolicy {
    let with = |cause| causes.contains(&cause);
    let mut terms =
        TaskPolicy { skills: vec!["work".into()], keys: vec!["gpu".into()], ..TaskPolicy::default() };
    if with(Cause::SkillNobodyHas) {
        terms.skills.insert(0, "ghost".into());
    }
    if with(Cause::AgentThatIsNotThere) {
        terms.agent = Some("eve".into());
    }
    if with(Cause::TrackNobodyServes) {
        terms.scope.track = Some("elsewhere".into());
    }
    if with(Cause::Lock) {
        terms.scope.writes = vec!["src/**".parse().expect("a pattern")];
    }
    if with(Cause::Alone) {
        terms.effects = Effects::Workspace;
    }
    if with(Cause::Composite) {
        terms.executor = Some("parallel".into());
    }
    terms
}

fn board(causes: &BTreeSet<Cause>) -> Board {
    let with = |cause| causes.contains(&cause);
    let mut board = Board::default();
    board.put_terms(TermsId(1), terms(causes));
    let scope = |path: &str| TaskPolicy {
        effects: if with(Cause::Alone) { Effects::Workspace } else { Effects::Pure },
        scope: baton_core::scope::Scope {
            writes: vec![path.parse().expect("a pattern")],
            ..baton_core::scope::Scope::default()
        },
        ..TaskPolicy::default()
    };
    board.put_terms(TermsId(2), scope(if with(Cause::Lock) { "src/main.rs" } else { "doc/**" }));
    board.put_terms(TermsId(3), TaskPolicy { executor: Some("parallel".into()), ..TaskPolicy::default() });
    if with(Cause::Lock) || with(Cause::Alone) {
        let running = State::Running { agent: AgentId(9), since: Time(0), lease_until: Time(i64::MAX) };
        let conflicts = u32::from(with(Cause::Alone));
        board.put(Task { conflicts, ..task(HOLDER, 2, running) });
    }
    let waiting = State::Waiting { stage: WaitingOn::Executor, need: None, since: Time(0) };
    board.put(task(ABOVE, 3, waiting));
    let parent = Some(Parent { id: ABOVE, epoch: Epoch(0), role: Role::Part });
    board.put(Task { parent, ..task(ASKED, 1, State::Ready { since: Time(0) }) });
    board
}

/// One agent, of the skill `work`.
fn pool(causes: &BTreeSet<Cause>) -> Pool {
    let with = |cause| causes.contains(&cause);
    let card = Card {
        name: "ann".into(),
        adapter: "mock".into(),
        skills: vec!["work".into()],
        tracks: vec!["here".into()],
        capacity: 1,
        config: BTreeMap::new(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    };
    let breaker = match (with(Cause::BreakerOpen), with(Cause::BreakerProbing)) {
        (true, _) => Breaker::Open { until: NOW + std::time::Duration::from_secs(60), trips: 1 },
        (false, true) => Breaker::HalfOpen { trips: 1 },
        (false, false) => Breaker::Closed { failures: 0 },
    };
    let standing = if with(Cause::AgentDraining) { Standing::Draining } else { Standing::Active };
    let mut pool = Pool::default();
    pool.put(Agent { id: AgentId(1), card, standing, breaker });
    let worker = &mut pool.workers[0];
    worker.running = u32::from(with(Cause::AgentFull));
    worker.broke = with(Cause::AgentBroke);
    worker.unusable = with(Cause::AgentUnusable).then(|| "gone".to_owned());
    if with(Cause::BreakerProbing) {
        worker.pulse = Pulse::Asked;
    }
    pool
}

fn look(causes: &BTreeSet<Cause>, hosted: bool) -> Known {
    let with = |cause| causes.contains(&cause);
    let (board, pool) = (board(causes), pool(causes));
    let limits = ConcurrencyLimits {
        running: with(Cause::RunningLimit).then_some(1),
        keys: with(Cause::KeyLimit).then(|| ("gpu".to_owned(), 1)).into_iter().collect(),
    };
    let other = Arc::new(TaskPolicy { keys: vec!["gpu".into()], ..TaskPolicy::default() });
    let spent = |_| {
        let account = match (with(Cause::SpentRun), with(Cause::SpentDay)) {
            (true, _) => Account::Run(RUN),
            (false, true) => Account::Day(0),
            (false, false) => return None,
        };
        Some(Exhausted { account, resource: Resource::Money, cap: 1_000_000 })
    };
    let families: HashSet<TaskId> = with(Cause::SpentFamily).then_some(ABOVE).into_iter().collect();
    let deciding = |_| with(Cause::Deciding).then(|| "capability".to_owned());
    let stopping = |_| with(Cause::Stopping);
    let full = with(Cause::Places).then_some(Places { most: 1, scarce: Scarce::Files });
    let host = Hosting {
        draining: with(Cause::Draining),
        full,
        deciding: &deciding,
        stopping: &stopping,
        landing: &|_| None,
    };
    let view = View {
        board: &board,
        pool: &pool,
        limits: &limits,
        under_way: &[other],
        spent: &spent,
        families: &families,
        now: NOW,
        host: hosted.then_some(host),
    };
    view.known(ASKED)
}

#[test]
fn every_cause_alone_is_the_answer() {
    for cause in Cause::ALL {
        let known = look(&BTreeSet::from([cause]), true);
        assert!(cause.is(&known), "{cause:?}: {known:?}");
    }
    assert_eq!(look(&BTreeSet::new(), true), Known::Why(Why::NextDecision));
}

#[test]
fn of_many_causes_one_is_the_answer() {
    for round in 0..5_000_i64 {
        let mut draws = Seed(7).of(round);
        let causes: BTreeSet<Cause> = Cause::ALL
            .into_iter()
            .filter(|cause| {
                draws = draws.of(*cause as i64);
                draws.0.is_multiple_of(5)
            })
            .collect();
        let known = look(&causes, true);
        let is_named = causes.iter().any(|cause| cause.is(&known));
        assert!(is_named || causes.is_empty(), "{causes:?}: {known:?}");
    }
}

/// What will be in the way of the next host, and what only one that runs has.
#[test]
fn without_a_host_the_answer_is_what_the_next_one_will_find() {
    let only_hosts = [
        Cause::RunningLimit,
        Cause::KeyLimit,
        Cause::Places,
        Cause::AgentFull,
        Cause::BreakerProbing,
        Cause::Composite,
        Cause::Draining,
        Cause::Stopping,
        Cause::Deciding,
    ];
    for cause in Cause::ALL {
        let known = look(&BTreeSet::from([cause]), false);
        if only_hosts.contains(&cause) {
            let found = matches!(known, Known::Why(Why::NoHost | Why::Limit { .. } | Why::Busy { .. }));
            assert!(found, "{cause:?}: {known:?}");
        } else {
            assert!(cause.is(&known), "{cause:?}: {known:?}");
        }
    }
}

#[test]
fn a_claim_waits_for_its_validators_its_turn_or_what_keeps_it_from_landing() {
    let mut board = Board::default();
    board.put_terms(TermsId(1), TaskPolicy::default());
    let claimed = State::Waiting { stage: WaitingOn::Acceptance, need: None, since: Time(0) };
    board.put(task(ASKED, 1, claimed));
    let look = |way: Option<OnItsWay>, draining: bool| {
        let landing = |_| way.clone();
        View {
            board: &board,
            pool: &Pool::default(),
            limits: &ConcurrencyLimits::default(),
            under_way: &[],
            spent: &|_| None,
            families: &HashSet::new(),
            now: NOW,
            host: Some(Hosting {
                draining,
                full: None,
                deciding: &|_| None,
                stopping: &|_| false,
                landing: &landing,
            }),
        }
        .known(ASKED)
    };
    assert_eq!(look(None, false), Known::Rows);
    assert_eq!(look(Some(OnItsWay::Queued), false), Known::Why(Why::MergeQueue));
    let why = || "main moved".to_owned();
    assert_eq!(look(Some(OnItsWay::Stalled { why: why() }), false), Known::Why(Why::Landing { why: why() }));
    assert_eq!(look(None, true), Known::Why(Why::Draining));
}
