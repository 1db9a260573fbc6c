//! A small plan played to its end.

use baton_core::outcome::Outcome;
use baton_plugin::router::least_loaded;

use super::*;
use crate::testing::{agent, router};

fn simulator(record: bool) -> Simulator {
    let spec = |name: &str| Workstream { skills: vec!["work".into()], ..Workstream::named(name) };
    let plan = Plan { name: "test".into(), workstreams: vec![spec("a"), spec("b"), spec("c")] };
    let agents = [agent(1, "ann", &["work"]).card];
    let config = BTreeMap::new();
    let setting = Setting {
        plan,
        agents: &agents,
        seed: Seed(1),
        router: router("own"),
        config,
        budget: Budget::default(),
        limits: ConcurrencyLimits::default(),
        record,
    };
    Simulator::new(setting).expect("memory is there")
}

/// Plays to the end: names with their starts and ends in seconds.
fn play(simulator: &mut Simulator) -> Vec<(String, i64, i64)> {
    let mut route = |snapshot: &Snapshot| Ok(Routed { answer: least_loaded(snapshot), fuel: 0 });
    let mut attempt = |_: &Workstream, _: &str| ScriptedAttempt {
        takes: Duration::from_secs(10),
        result: attempt::Result::Claimed(Outcome::default()),
        used: Usage { cost_micros: Some(7), ..Usage::default() },
    };
    let mut driver = Driver { route: &mut route, teach: None, attempt: &mut attempt };
    let mut starts = Vec::new();
    loop {
        let started = simulator.play(&mut driver).expect("the store is there");
        starts.extend(started.into_iter().map(|one| (one.name, one.at.0 / 1000, one.until.0 / 1000)));
        let Some(next) = simulator.next() else { return starts };
        simulator.advance(next).expect("the store is there");
    }
}

#[test]
fn attempts_take_their_time_and_agents_their_turn() {
    let mut simulator = simulator(false);
    let starts = play(&mut simulator);
    let expected = [("a", 0, 10), ("b", 0, 10), ("c", 10, 20)];
    assert_eq!(starts, expected.map(|(name, from, to)| (name.to_owned(), from, to)));
    let rows = simulator.store().reader();
    let spent = baton_store::read::cost::of_run(rows, simulator.run).expect("readable");
    assert_eq!(spent.money, baton_core::budget::Money(21));
    let run = baton_store::read::run(rows, simulator.run).expect("readable").expect("it is there");
    assert_eq!(run.settled, None, "more of it may arrive");
}

#[test]
fn decisions_are_kept_if_they_are_to_be() {
    let decisions = |record| {
        let mut simulator = simulator(record);
        play(&mut simulator);
        let all = baton_store::read::routing::decisions(simulator.store().reader(), Default::default());
        all.expect("readable").len()
    };
    assert_eq!((decisions(true), decisions(false)), (2, 0));
}
