use super::*;
use crate::fixture::{agent, snapshot};
use crate::router::{Agent, Expected, Score};
use crate::words::Attr;

const MINUTE: f64 = 60_000.0;

fn prospect(success: f64) -> Prospect {
    Prospect {
        success,
        doubt: 0.05,
        confidence: 0.5,
        expected: Expected { latency: Some(10.0 * MINUTE), ..Expected::default() },
    }
}

/// Agents `a`, `b`, … with room for one attempt; those that are `busy` have none.
fn pool(count: u8, busy: &[usize], tasks: usize) -> Snapshot {
    let id = |at: u8| char::from(b'a' + at).to_string();
    let agents: Vec<Agent> = (0..count).map(|at| agent(&id(at), &[])).collect();
    let mut snapshot = snapshot(agents, &[], tasks);
    for &at in busy {
        snapshot.agents[at].running = 1;
    }
    snapshot.candidate_sets =
        vec![(0..u32::from(count)).filter(|at| !busy.contains(&(*at as usize))).collect()];
    for (at, request) in snapshot.requests.iter_mut().enumerate() {
        request.task.id = format!("t{at}");
    }
    snapshot.now = 1_000_000_000;
    snapshot
}

fn preference(config: &[(&str, &str)]) -> Preference {
    let usual = [("explore", "0"), ("floor", "0"), ("wait", "0.1"), ("patience", "2")];
    let is_given = |name: &str| config.iter().any(|(given, _)| *given == name);
    let attrs: Vec<Attr> = usual
        .iter()
        .filter(|(name, _)| !is_given(name))
        .chain(config)
        .map(|(name, value)| Attr::new(*name, *value))
        .collect();
    Preference::read(crate::Config(&attrs)).unwrap()
}

/// Decides all requests; an attempt usually takes ten minutes.
fn decided(
    snapshot: &Snapshot,
    config: &[(&str, &str)],
    prospects: &[Prospect],
    line: Line,
) -> (Vec<Choice>, Line) {
    let preference = preference(config);
    let mut chooser = Chooser::new(snapshot, &preference, Some(10.0 * MINUTE), line);
    let choices = snapshot
        .requests
        .iter()
        .map(|request| chooser.choose(request, snapshot.candidates(request), prospects))
        .collect();
    (choices, chooser.into_line())
}

fn assignment(choice: &Choice) -> &Assignment {
    match choice {
        Choice::Assign(assignment) => assignment,
        other => panic!("not an assignment: {other:?}"),
    }
}

fn agents(choices: &[Choice]) -> Vec<Option<u32>> {
    let agent = |choice: &Choice| match choice {
        Choice::Assign(assignment) => Some(assignment.agent),
        Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => None,
    };
    choices.iter().map(agent).collect()
}

#[test]
fn totals_are_what_the_factors_say() {
    let snapshot = pool(3, &[], 1);
    let mut prospects = [prospect(0.5), prospect(0.7), prospect(0.6)];
    prospects[1].expected.cost = Some(2_000_000.0);
    prospects[2].expected.latency = None;
    let (choices, _) = decided(&snapshot, &[], &prospects, Line::default());
    let assignment = assignment(&choices[0]);
    assert_eq!((assignment.agent, &assignment.fallbacks[..]), (1, &[2, 0][..]));
    // Who has no price or time of its own is taken for the usual.
    assert_eq!(assignment.scores[2].values, [0.6, 10.0, 2.0, 0.0]);
    assert!((assignment.scores[2].total - (0.6 - 0.1 - 0.02)).abs() < 1e-12);
    let forecast = assignment.scores[1].forecast.unwrap();
    assert_eq!((forecast.latency, forecast.cost_micros), (600_000, Some(2_000_000)));
    assert_eq!(assignment.scores[2].forecast.unwrap().cost_micros, None);
    assert_eq!(
        assignment.reason,
        "b is expected to succeed with 0.70 (confidence 0.50) and seems the best of 3"
    );
}

