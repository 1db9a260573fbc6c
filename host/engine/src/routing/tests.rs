//! Questions and answers of routers, their failures, and the router on trial.

use baton_core::id::{DecisionId, TaskId};
use baton_core::op::TrialTerms;
use baton_core::plan::Workstream;
use baton_core::task::TaskPolicy;
use baton_core::trial::{GuardLimits, TrialPhase};
use baton_learn::trial::TrialProgress;
use baton_plugin::router::Answer;
use baton_store::read::routing::TrialRow;

use super::*;
use crate::testing::{RUN, TERMS, agent, ready, record, router};

/// Routing of one run with two ready tasks and one agent.
struct House {
    routing: Routing,
    board: Board,
    pool: Pool,
    catalog: Catalog,
}

impl House {
    fn new() -> Self {
        let mut board = Board::default();
        board.put_terms(TERMS, TaskPolicy::default());
        board.put(ready(1));
        board.put(ready(2));
        let mut pool = Pool::default();
        pool.put(agent(1, "ann", &["work"]));
        let mut routing = Routing::default();
        routing.put_run(&record(), 0);
        Self { routing, board, pool, catalog: Catalog::default() }
    }

    fn ask(&mut self) -> (Box<Batch>, RouterChoice) {
        let prepared = |id| Prepared {
            task: ready(id),
            spec: Workstream::named("a"),
            feedback: Vec::new(),
            consulted: (0, None),
            avoid: Vec::new(),
            inputs: Vec::new(),
        };
        let view = View { board: &self.board, pool: &self.pool, catalog: &self.catalog, now: Time(0) };
        let (answered, mut effects) = self.routing.decide(RUN, vec![prepared(1), prepared(2)], &view);
        assert!(answered.is_empty(), "the host decides nothing by itself");
        match effects.pop() {
            Some(Effect::Start(Work::Route { batch, router })) => (batch, router),
            other => panic!("a router is to be asked, not {other:?}"),
        }
    }

    fn answer(&mut self, (batch, router): (Box<Batch>, RouterChoice)) -> Answered {
        let answer = least_loaded(&batch.snapshot);
        let (answered, effects) =
            self.routing.routed(batch, router, Ok(Routed { answer, fuel: 0 }), &self.catalog);
        assert!(effects.is_empty(), "{effects:?}");
        answered.expect("its run goes on")
    }

    fn fail(&mut self, (batch, router): (Box<Batch>, RouterChoice)) -> Vec<Op> {
        let error = PluginError::Trapped { plugin: router.name.clone(), why: "it trapped".into() };
        let (answered, effects) = self.routing.routed(batch, router, Err(error), &self.catalog);
        let decision = answered.and_then(|answered| answered.decision);
        assert_eq!(decision.map(|decision| decision.router), Some(host_choice()));
        let op = |effect| match effect {
            Effect::Apply(op) => op,
            Effect::Start(work) => panic!("{work:?}"),
        };
        effects.into_iter().map(op).collect()
    }

    fn try_out(&mut self, id: i64, candidate: &str, stage: TrialPhase) {
        let terms = TrialTerms { stage, alpha: 0.05, guards: GuardLimits::default(), probation: 10 };
        let row = TrialRow {
            id,
            router: router(candidate),
            terms,
            started: Time(0),
            moved: Time(0),
            ended: None,
            ending: None,
        };
        let ledger = TrialProgress::new(&row.trial());
        self.routing.put_trial(Some(ActiveTrial::new(row, ledger)));
    }

