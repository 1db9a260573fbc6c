//! The 39 workstreams in a thousand schedules: random durations and random choices, the real store and board.
//! Dependencies and locks are never violated, and every workstream is done exactly once.

use std::collections::HashMap;
use std::time::Duration;

use baton_app::config::Config;
use baton_core::plan::load;
use baton_core::seed::Seed;
use baton_engine::dry_run::{DryRun, Slot, play};
use baton_plugin::router::{Answer, Assignment, Choice, Decision, Snapshot};

use crate::support::{root, seed};

/// Anyone who is eligible, by lot.
fn by_lot(snapshot: &Snapshot, seed: Seed) -> Answer {
    let decisions = snapshot.requests.iter().zip(0_u32..).map(|(request, index)| {
        let set = &snapshot.candidate_sets[request.candidates as usize];
        let draw = seed.of(i64::from(index)).of(i64::try_from(snapshot.now).unwrap_or(0)).0;
        let agent = set[usize::try_from(draw % set.len() as u64).unwrap_or(0)];
        let assignment =
            Assignment { agent, fallbacks: Vec::new(), scores: Vec::new(), reason: String::new() };
        Decision { request: index, choice: Choice::Assign(assignment) }
    });
    Answer { decisions: decisions.collect(), factors: Vec::new(), state: Vec::new() }
}

#[test]
fn dependencies_and_locks_hold_in_a_thousand_schedules() {
    let folder = root().join("examples/workstreams");
    let plan = load::load(&folder.join("plan")).expect("the example is sound");
    let config = Config::read(&folder.join("baton.toml")).expect("the example is sound");
    let terms: HashMap<&str, _> = plan.workstreams.iter().map(|one| (one.id.as_str(), one.terms())).collect();
    let drawn = seed::drawn("the schedules");
    for round in 0..i64::from(seed::rounds(1000)) {
        let seed = drawn.of(round);
        let mut draws = 0;
        let (slots, left) = play(DryRun {
            plan: &plan,
            agents: &config.agents,
            seed,
            config: &std::collections::BTreeMap::new(),
            budget: &config.budget,
            limits: &config.limits,
            router: &mut |snapshot| by_lot(snapshot, seed),
            takes: &mut |_| {
                draws += 1;
                Duration::from_millis(1 + seed.of(draws).0 % 1000)
            },
        })
        .expect("the store works");
        assert_eq!((slots.len(), left), (39, Vec::new()), "round {round} of {drawn:?}");
        let at: HashMap<&str, &Slot> = slots.iter().map(|slot| (slot.task.as_str(), slot)).collect();
        for workstream in &plan.workstreams {
            let own = at[workstream.id.as_str()];
            for parent in &workstream.depends_on {
                assert!(
                    at[parent.as_str()].end <= own.start,
                    "{} started before {parent} ended (round {round} of {drawn:?})",
                    own.task
                );
            }
        }
        for (index, one) in slots.iter().enumerate() {
            for other in &slots[index + 1..] {
                let together = one.start < other.end && other.start < one.end;
                if together {
                    assert_ne!(
                        one.agent, other.agent,
                        "{} and {} (round {round} of {drawn:?})",
                        one.task, other.task
                    );
                    let clash = terms[one.task.as_str()].scope.conflict(&terms[other.task.as_str()].scope);
                    assert_eq!(
                        clash, None,
                        "{} and {} ran at once (round {round} of {drawn:?})",
                        one.task, other.task
                    );
                }
            }
        }
    }
}
