//! Rows as the tests of owners want them.

use std::collections::BTreeMap;

use baton_core::agent::breaker::Breaker;
use baton_core::agent::{Agent, Card, Standing};
use baton_core::budget::Cap;
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::op::{End, RouterChoice, RunRecord};
use baton_core::seed::Seed;
use baton_core::task::{State, Task, WaitingOn};

use crate::attempt;

pub const RUN: RunId = RunId(1);
pub const TERMS: TermsId = TermsId(1);

pub fn router(name: &str) -> RouterChoice {
    RouterChoice { name: name.into(), digest: format!("digest of {name}") }
}

pub fn record() -> RunRecord {
    RunRecord {
        run: RUN,
        seed: Seed(1),
        router: router("own"),
        router_before: None,
        held: false,
        settled: false,
    }
}

pub fn ready(id: i64) -> Task {
    Task {
        id: TaskId(id),
        run: RUN,
        parent: None,
        terms: TERMS,
        state: State::Ready { since: Time(0) },
        held: false,
        cancelling: false,
        epoch: Epoch(0),
        attempts: 0,
        crashes: 0,
        conflicts: 0,
        priority: 0,
        created: Time(0),
        deadline: None,
    }
}

pub fn in_state(id: i64, state: State) -> Task {
    Task { state, ..ready(id) }
}

pub fn running(id: i64, epoch: u32) -> Task {
    let state = State::Running { agent: AgentId(1), since: Time(0), lease_until: Time(60_000) };
    Task { epoch: Epoch(epoch), ..in_state(id, state) }
}

pub fn waiting(id: i64, stage: WaitingOn) -> Task {
    in_state(id, State::Waiting { stage, need: None, since: Time(0) })
}

/// An agent that does two tasks at once.
pub fn agent(id: i64, name: &str, skills: &[&str]) -> Agent {
    let card = Card {
        name: name.into(),
        adapter: "mock".into(),
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        tracks: Vec::new(),
        capacity: 2,
        config: BTreeMap::new(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    };
    Agent { id: AgentId(id), card, standing: Standing::Active, breaker: Breaker::Closed { failures: 0 } }
}

pub fn failed(class: ErrorClass) -> attempt::Result {
    attempt::Result::Over(End::Failed { fault: Fault::new(class, "x"), checks: Vec::new() })
}