    /// The question to the shadow, once its decision is in the store.
    fn shadow(&mut self) -> Option<(i64, String)> {
        self.routing.decided(RUN, Some(DecisionId(7)));
        match self.routing.ask_shadow(RUN, &self.catalog)? {
            Effect::Start(Work::Shadow(question)) => Some((question.trial, question.router.name)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_question_of_a_run_is_asked_at_a_time() {
    let mut house = House::new();
    assert!(house.routing.is_idle(RUN));
    let asked = house.ask();
    assert!(!house.routing.is_idle(RUN) && !house.routing.may_learn(RUN, false));
    let answered = house.answer(asked);
    assert!(house.routing.is_idle(RUN));
    assert_eq!(answered.decision.map(|decision| decision.router), Some(router("own")));
}

#[test]
fn an_answer_that_is_dropped_leaves_the_router_where_it_stood() {
    let mut house = House::new();
    house.routing.put_cursor(RUN, &router("own"), RouterCursor { state: b"before".to_vec(), learned: 0 });
    let (batch, _) = house.ask();
    house.routing.dropped(&batch);
    assert!(house.routing.is_idle(RUN));
    let state = house.routing.cursor(RUN, &router("own")).map(|cursor| cursor.state.clone());
    assert_eq!(state, Some(b"before".to_vec()));
}

#[test]
fn a_router_that_fails_three_times_in_a_row_gives_way() {
    let mut house = House::new();
    for _ in 0..2 {
        let asked = house.ask();
        let ops = house.fail(asked);
        assert!(matches!(&ops[..], [Op::Note { fact: Fact::RouterDegraded { .. }, .. }]), "{ops:?}");
    }
    let asked = house.ask();
    house.answer(asked);
    for in_a_row in 1..=3 {
        let asked = house.ask();
        let ops = house.fail(asked);
        let gave_way = matches!(&ops[..], [_, Op::UseRouter { router, .. }] if *router == host_choice());
        assert_eq!(gave_way, in_a_row == 3, "{ops:?}");
    }
    assert_eq!(house.routing.routers(RUN), [], "the host decides from now on");
}

#[test]
fn a_decision_belongs_to_the_trial_that_went_on_when_it_was_asked_for() {
    let mut house = House::new();
    house.try_out(1, "new", TrialPhase::Split { share: 0.0 });
    let asked = house.ask();
    house.try_out(2, "newer", TrialPhase::Split { share: 0.0 });
    let answered = house.answer(asked);
    assert_eq!(answered.decision.and_then(|decision| decision.trial), Some(1));
    house.routing.put_trial(None);
    let asked = house.ask();
    house.try_out(3, "newest", TrialPhase::Split { share: 0.0 });
    assert_eq!(house.answer(asked).decision.and_then(|decision| decision.trial), None);
}

#[test]
fn a_shadow_is_asked_about_decisions_of_its_own_trial() {
    let mut house = House::new();
    house.try_out(1, "new", TrialPhase::Shadow);
    let asked = house.ask();
    house.answer(asked);
    assert_eq!(house.shadow(), Some((1, "new".to_owned())));
    let asked = house.ask();
    house.try_out(2, "new", TrialPhase::Shadow);
    house.answer(asked);
    assert_eq!(house.shadow(), None, "the trial during which it was asked for is over");
}

#[test]
fn a_question_that_waits_for_the_shadow_is_gone_with_its_trial() {
    let mut house = House::new();
    house.try_out(1, "new", TrialPhase::Shadow);
    let asked = house.ask();
    house.answer(asked);
    house.try_out(2, "new", TrialPhase::Shadow);
    assert_eq!(house.shadow(), None);
}

#[test]
fn failures_of_a_trial_that_is_over_do_not_count_against_the_next_one() {
    let mut house = House::new();
    house.try_out(1, "new", TrialPhase::Split { share: 1.0 });
    let (mut batch, candidate) = house.ask();
    assert_eq!(candidate, router("new"));
    house.try_out(2, "new", TrialPhase::Split { share: 1.0 });
    for _ in 0..3 {
        let ops = house.fail((batch.clone(), candidate.clone()));
        assert!(!ops.iter().any(|op| matches!(op, Op::EndTrial { .. })), "{ops:?}");
        batch = house.ask().0;
        batch.trial = Some(Asked { id: 1, shadows: false });
    }
    batch.trial = Some(Asked { id: 2, shadows: false });
    let ended = (0..3).flat_map(|_| {
        let ops = house.fail((batch.clone(), candidate.clone()));
        house.ask();
        ops
    });
    let ended: Vec<Op> = ended.filter(|op| matches!(op, Op::EndTrial { .. })).collect();
    assert!(matches!(&ended[..], [Op::EndTrial { trial: 2, .. }]), "{ended:?}");
}

#[test]
fn an_answer_that_wants_more_consultations_than_its_run_may_have_is_refused() {
    let mut house = House::new();
    let most = house.catalog.router_limits("own").asks.consultations_per_run.expect("there is a limit");
    house.routing.drop_run(RUN);
    house.routing.put_run(&record(), most);
    let (batch, own) = house.ask();
    let new = baton_plugin::router::NewTask {
        name: "look".into(),
        title: String::new(),
        input: "null".into(),
        skills: Vec::new(),
        agent: None,
        depends_on: Vec::new(),
        executor: None,
        validators: Vec::new(),
        estimate: None,
        attrs: Vec::new(),
    };
    let decisions = vec![baton_plugin::router::Decision { request: 0, choice: Choice::Consult(new) }];
    let answer = Answer { decisions, factors: Vec::new(), state: Vec::new() };
    let (answered, effects) =
        house.routing.routed(batch, own, Ok(Routed { answer, fuel: 0 }), &house.catalog);
    let decision = answered.and_then(|answered| answered.decision);
    assert_eq!(decision.map(|decision| decision.router), Some(host_choice()), "the host decides instead");
    assert!(
        matches!(&effects[..], [Effect::Apply(Op::Note { fact: Fact::RouterDegraded { why, .. }, .. })] if why.contains("consultations-per-run")),
        "{effects:?}"
    );
}

#[test]
fn what_a_router_wants_to_know_is_decided_by_the_host() {
    let mut house = House::new();
    let parent =
        baton_core::task::Parent { id: TaskId(1), epoch: baton_core::id::Epoch(0), role: Role::Consult };
    let consultation = Task { parent: Some(parent), ..ready(2) };
    house.board.put(consultation.clone());
    let prepared = Prepared {
        task: consultation,
        spec: Workstream::named("look"),
        feedback: Vec::new(),
        consulted: (0, None),
        avoid: Vec::new(),
        inputs: Vec::new(),
    };
    let view = View { board: &house.board, pool: &house.pool, catalog: &house.catalog, now: Time(0) };
    let (answered, effects) = house.routing.decide(RUN, vec![prepared], &view);
    assert_eq!((answered.len(), effects.len()), (1, 0));
}
