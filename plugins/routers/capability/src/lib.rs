//! Specialists before generalists: of the candidates, the agent with the fewest other skills is chosen, so that versatile
//! agents stay free for tasks that only they can do.
//!
//! Agents that lack a preferred skill come after those that have it. Among equals the less loaded comes first, then the
//! lower id. An agent with room always comes before a full one. No configuration.

use baton_sdk::router::{Agent, Answer, Room, RouteError, Router, Scorecard, Snapshot, Task};

/// The router of this crate.
pub struct Capability;

/// The steps between the weights keep the order strict: below 1.0, load decides only between equal surpluses, and
/// nobody has a hundred thousand skills, nor does a task prefer ten thousand.
const CARD: Scorecard<4> = Scorecard([("full", -1e9), ("lacks", -1e5), ("surplus", -1.0), ("load", -0.5)]);

impl Router for Capability {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        Ok(decide(&snapshot))
    }
}

fn decide(snapshot: &Snapshot) -> Answer {
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|request, candidates| {
        let wish = Wish::of(&request.task);
        let fit = |agent: u32| snapshot.agents.get(agent as usize).map_or((0, 0), |agent| wish.fit(agent));
        let choice = CARD.assign(
            candidates,
            |agent| {
                let (lacks, surplus) = fit(agent);
                [room.full(agent), lacks as f64, surplus as f64, room.load(agent)]
            },
            |agent, values| reason(snapshot.name(agent), wish.wanted(), fit(agent), values[3]),
        );
        room.note(&choice);
        choice
    });
    Answer::from(decisions).with_factors(CARD.factors())
}

/// What a task asks for, without repetitions.
struct Wish<'a> {
    /// How many skills it requires. Candidates declare them all.
    required: usize,
    /// Those that it prefers beside them.
    preferred: Vec<&'a str>,
}

impl<'a> Wish<'a> {
    fn of(task: &'a Task) -> Self {
        let required = distinct(&task.skills);
        let mut preferred = distinct(&task.prefers);
        preferred.retain(|skill| required.binary_search(skill).is_err());
        Self { required: required.len(), preferred }
    }

    fn wanted(&self) -> usize {
        self.required + self.preferred.len()
    }

    /// How many of the preferred skills the agent lacks, and how many it has that nobody asked for.
    fn fit(&self, agent: &Agent) -> (usize, usize) {
        let has = self.preferred.iter().filter(|skill| agent.declares(skill)).count();
        (self.preferred.len() - has, agent.skills.len().saturating_sub(self.required + has))
    }
}

fn distinct(skills: &[String]) -> Vec<&str> {
    let mut skills: Vec<&str> = skills.iter().map(String::as_str).collect();
    skills.sort_unstable();
    skills.dedup();
    skills
}

fn reason(name: &str, wanted: usize, (lacks, surplus): (usize, usize), load: f64) -> String {
    let has = match lacks {
        0 => format!("the {wanted}"),
        _ => format!("{} of the {wanted}", wanted - lacks),
    };
    format!("{name} has {has} wanted skill(s) and {surplus} other(s), and is {:.0} % busy", load * 100.0)
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
        assert_eq!(assignment.scores[0].values, [0.0, 0.0, 2.0, 0.0]);
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

    fn preferring(agents: Vec<Agent>, skills: &[&str], prefers: &[&str]) -> Snapshot {
        let mut snapshot = snapshot(agents, skills, 1);
        snapshot.requests[0].task.prefers = prefers.iter().map(|skill| (*skill).to_owned()).collect();
        snapshot
    }

    #[test]
    fn who_has_a_preferred_skill_goes_before_who_has_fewer_others() {
        let agents = vec![agent("a", &["rust"]), agent("b", &["go", "java", "rust", "sql"])];
        let snapshot = preferring(agents, &["rust"], &["rust", "sql", "sql"]);
        let assignment = &assignments(&snapshot)[0];
        assert_eq!(assignment.agent, 1);
        assert_eq!(assignment.scores[0].values, [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(assignment.scores[1].values, [0.0, 0.0, 2.0, 0.0]);
        assert_eq!(assignment.reason, "b has the 2 wanted skill(s) and 2 other(s), and is 0 % busy");
    }

    #[test]
    fn nobody_is_excluded_for_lacking_a_preferred_skill() {
        let agents = vec![roomy(agent("a", &["sql"]), 1, 1), agent("b", &["go"])];
        let assignment = &assignments(&preferring(agents, &[], &["sql"]))[0];
        assert_eq!(assignment.agent, 1);
        assert_eq!(assignment.fallbacks, [0]);
        assert_eq!(assignment.reason, "b has 0 of the 1 wanted skill(s) and 1 other(s), and is 0 % busy");
    }

    #[test]
    fn the_more_of_the_preferred_skills_the_better() {
        let agents = vec![agent("a", &["x"]), agent("b", &["x", "y"]), agent("c", &["x", "y", "z"])];
        assert_eq!(chosen(&preferring(agents.clone(), &[], &["x", "y"])), [1]);
        assert_eq!(chosen(&preferring(agents, &[], &["x", "y", "z"])), [2]);
    }

    #[test]
    fn factors_are_those_of_the_values() {
        let answer = decide(&snapshot(vec![agent("a", &["rust"])], &["rust"], 1));
        let names: Vec<&str> = answer.factors.iter().map(|factor| factor.name.as_str()).collect();
        assert_eq!(names, ["full", "lacks", "surplus", "load"]);
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
