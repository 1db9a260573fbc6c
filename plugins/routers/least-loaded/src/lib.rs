//! Chooses the agent with the lowest share of its capacity in use.
//!
//! Among equals the agent with the most accepted work comes first, then the lower id.

use baton_sdk::router::{Agent, Answer, Room, RouteError, Router, Scorecard, Snapshot};

/// The router of this crate.
pub struct LeastLoaded;

/// History only breaks ties: its weight is less than any difference in load between capacities of up to a thousand.
const CARD: Scorecard<2> = Scorecard([("load", -1.0), ("history", 1e-7)]);

impl Router for LeastLoaded {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        Ok(decide(&snapshot))
    }
}

fn decide(snapshot: &Snapshot) -> Answer {
    let history = history(&snapshot.agents);
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|_, candidates| {
        let choice = CARD.assign(
            candidates,
            |agent| {
                let history = history.get(agent as usize).copied().unwrap_or(0.0);
                [room.load(agent), history]
            },
            |agent, values| {
                format!(
                    "{} is {:.0} % busy, the least of {}",
                    snapshot.name(agent),
                    values[0] * 100.0,
                    candidates.len()
                )
            },
        );
        room.note(&choice);
        choice
    });
    Answer::from(decisions).with_factors(CARD.factors())
}

/// Accepted work of each agent, as a share of the most that any of them has.
fn history(agents: &[Agent]) -> Vec<f64> {
    let accepted = |agent: &Agent| -> f64 {
        let counts = agent.stats.iter().map(|stats| f64::from(stats.accepted));
        counts.sum()
    };
    let counts: Vec<f64> = agents.iter().map(accepted).collect();
    let most = counts.iter().copied().fold(1.0, f64::max);
    counts.iter().map(|count| count / most).collect()
}

baton_sdk::router!(LeastLoaded);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, snapshot, stats};
    use baton_sdk::router::{Assignment, Choice, SkillStats};

    use super::*;

    fn assignments(snapshot: &Snapshot) -> Vec<Assignment> {
        decide(snapshot)
            .decisions
            .into_iter()
            .map(|decision| match decision.choice {
                Choice::Assign(assignment) => assignment,
                other => panic!("not an assignment: {other:?}"),
            })
            .collect()
    }

    fn loaded(id: &str, capacity: u32, running: u32) -> Agent {
        Agent { capacity, running, ..agent(id, &[]) }
    }

    fn accepted(agent: Agent, accepted: u32) -> Agent {
        Agent { stats: vec![SkillStats { accepted, ..stats("rust") }], ..agent }
    }

    #[test]
    fn a_batch_fills_the_emptiest_first() {
        let agents = vec![loaded("a", 2, 1), loaded("b", 4, 0), loaded("c", 4, 2)];
        let chosen: Vec<u32> =
            assignments(&snapshot(agents, &[], 6)).iter().map(|assignment| assignment.agent).collect();
        assert_eq!(chosen, [1, 1, 0, 1, 2, 1]);
    }

    #[test]
    fn history_breaks_a_tie_and_nothing_else() {
        let agents = vec![
            loaded("a", 1000, 1),
            accepted(loaded("b", 1000, 1), 8),
            accepted(loaded("c", 999, 1), 4000),
        ];
        let assignment = &assignments(&snapshot(agents, &[], 1))[0];
        assert_eq!(assignment.agent, 1);
        assert_eq!(assignment.fallbacks, [0, 2]);
        assert_eq!(assignment.scores[1].values, [0.001, 0.002]);
        assert_eq!(assignment.scores[1].total, -0.001 + 1e-7 * 0.002);
    }

    #[test]
    fn when_all_are_full_the_least_overfull_is_named() {
        let agents = vec![loaded("a", 1, 1), loaded("b", 4, 4)];
        let chosen: Vec<u32> =
            assignments(&snapshot(agents, &[], 3)).iter().map(|assignment| assignment.agent).collect();
        assert_eq!(chosen, [0, 1, 1]);
    }
}
