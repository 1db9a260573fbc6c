//! Plain values for the native tests of plugins. Tests change the fields they are about.

mod play;
mod transcript;

pub use play::{Played, play};
pub use transcript::{ScriptedProgram, Step, transcript};

use crate::agent::Attempt;
use crate::router::{Agent, Request, SkillStats, Snapshot};
use crate::words::{Attr, Child, Effects, ErrorClass, Fault, Outcome, Task, TaskState};

/// Task `t` of run `r1`; `input` is JSON text.
pub fn task(input: &str) -> Task {
    Task {
        id: String::from("t"),
        run: String::from("r1"),
        title: String::from("Title"),
        input: input.to_owned(),
        skills: Vec::new(),
        prefers: Vec::new(),
        track: None,
        priority: 0,
        estimate: None,
        effects: Effects::Pure,
        attempts: 0,
        feedback: Vec::new(),
        metadata: Vec::new(),
    }
}

/// A child that succeeded with this outcome.
pub fn succeeded(name: &str, outcome: Outcome) -> Child {
    Child { name: name.to_owned(), state: TaskState::Succeeded, outcome: Some(outcome), fault: None }
}

/// The child with additional facts of the host, by their names without `baton.`, such as `("agent", "a")`.
pub fn with_facts(mut child: Child, facts: &[(&str, &str)]) -> Child {
    let facts = facts.iter().map(|(name, value)| Attr::new(format!("baton.{name}"), *value));
    match (&mut child.outcome, &mut child.fault) {
        (Some(outcome), _) => outcome.attrs.extend(facts),
        (None, Some(fault)) => fault.attrs.extend(facts),
        (None, None) => {}
    }
    child
}

/// A child that failed for this reason.
pub fn failed(name: &str, class: ErrorClass, message: &str) -> Child {
    Child {
        name: name.to_owned(),
        state: TaskState::Failed,
        outcome: None,
        fault: Some(Fault::new(class, message)),
    }
}

/// A child that is running.
pub fn running(name: &str) -> Child {
    Child { name: name.to_owned(), state: TaskState::Running, outcome: None, fault: None }
}

/// An idle agent with room for one attempt.
pub fn agent(id: &str, skills: &[&str]) -> Agent {
    Agent {
        id: id.to_owned(),
        kind: String::from("mock"),
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        tracks: Vec::new(),
        capacity: 1,
        running: 0,
        stats: Vec::new(),
        attrs: Vec::new(),
    }
}

/// The record of a skill without any attempt.
pub fn stats(skill: &str) -> SkillStats {
    SkillStats {
        skill: skill.to_owned(),
        accepted: 0,
        refused: 0,
        failed: 0,
        successes: 0.0,
        trials: 0.0,
        latency: 0,
        cost_micros: None,
        quality: None,
        last: 0,
        attrs: Vec::new(),
    }
}

/// A snapshot with `requests` equal requests for `skills`, for which every agent is a candidate.
pub fn snapshot(agents: Vec<Agent>, skills: &[&str], requests: usize) -> Snapshot {
    let request = Request {
        task: Task { skills: skills.iter().map(|skill| (*skill).to_owned()).collect(), ..task("null") },
        candidates: 0,
        queued: 0,
        features: Vec::new(),
        consulted: None,
    };
    Snapshot {
        now: 0,
        seed: 0,
        candidate_sets: vec![(0..).take(agents.len()).collect()],
        agents,
        requests: vec![request; requests],
        config: Vec::new(),
        state: Vec::new(),
    }
}

/// The first attempt of [`task`] by agent `a`, at time 0 with a minute to go.
pub fn attempt(input: &str) -> Attempt {
    Attempt {
        task: task(input),
        agent: String::from("a"),
        epoch: 1,
        idempotency_key: String::from("r1/t"),
        deadline: 60_000,
        now: 0,
        seed: 0,
        config: Vec::new(),
    }
}
