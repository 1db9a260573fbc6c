//! Specialists before generalists: of those who can do a task, the agent with the fewest other skills does it, so that
//! the versatile stay free for what only they can do.
//!
//! Among equals the less loaded goes first, then the lower id. An agent with room always comes before a full one.

use baton_sdk::router::{Answer, Room, RouteError, Router, Scorecard, Snapshot};

struct Capability;

/// The steps between the weights keep the order strict: below 1.0, load decides only between equal surpluses, and
/// nobody has a million skills.
const CARD: Scorecard<3> = Scorecard([("full", -1e6), ("surplus", -1.0), ("load", -0.5)]);

impl Router for Capability {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        Ok(decide(&snapshot))
    }
}

fn decide(snapshot: &Snapshot) -> Answer {
    let declared: Vec<usize> = snapshot.agents.iter().map(|agent| agent.skills.len()).collect();
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|request, candidates| {
        let wanted = distinct(&request.task.skills);
        // Candidates declare all that is wanted, so what they have beyond it is a difference of two counts.
        let surplus =
            |agent: u32| declared.get(agent as usize).map_or(0, |declared| declared.saturating_sub(wanted));
        let choice = CARD.assign(
            candidates,
            |agent| [room.full(agent), surplus(agent) as f64, room.load(agent)],
            |agent, values| reason(snapshot.name(agent), wanted, surplus(agent), values[2]),
        );
        room.note(&choice);
        choice
    });
    Answer::from(decisions).with_factors(CARD.factors())
}

fn distinct(skills: &[String]) -> usize {
    let mut skills: Vec<&str> = skills.iter().map(String::as_str).collect();
    skills.sort_unstable();
    skills.dedup();
    skills.len()
}

fn reason(name: &str, wanted: usize, surplus: usize, load: f64) -> String {
    format!(
        "{name} has the {wanted} wanted skill(s) and {surplus} other(s), and is {:.0} % busy",
        load * 100.0
    )
}

baton_sdk::router!(Capability);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, snapshot};
    use baton_sdk::router::{Agent, Assignment, Choice};

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

    fn chosen(snapshot: &Snapshot) -> Vec<u32> {
        assignments(snapshot).iter().map(|assignment| assignment.agent).collect()
    }

    fn roomy(agent: Agent, capacity: u32, running: u32) -> Agent {
        Agent { capacity, running, ..agent }
    }

    #[test]
    fn the_specialist_goes_before_the_generalist() {
        let agents = vec![agent("a", &["go", "rust", "sql"]), agent("b", &["rust"])];
        let assignment = &assignments(&snapshot(agents, &["rust"], 1))[0];
        assert_eq!(assignment.agent, 1);
        assert_eq!(assignment.fallbacks, [0]);
        assert_eq!(assignment.scores[0].values, [0.0, 2.0, 0.0]);
        assert_eq!(assignment.scores[0].total, -2.0);
        assert_eq!(assignment.scores[1].total, 0.0);
        assert_eq!(assignment.reason, "b has the 1 wanted skill(s) and 0 other(s), and is 0 % busy");
    }

    #[test]
    fn load_then_id_decide_between_equals() {
        let busy = roomy(agent("a", &["rust"]), 4, 3);
        let idle = |id| roomy(agent(id, &["rust"]), 4, 1);
        let snapshot = snapshot(vec![busy, idle("b"), idle("c")], &["rust"], 5);
        assert_eq!(chosen(&snapshot), [1, 2, 1, 2, 0]);
    }

    #[test]
    fn a_full_specialist_goes_after_a_generalist_with_room() {
        let agents = vec![agent("a", &["rust"]), roomy(agent("b", &["go", "rust"]), 2, 0)];
        assert_eq!(chosen(&snapshot(agents, &["rust"], 4)), [0, 1, 1, 0]);
    }

    #[test]
    fn factors_are_those_of_the_values() {
        let answer = decide(&snapshot(vec![agent("a", &["rust"])], &["rust"], 1));
        let names: Vec<&str> = answer.factors.iter().map(|factor| factor.name.as_str()).collect();
        assert_eq!(names, ["full", "surplus", "load"]);
        assert!(answer.state.is_empty());
    }

    #[test]
    fn a_candidate_set_that_does_not_exist_is_rejected() {
        let mut snapshot = snapshot(vec![agent("a", &[])], &[], 1);
        snapshot.requests[0].candidates = 9;
        assert_eq!(
            decide(&snapshot).decisions[0].choice,
            Choice::Reject(String::from("no agent is eligible"))
        );
    }
}
