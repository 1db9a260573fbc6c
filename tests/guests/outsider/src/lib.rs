//! Assigns an agent that exists and is not eligible. Expected: the answer is refused as a whole, the agent named, the
//! host decides. If all agents are eligible it assigns the first and nothing is wrong.

use baton_sdk::router::{Answer, Assignment, Choice, RouteError, Router, Snapshot};

struct Outsider;

impl Router for Outsider {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let decisions = snapshot.decide(|_, candidates| {
            let mut agents = (0..).take(snapshot.agents.len());
            let agent = agents.find(|agent| !candidates.contains(agent)).unwrap_or_default();
            Choice::Assign(Assignment {
                agent,
                fallbacks: Vec::new(),
                scores: Vec::new(),
                reason: String::from("a friend of mine"),
            })
        });
        Ok(Answer::from(decisions))
    }
}

baton_sdk::router!(Outsider);
