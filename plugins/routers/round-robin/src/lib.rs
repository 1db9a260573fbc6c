//! Chooses the agents in turn, in the order of ids. A full agent is skipped while another one has room.
//!
//! State: empty before the first turn, then the byte 1 and the id, in UTF-8, of the agent whose turn was last. An id and
//! not an index, so that the order continues when agents are added or removed.

use baton_sdk::router::{Answer, Choice, Room, RouteError, Router, Scorecard, Snapshot};

/// The router of this crate.
pub struct RoundRobin;

const VERSION: u8 = 1;

/// How many eligible agents are before this one; fullness outweighs any number of them.
const CARD: Scorecard<2> = Scorecard([("full", -1e9), ("turn", -1.0)]);

impl Router for RoundRobin {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        decide(&snapshot)
    }
}

fn decide(snapshot: &Snapshot) -> Result<Answer, RouteError> {
    let mut next = first(snapshot)?;
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|_, candidates| {
        let choice = take_turn(snapshot, candidates, next, &room);
        if let Choice::Assign(assignment) = &choice {
            next = assignment.agent.saturating_add(1);
        }
        room.note(&choice);
        choice
    });
    Ok(Answer::from(decisions).with_factors(CARD.factors()).with_state(state(snapshot, next)))
}

fn take_turn(snapshot: &Snapshot, candidates: &[u32], next: u32, room: &Room) -> Choice {
    let count = candidates.len();
    let start = candidates.partition_point(|&agent| agent < next);
    let mut position = 0;
    CARD.assign(
        candidates,
        |agent| {
            let turn = (position + count - start) % count;
            position += 1;
            [room.full(agent), turn as f64]
        },
        |agent, values| {
            format!("it is the turn of {}, {:.0} of {count} passed over", snapshot.name(agent), values[1])
        },
    )
}

/// Index of the agent that has the first turn.
fn first(snapshot: &Snapshot) -> Result<u32, RouteError> {
    let last = match snapshot.state.split_first() {
        None => return Ok(0),
        Some((&VERSION, id)) => std::str::from_utf8(id)
            .map_err(|_| RouteError::BadState(String::from("the id in it is not UTF-8")))?,
        Some((version, _)) => {
            let why = format!("its version is {version}, this router writes {VERSION}");
            return Err(RouteError::BadState(why));
        }
    };
    Ok(snapshot.agents.partition_point(|agent| agent.id.as_str() <= last) as u32)
}

fn state(snapshot: &Snapshot, next: u32) -> Vec<u8> {
    let last = next.checked_sub(1).and_then(|last| snapshot.agents.get(last as usize));
    match last {
        None => snapshot.state.clone(),
        Some(agent) => [&[VERSION], agent.id.as_bytes()].concat(),
    }
}

baton_sdk::router!(RoundRobin);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, snapshot};
    use baton_sdk::router::Agent;

    use super::*;

    fn with_room(id: &str) -> Agent {
        Agent { capacity: 100, ..agent(id, &[]) }
    }

    fn chosen(answer: &Answer) -> Vec<u32> {
        let agent = |choice: &Choice| match choice {
            Choice::Assign(assignment) => assignment.agent,
            other => panic!("not an assignment: {other:?}"),
        };
        answer.decisions.iter().map(|decision| agent(&decision.choice)).collect()
    }

    #[test]
    fn turns_go_on_across_calls() {
        let mut snapshot = snapshot(vec![with_room("a"), with_room("b"), with_room("c")], &[], 4);
        let answer = decide(&snapshot).unwrap();
        assert_eq!(chosen(&answer), [0, 1, 2, 0]);
        assert_eq!(answer.state, b"\x01a");
        snapshot.state = answer.state;
        assert_eq!(chosen(&decide(&snapshot).unwrap()), [1, 2, 0, 1]);
    }

    #[test]
    fn the_turn_survives_that_its_agent_left() {
        let mut snapshot = snapshot(vec![with_room("a"), with_room("c")], &[], 1);
        snapshot.state = b"\x01b".to_vec();
        assert_eq!(chosen(&decide(&snapshot).unwrap()), [1]);
    }

    #[test]
    fn the_full_are_passed_over_unless_all_are() {
        let agents = vec![agent("a", &[]), with_room("b")];
        let mut snapshot = snapshot(agents, &[], 4);
        assert_eq!(chosen(&decide(&snapshot).unwrap()), [0, 1, 1, 1]);
        snapshot.agents[1].running = 100;
        snapshot.agents[0].running = 1;
        assert_eq!(chosen(&decide(&snapshot).unwrap()), [0, 1, 0, 1]);
    }

    #[test]
    fn state_of_another_router_is_refused() {
        let mut snapshot = snapshot(vec![agent("a", &[])], &[], 1);
        snapshot.state = vec![7, b'a'];
        assert_eq!(
            decide(&snapshot),
            Err(RouteError::BadState(String::from("its version is 7, this router writes 1")))
        );
        snapshot.state = vec![1, 0xff];
        assert_eq!(decide(&snapshot), Err(RouteError::BadState(String::from("the id in it is not UTF-8"))));
    }
}
