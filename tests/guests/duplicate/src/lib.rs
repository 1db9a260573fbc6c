//! Decides the first request twice and the last never. Expected: the answer is refused as a whole, the request named,
//! the host decides.

use baton_sdk::router::{Answer, RouteError, Router, Scorecard, Snapshot};

struct Duplicate;

impl Router for Duplicate {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let card: Scorecard<0> = Scorecard([]);
        let mut decisions = snapshot
            .decide(|_, candidates| card.assign(candidates, |_| [], |_, _| String::from("twice is better")));
        decisions.truncate(decisions.len().saturating_sub(1).max(1));
        decisions.extend(decisions.first().cloned());
        Ok(Answer::from(decisions))
    }
}

baton_sdk::router!(Duplicate);
