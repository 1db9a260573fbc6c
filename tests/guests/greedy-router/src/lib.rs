//! Asks for and returns more than a router may. Configuration `do`: `consult` (default: asks for a task first, every
//! time), `refuse` (an error of 5 MB), `reject` (every task, with 5 MB), `reason` (assigns, with a reason of 5 MB).
//! Expected: bounded consultations, and texts that are cut and say so.

use baton_sdk::router::{Answer, Assignment, Choice, Config, NewTask, RouteError, Router, Snapshot};

struct Greedy;

impl Router for Greedy {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let long = "x".repeat(5_000_000);
        let wanted = Config(&snapshot.config).get("do").unwrap_or("consult");
        if wanted == "refuse" {
            return Err(RouteError::Other(long));
        }
        Ok(Answer::from(snapshot.decide(|_, candidates| match wanted {
            "reject" => Choice::Reject(long.clone()),
            "reason" => Choice::Assign(assignment(candidates, long.clone())),
            _ => Choice::Consult(NewTask::new("ask", "What now?", "")),
        })))
    }
}

fn assignment(candidates: &[u32], reason: String) -> Assignment {
    let agent = candidates.first().copied().unwrap_or_default();
    Assignment { agent, fallbacks: Vec::new(), scores: Vec::new(), reason }
}

baton_sdk::router!(Greedy);
