use baton_sdk::fixture::{agent, snapshot, stats};
use baton_sdk::router::{Agent, Assignment, Attr, Choice, SkillStats};

use super::*;

fn with_record(id: &str, skills: &[&str], record: &[(&str, f64, f64)]) -> Agent {
    let entry = |(skill, successes, trials): &(&str, f64, f64)| SkillStats {
        successes: *successes,
        trials: *trials,
        latency: 60_000,
        ..stats(skill)
    };
    Agent { stats: record.iter().map(entry).collect(), ..agent(id, skills) }
}

fn preferring(agents: Vec<Agent>, prefers: &[&str], tasks: usize) -> Snapshot {
    let mut snapshot = snapshot(agents, &[], tasks);
    for (at, request) in snapshot.requests.iter_mut().enumerate() {
        request.task.id = format!("t{at}");
        request.task.prefers = prefers.iter().map(|skill| (*skill).to_owned()).collect();
    }
    snapshot.config = vec![Attr::new("explore", "0"), Attr::new("floor", "0")];
    snapshot
}

fn assignment(snapshot: &Snapshot) -> Assignment {
    match decide(snapshot).unwrap().decisions.remove(0).choice {
        Choice::Assign(assignment) => assignment,
        other => panic!("not an assignment: {other:?}"),
    }
}

#[test]
fn without_a_record_who_declares_goes_first() {
    let agents = vec![agent("a", &["y"]), agent("b", &["x"]), agent("c", &["x", "y"])];
    assert_eq!(assignment(&preferring(agents.clone(), &["x"], 1)).agent, 1);
    assert_eq!(assignment(&preferring(agents, &["x", "y"], 1)).agent, 2);
}

#[test]
fn a_record_outweighs_a_declaration() {
    let agents = vec![
        with_record("a", &["x"], &[("", 3.0, 30.0), ("x", 3.0, 30.0)]),
        with_record("b", &["y"], &[("", 27.0, 30.0), ("x", 27.0, 30.0)]),
    ];
    let assignment = assignment(&preferring(agents, &["x"], 1));
    assert_eq!(assignment.agent, 1);
    let forecasts: Vec<f64> =
        assignment.scores.iter().map(|score| score.forecast.unwrap().p_success).collect();
    assert!(forecasts[0] < 0.35 && forecasts[1] > 0.65, "{forecasts:?}");
    assert_eq!(assignment.scores[1].forecast.unwrap().latency, 60_000);
}

#[test]
fn several_skills_are_combined() {
    let agents = vec![
        with_record("a", &[], &[("", 52.0, 80.0), ("x", 38.0, 40.0), ("y", 14.0, 40.0)]),
        with_record("b", &[], &[("", 52.0, 80.0), ("x", 26.0, 40.0), ("y", 26.0, 40.0)]),
    ];
    let chance = |prefers: &[&str], agent: usize| {
        assignment(&preferring(agents.clone(), prefers, 1)).scores[agent].forecast.unwrap().p_success
    };
    let (x, y, both) = (chance(&["x"], 0), chance(&["y"], 0), chance(&["x", "y"], 0));
    assert!(y < both && both < x, "{x} {y} {both}");
    assert_eq!(chance(&["x", "x", "y"], 0), both);
}

#[test]
fn work_without_skills_is_judged_by_all_work() {
    let agents =
        vec![with_record("a", &["x"], &[("", 4.0, 40.0)]), with_record("b", &["x"], &[("", 36.0, 40.0)])];
    assert_eq!(assignment(&preferring(agents, &[], 1)).agent, 1);
}

#[test]
fn a_task_that_waits_is_remembered() {
    let mut agents = vec![
        with_record("a", &["x"], &[("", 5.0, 60.0), ("x", 5.0, 60.0)]),
        with_record("b", &["x"], &[("", 57.0, 60.0), ("x", 57.0, 60.0)]),
    ];
    agents[1].running = 1;
    let mut snapshot = preferring(agents, &["x"], 1);
    snapshot.candidate_sets = vec![vec![0]];
    let answer = decide(&snapshot).unwrap();
    assert_eq!(answer.decisions[0].choice, Choice::Defer(15_000));
    assert!(answer.state.len() > 3);
    // Who comes while it waits sees it in line, also when the agent is free again.
    snapshot.agents[1].running = 0;
    snapshot.candidate_sets = vec![vec![0, 1]];
    snapshot.requests[0].task.id = String::from("newcomer");
    snapshot.state = answer.state;
    assert_eq!(decide(&snapshot).unwrap().decisions[0].choice, Choice::Defer(15_000));
    snapshot.state = Vec::new();
    assert_eq!(assignment(&snapshot).agent, 1);
}

#[test]
fn chances_add_up_and_the_same_question_gets_the_same_answer() {
    let agents: Vec<Agent> = (0..30)
        .map(|at| {
            let record = [("", f64::from(at), 40.0), ("x", f64::from(at), 40.0)];
            Agent { capacity: 3, ..with_record(&format!("{at:02}"), &["x"], &record) }
        })
        .collect();
    for seed in 0..20 {
        let snapshot = Snapshot { config: Vec::new(), seed, ..preferring(agents.clone(), &["x"], 40) };
        let answer = decide(&snapshot).unwrap();
        assert_eq!(decide(&snapshot).unwrap(), answer);
        for decision in &answer.decisions {
            let Choice::Assign(assignment) = &decision.choice else { continue };
            let sum: f64 = assignment.scores.iter().map(|score| score.propensity).sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn what_can_not_be_used_is_refused() {
    let fine = preferring(vec![agent("a", &[])], &[], 1);
    for state in [vec![1], vec![2, 0, 0], vec![1, 9, 0], vec![1, 0, 0, 0], vec![0xff; 3], b"{}".to_vec()] {
        let snapshot = Snapshot { state, ..fine.clone() };
        assert!(matches!(decide(&snapshot), Err(RouteError::BadState(_))), "{:?}", snapshot.state);
    }
    let snapshot = Snapshot { config: vec![Attr::new("explroe", "1")], ..fine.clone() };
    assert!(matches!(decide(&snapshot), Err(RouteError::BadConfig(attr)) if attr.name == "explroe"));
    assert_eq!(decide(&fine).unwrap().state, [1, 0, 0]);
}