#[test]
fn quality_scales_a_success_as_far_as_is_configured() {
    let snapshot = pool(2, &[], 1);
    let mut prospects = [prospect(0.8), prospect(0.6)];
    prospects[0].expected.quality = Some(0.5);
    prospects[1].expected.quality = Some(1.0);
    let (choices, _) = decided(&snapshot, &[], &prospects, Line::default());
    assert_eq!(agents(&choices), [Some(0)]);
    let (choices, _) = decided(&snapshot, &[("quality", "1")], &prospects, Line::default());
    assert_eq!(agents(&choices), [Some(1)]);
    assert_eq!(assignment(&choices[0]).scores[0].values[0], 0.4);
}

#[test]
fn what_a_batch_gives_away_is_taken() {
    let snapshot = pool(3, &[], 4);
    let prospects = [prospect(0.50), prospect(0.52), prospect(0.51)];
    let (choices, line) = decided(&snapshot, &[("patience", "0")], &prospects, Line::default());
    assert_eq!(agents(&choices), [Some(1), Some(2), Some(0), Some(1)]);
    assert_eq!(line, Line::default());
    let propensities =
        |choice| assignment(choice).scores.iter().map(|score: &Score| score.propensity).sum::<f64>();
    assert!(choices.iter().all(|choice| (propensities(choice) - 1.0).abs() < 1e-12));
    assert_eq!(assignment(&choices[1]).scores[1].propensity, 0.0);
}

#[test]
fn lots_are_drawn_by_the_chances_that_are_told() {
    let prospects = [prospect(0.50), prospect(0.55), prospect(0.52), prospect(0.1)];
    let mut drawn = [0.0; 4];
    let mut told = Vec::new();
    for seed in 0..4000 {
        let snapshot = Snapshot { seed, ..pool(4, &[], 1) };
        let preference = Preference::read(crate::Config(&[Attr::new("explore", "0.6")])).unwrap();
        let mut chooser = Chooser::new(&snapshot, &preference, None, Line::default());
        let choice = chooser.choose(&snapshot.requests[0], &[0, 1, 2, 3], &prospects);
        drawn[assignment(&choice).agent as usize] += 1.0 / 4000.0;
        told = assignment(&choice).scores.iter().map(|score| score.propensity).collect();
    }
    for (drawn, told) in drawn.iter().zip(&told) {
        assert!((drawn - told).abs() < 0.025 && *told >= 0.02 / 4.0 - 1e-12, "{drawn} {told}");
    }
}

#[test]
fn a_task_waits_for_somebody_who_is_worth_it_and_no_longer() {
    let snapshot = pool(2, &[1], 1);
    let worth = [prospect(0.4), prospect(0.55)];
    let (choices, line) = decided(&snapshot, &[], &worth, Line::default());
    // A quarter of the ten minutes that an attempt takes.
    assert_eq!(choices, [Choice::Defer(150_000)]);
    let (choices, _) = decided(&snapshot, &[], &[prospect(0.4), prospect(0.45)], Line::default());
    assert_eq!(agents(&choices), [Some(0)]);
    let (choices, _) = decided(&snapshot, &[("patience", "0")], &worth, Line::default());
    assert_eq!(agents(&choices), [Some(0)]);
    // It comes back each time, until it has waited for as long as two attempts take.
    let mut line = line;
    let mut later = snapshot.clone();
    let mut waited = 0;
    while waited < 1_200_000 {
        later.now = snapshot.now + waited;
        let (choices, next) = decided(&later, &[], &worth, line);
        assert_eq!(choices, [Choice::Defer(150_000)]);
        (line, waited) = (next, waited + 150_000);
    }
    later.now = snapshot.now + waited;
    assert_eq!(agents(&decided(&later, &[], &worth, line).0), [Some(0)]);
}

#[test]
fn who_came_first_is_not_overtaken() {
    let busy = pool(2, &[1], 1);
    let worth = [prospect(0.4), prospect(0.55)];
    let (_, line) = decided(&busy, &[], &worth, Line::default());
    // The agent is free again, and a newcomer is asked about before the one that waits.
    let mut free = pool(2, &[], 2);
    free.now = busy.now + 100_000;
    free.requests[0].task.id = String::from("newcomer");
    free.requests[1].task.id = String::from("t0");
    let (choices, line) = decided(&free, &[], &worth, line);
    assert_eq!(agents(&choices), [None, Some(1)]);
    // By now the newcomer is the only one in line.
    free.requests.truncate(1);
    assert_eq!(agents(&decided(&free, &[], &worth, line).0), [Some(1)]);
}

