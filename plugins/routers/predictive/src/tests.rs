use baton_sdk::SplitMix64;
use baton_sdk::fixture::{agent, snapshot, stats};
use baton_sdk::router::{Agent, Assignment, Attr, Choice, Feature, Forecast, SkillStats};

use super::*;

fn experience(agent: &str, skill: &str, features: &[(&str, f64)], accepted: bool) -> Experience {
    let feature = |(name, value): &(&str, f64)| Feature { name: (*name).to_owned(), value: *value };
    Experience {
        task: String::from("t"),
        run: String::from("r1"),
        skills: vec![skill.to_owned()],
        features: features.iter().map(feature).collect(),
        agent: agent.to_owned(),
        agent_kind: String::from("mock"),
        verdict: if accepted { Verdict::Accepted } else { Verdict::Refused },
        latency: 1000,
        cost_micros: None,
        quality: None,
        at: 0,
    }
}

fn taught(state: Vec<u8>, experiences: Vec<Experience>) -> Vec<u8> {
    Predictive::learn(Lesson { experiences, config: Vec::new(), state }).unwrap()
}

fn asking(agents: Vec<Agent>, skill: &str, features: &[(&str, f64)], state: Vec<u8>) -> Snapshot {
    let mut snapshot = snapshot(agents, &[], 1);
    snapshot.requests[0].task.prefers = vec![skill.to_owned()];
    snapshot.requests[0].features = experience("", "", features, true).features;
    snapshot.config = vec![Attr::new("explore", "0"), Attr::new("floor", "0")];
    snapshot.state = state;
    snapshot
}

fn assigned(snapshot: &Snapshot) -> (Assignment, Vec<u8>) {
    let mut answer = decide(snapshot).unwrap();
    match answer.decisions.remove(0).choice {
        Choice::Assign(assignment) => (assignment, answer.state),
        other => panic!("not an assignment: {other:?}"),
    }
}

fn forecasts(snapshot: &Snapshot) -> Vec<Forecast> {
    assigned(snapshot).0.scores.iter().map(|score| score.forecast.unwrap()).collect()
}

#[test]
fn outcomes_outweigh_declarations() {
    let agents = vec![agent("a", &["x"]), agent("b", &["y"])];
    let (first, state) = assigned(&asking(agents.clone(), "x", &[], Vec::new()));
    assert_eq!(first.agent, 0);
    let outcomes = (0..40).flat_map(|_| [experience("a", "x", &[], false), experience("b", "x", &[], true)]);
    let (second, _) = assigned(&asking(agents, "x", &[], taught(state, outcomes.collect())));
    assert_eq!(second.agent, 1);
    let confidence = |assignment: &Assignment| assignment.scores[1].forecast.unwrap().confidence;
    assert!(confidence(&first) < 0.01 && confidence(&second) > 0.4);
}

#[test]
fn harder_tasks_are_foreseen() {
    let mut random = SplitMix64::new(8);
    let mut outcomes = Vec::new();
    for _ in 0..400 {
        let difficulty = random.fraction();
        let features = [("noise", random.fraction()), ("plan.difficulty", difficulty)];
        outcomes.push(experience("a", "x", &features, random.chance(0.9 - 0.8 * difficulty)));
    }
    let state = outcomes.chunks(50).fold(Vec::new(), |state, lesson| taught(state, lesson.to_vec()));
    let chance = |difficulty: f64, noise: f64| {
        let features = [("noise", noise), ("plan.difficulty", difficulty)];
        forecasts(&asking(vec![agent("a", &[])], "x", &features, state.clone()))[0].p_success
    };
    for (difficulty, wanted) in [(0.1, 0.82), (0.5, 0.5), (0.9, 0.18)] {
        assert!((chance(difficulty, 0.5) - wanted).abs() < 0.1, "{difficulty}: {}", chance(difficulty, 0.5));
    }
    assert!((chance(0.5, 0.1) - chance(0.5, 0.9)).abs() < 0.15);
}

#[test]
fn a_change_is_noticed() {
    let mut random = SplitMix64::new(9);
    let mut outcomes = |chance: f64, count: usize| -> Vec<Experience> {
        (0..count).map(|_| experience("a", "x", &[], random.chance(chance))).collect()
    };
    let good = taught(taught(Vec::new(), outcomes(0.9, 150)), outcomes(0.9, 150));
    let bad = taught(good.clone(), outcomes(0.2, 60));
    let chance =
        |state: &[u8]| forecasts(&asking(vec![agent("a", &[])], "x", &[], state.to_vec()))[0].p_success;
    assert!(chance(&good) > 0.82 && chance(&bad) < 0.5, "{} {}", chance(&good), chance(&bad));
}

#[test]
fn without_lessons_the_record_of_the_host_counts_once() {
    let record = |id: &str, successes: f64| {
        let entry = SkillStats { successes, trials: 50.0, latency: 1000, ..stats("x") };
        Agent { stats: vec![SkillStats { skill: String::new(), ..entry.clone() }, entry], ..agent(id, &[]) }
    };
    let agents = vec![record("a", 10.0), record("b", 45.0)];
    let first = asking(agents.clone(), "x", &[], Vec::new());
    let (assignment, state) = assigned(&first);
    assert_eq!(assignment.agent, 1);
    let again = asking(agents, "x", &[], state.clone());
    assert_eq!(assigned(&again), (assignment, state));
}

#[test]
fn lessons_one_by_one_are_lessons_at_once() {
    let outcomes: Vec<Experience> =
        (0..60).map(|at| experience("a", "x", &[("f", f64::from(at))], at % 3 == 0)).collect();
    let at_once = taught(Vec::new(), outcomes.clone());
    let one_by_one = outcomes.into_iter().fold(Vec::new(), |state, one| taught(state, vec![one]));
    assert_eq!(at_once, one_by_one);
}

#[test]
fn a_foreign_state_is_refused_by_both() {
    let foreign = b"{}".to_vec();
    let snapshot = asking(vec![agent("a", &[])], "x", &[], foreign.clone());
    assert!(matches!(decide(&snapshot), Err(RouteError::BadState(_))));
    let lesson =
        Lesson { experiences: vec![experience("a", "x", &[], true)], config: Vec::new(), state: foreign };
    assert!(matches!(Predictive::learn(lesson), Err(RouteError::BadState(_))));
}

#[test]
fn declarations_are_remembered_for_lessons() {
    // Who declares succeeds and who does not fails, each agent once: a newcomer is judged by what it declares.
    let agents: Vec<Agent> =
        (0..60).map(|at| agent(&format!("{at:02}"), if at % 2 == 0 { &["x"] } else { &["y"] })).collect();
    let gap = |state: Vec<u8>| {
        let newcomers = vec![agent("new x", &["x"]), agent("new y", &["y"])];
        let found = forecasts(&asking(newcomers, "x", &[], state));
        found[0].p_success - found[1].p_success
    };
    let (_, state) = assigned(&asking(agents.clone(), "x", &[], Vec::new()));
    let outcomes = |right: bool| -> Vec<Experience> {
        let one = |agent: &Agent| experience(&agent.id, "x", &[], (agent.skills[0] == "x") == right);
        agents.iter().map(one).collect()
    };
    let (before, after, against) =
        (gap(Vec::new()), gap(taught(state.clone(), outcomes(true))), gap(taught(state, outcomes(false))));
    assert!(after > before + 0.1 && against < before - 0.05, "{before} {after} {against}");
}
