//! Answers with indices that do not exist. Expected: the answer is refused as a whole, the index named, the host
//! decides. Configuration `in` chooses where: `agent` (if absent), `request`, `fallback`, `score`.

use baton_sdk::router::{Answer, Assignment, Choice, Config, Decision, RouteError, Router, Score, Snapshot};

struct WrongIndex;

impl Router for WrongIndex {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let place = Config(&snapshot.config).get("in").unwrap_or("agent");
        let decisions = snapshot.decide(|_, candidates| choice(candidates, place));
        Ok(Answer::from(match place {
            "request" => decisions.into_iter().map(beyond).collect(),
            _ => decisions,
        }))
    }
}

fn choice(candidates: &[u32], place: &str) -> Choice {
    let agent = candidates.first().copied().unwrap_or_default();
    let score = Score {
        agent: if place == "score" { u32::MAX } else { agent },
        total: 0.0,
        propensity: 1.0,
        values: Vec::new(),
        forecast: None,
    };
    Choice::Assign(Assignment {
        agent: if place == "agent" { u32::MAX } else { agent },
        fallbacks: if place == "fallback" { vec![u32::MAX] } else { Vec::new() },
        scores: vec![score],
        reason: String::from("out of range"),
    })
}

fn beyond(decision: Decision) -> Decision {
    Decision { request: u32::MAX, ..decision }
}

baton_sdk::router!(WrongIndex);