#[test]
fn an_urgent_newcomer_goes_before_who_waits() {
    let busy = pool(2, &[1], 1);
    let worth = [prospect(0.4), prospect(0.55)];
    let (_, line) = decided(&busy, &[], &worth, Line::default());
    let mut free = pool(2, &[], 1);
    free.now = busy.now + 100_000;
    free.requests[0].task.id = String::from("newcomer");
    free.requests[0].task.priority = 1;
    assert_eq!(agents(&decided(&free, &[], &worth, line).0), [Some(1)]);
}

#[test]
fn a_long_line_is_not_worth_its_wait() {
    let snapshot = pool(3, &[2], 8);
    let prospects = [prospect(0.3), prospect(0.3), prospect(0.65)];
    let (choices, line) = decided(&snapshot, &[], &prospects, Line::default());
    // The third in line would pay 0.3 for 0.35 more, the fourth 0.4. When nobody has room any more, it is the host's turn.
    assert_eq!(agents(&choices)[..5], [None, None, None, Some(0), Some(1)]);
    assert!(line.before(0, u64::MAX, u64::MAX).count() >= 3);
}

#[test]
fn nobody_waits_for_who_could_not_do_it() {
    let mut snapshot = pool(2, &[1], 1);
    let worth = [prospect(0.1), prospect(0.9)];
    snapshot.agents[1].tracks = vec![String::from("other")];
    assert_eq!(agents(&decided(&snapshot, &[], &worth, Line::default()).0), [None]);
    snapshot.requests[0].task.track = Some(String::from("mine"));
    assert_eq!(agents(&decided(&snapshot, &[], &worth, Line::default()).0), [Some(0)]);
    snapshot.requests[0].task.track = None;
    snapshot.requests[0].task.skills = vec![String::from("x")];
    assert_eq!(agents(&decided(&snapshot, &[], &worth, Line::default()).0), [Some(0)]);
}

#[test]
fn without_any_time_known_nobody_waits() {
    let snapshot = pool(2, &[1], 1);
    let preference = preference(&[]);
    let mut chooser = Chooser::new(&snapshot, &preference, None, Line::default());
    let choice = chooser.choose(&snapshot.requests[0], &[0], &[prospect(0.1), prospect(0.9)]);
    assert_eq!(agents(&[choice]), [Some(0)]);
}

#[test]
fn a_large_answer_holds_the_best_and_the_chosen_one() {
    let agents: Vec<Agent> = (0..1000).map(|at| agent(&format!("{at:04}"), &[])).collect();
    let mut snapshot = snapshot(agents, &[], 256);
    for (at, request) in snapshot.requests.iter_mut().enumerate() {
        request.task.id = format!("t{at}");
    }
    let prospects: Vec<Prospect> = (0..1000).map(|at| prospect(f64::from(at) / 1000.0)).collect();
    let (choices, _) = decided(&snapshot, &[("floor", "1"), ("explore", "0")], &prospects, Line::default());
    let mut told = 0;
    for choice in &choices {
        let Assignment { agent, scores, .. } = assignment(choice);
        told += scores.len();
        assert!(scores.windows(2).all(|pair| pair[0].agent < pair[1].agent));
        assert!(scores.iter().any(|score| score.agent == *agent));
        assert!(scores.iter().filter(|score| score.total > 0.5).count() >= scores.len() - 1);
    }
    assert!(told <= 80_000 && told > 79_000);
}

#[test]
fn nobody_is_eligible_where_nobody_is() {
    let snapshot = pool(1, &[], 1);
    let preference = preference(&[]);
    let mut chooser = Chooser::new(&snapshot, &preference, None, Line::default());
    let rejected = Choice::Reject(String::from("no agent is eligible"));
    assert_eq!(chooser.choose(&snapshot.requests[0], &[], &[prospect(0.5)]), rejected);
    assert_eq!(chooser.choose(&snapshot.requests[0], &[7], &[prospect(0.5)]), rejected);
}
