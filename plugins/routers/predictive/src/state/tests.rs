use baton_sdk::fixture::agent;
use baton_sdk::router::{Agent, Experience, Feature, Verdict};

use super::*;

/// As much as a state can hold, of as many agents as it takes.
fn full() -> State {
    let mut state = State { began: true, ..State::default() };
    let agents: Vec<Agent> = (0..2000).map(|at| agent(&format!("a{at}"), &["x", "y", "z"])).collect();
    state.declared = Declared::by(&agents);
    for (at, agent) in agents.iter().enumerate() {
        let feature = |name| Feature { name: format!("f{name}"), value: at as f64 };
        state.learn(&Experience {
            task: String::from("t"),
            run: String::from("r1"),
            skills: vec![format!("s{}", at % 7)],
            features: (0..40).map(feature).collect(),
            agent: agent.id.clone(),
            agent_kind: format!("k{}", at % 90),
            verdict: if at % 3 == 0 { Verdict::Failed } else { Verdict::Accepted },
            latency: 1,
            cost_micros: None,
            quality: None,
            at: 0,
        });
    }
    state.model.prune();
    for at in 0..256 {
        let place = baton_sdk::router::Place { task: at, agent: at, priority: 0, since: at, until: at };
        assert!(state.line.put(place));
    }
    state
}

#[test]
fn the_fullest_state_fits_and_comes_back_bit_by_bit() {
    let state = full();
    let bytes = state.write();
    assert!(bytes.len() <= 64 << 10 && bytes.len() > 50_000, "{}", bytes.len());
    assert_eq!(State::read(&bytes).as_ref(), Some(&state));
    assert_eq!(State::read(&bytes).map(|state| state.write()), Some(bytes));
}

#[test]
fn a_foreign_or_broken_state_is_not_read() {
    let bytes = full().write();
    for cut in (0..bytes.len()).step_by(997) {
        assert_eq!(State::read(&bytes[..cut]), None);
    }
    assert_eq!(State::read(&[&bytes[..], &[0]].concat()), None);
    for foreign in [&b"bpr\x02"[..], &[0xff; 3], &[0; 1000], b"{}"] {
        assert_eq!(State::read(foreign), None);
    }
    let empty = State::default().write();
    assert_eq!(State::read(&empty), Some(State::default()));
    assert_eq!(State::read(&[&empty[..4], &[2], &empty[5..]].concat()), None);
}
