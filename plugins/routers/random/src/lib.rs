//! Chooses uniformly at random: a baseline, and an unbiased record to learn from.
//!
//! Draws among the candidates that have room, counting this answer's assignments; among all candidates if none has. No
//! configuration.

use baton_sdk::router::{
    Answer, Assignment, Choice, Factor, Request, Room, RouteError, Router, Score, Snapshot,
};

/// The router of this crate.
pub struct Random;

/// How many agents are named for the case that the chosen one is gone.
const FALLBACKS: usize = 8;

impl Router for Random {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        Ok(decide(&snapshot))
    }
}

fn decide(snapshot: &Snapshot) -> Answer {
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|request, candidates| {
        let choice = draw(snapshot, request, candidates, &room);
        room.note(&choice);
        choice
    });
    Answer::from(decisions).with_factors(vec![Factor { name: String::from("room"), weight: 1.0 }])
}

fn draw(snapshot: &Snapshot, request: &Request, candidates: &[u32], room: &Room) -> Choice {
    let has_room = |agent: &u32| !room.is_full(*agent);
    let nobody = !candidates.iter().any(has_room);
    let mut open: Vec<u32> = candidates.iter().copied().filter(|agent| nobody || has_room(agent)).collect();
    let propensity = 1.0 / open.len() as f64;
    let score = |&agent: &u32| {
        let room = 1.0 - room.full(agent);
        let propensity = if nobody || has_room(&agent) { propensity } else { 0.0 };
        Score { agent, total: room, propensity, values: vec![room], forecast: None }
    };
    let scores = candidates.iter().map(score).collect();
    let count = open.len();
    shuffle(&mut open, FALLBACKS + 1, snapshot, request);
    match open.split_first() {
        None => Choice::Reject(String::from("no agent is eligible")),
        Some((&agent, rest)) => Choice::Assign(Assignment {
            agent,
            fallbacks: rest.iter().copied().take(FALLBACKS).collect(),
            scores,
            reason: format!("{} was drawn by lot from {count}", snapshot.name(agent)),
        }),
    }
}

/// Puts the first `places` into an order in which each is as likely as any other (Fisher and Yates).
fn shuffle(agents: &mut [u32], places: usize, snapshot: &Snapshot, request: &Request) {
    let mut random = snapshot.random(&request.task);
    for place in 0..places.min(agents.len()) {
        let left = (agents.len() - place) as u64;
        agents.swap(place, place + random.below(left) as usize);
    }
}

baton_sdk::router!(Random);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, snapshot};
    use baton_sdk::router::Agent;

    use super::*;

    fn assignments(snapshot: &Snapshot) -> Vec<Assignment> {
        let assigned = |choice| match choice {
            Choice::Assign(assignment) => assignment,
            other => panic!("not an assignment: {other:?}"),
        };
        decide(snapshot).decisions.into_iter().map(|decision| assigned(decision.choice)).collect()
    }

    fn with_room(id: &str, capacity: u32) -> Agent {
        Agent { capacity, ..agent(id, &[]) }
    }

    #[test]
    fn everybody_is_drawn_as_often() {
        let mut counts = [0; 4];
        for seed in 0..8000 {
            let agents = ["a", "b", "c", "d"].map(|id| with_room(id, 1)).to_vec();
            let snapshot = Snapshot { seed, ..snapshot(agents, &[], 1) };
            let assignment = &assignments(&snapshot)[0];
            counts[assignment.agent as usize] += 1;
            assert!(assignment.scores.iter().all(|score| score.propensity == 0.25));
            let mut all = [&[assignment.agent], &assignment.fallbacks[..]].concat();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }

    #[test]
    fn who_is_full_by_now_is_left_out_until_all_are() {
        let mut snapshot = snapshot(vec![with_room("a", 1), with_room("b", 2)], &[], 4);
        for (index, request) in snapshot.requests.iter_mut().enumerate() {
            request.task.id = format!("t{index}");
        }
        let assignments = assignments(&snapshot);
        let count = |agent| assignments[..3].iter().filter(|one| one.agent == agent).count();
        assert_eq!((count(0), count(1)), (1, 2));
        for assignment in &assignments {
            let sum: f64 = assignment.scores.iter().map(|score| score.propensity).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert_eq!(assignments[3].scores[0].propensity, 0.5);
    }

    #[test]
    fn tasks_of_one_question_have_lots_of_their_own() {
        let agents = (0..50).map(|id| with_room(&format!("{id:02}"), 100)).collect();
        let mut snapshot = snapshot(agents, &[], 20);
        for (index, request) in snapshot.requests.iter_mut().enumerate() {
            request.task.id = format!("t{index}");
        }
        let mut chosen: Vec<u32> = assignments(&snapshot).iter().map(|one| one.agent).collect();
        chosen.dedup();
        assert!(chosen.len() > 15, "{chosen:?}");
    }

    #[test]
    fn a_candidate_set_that_does_not_exist_is_rejected() {
        let mut snapshot = snapshot(vec![agent("a", &[])], &[], 1);
        snapshot.requests[0].candidates = 9;
        let rejected = Choice::Reject(String::from("no agent is eligible"));
        assert_eq!(decide(&snapshot).decisions[0].choice, rejected);
    }
}
