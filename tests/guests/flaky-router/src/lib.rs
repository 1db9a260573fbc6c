//! Works for some calls, then always fails. Expected: after three failures in a row the previous router is back.
//! Configuration `good-calls` is their number, 1 if absent; state is the count of good calls as four bytes, little
//! endian.

use baton_sdk::router::{Answer, Config, RouteError, Router, Scorecard, Snapshot};

struct FlakyRouter;

impl Router for FlakyRouter {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let good: u32 = Config(&snapshot.config).parse("good-calls", "a number of calls")?.unwrap_or(1);
        let calls = calls(&snapshot.state)?;
        if calls >= good {
            return Err(RouteError::Other(format!("tired after {calls} calls")));
        }
        let card: Scorecard<0> = Scorecard([]);
        let decisions = snapshot
            .decide(|_, candidates| card.assign(candidates, |_| [], |_, _| String::from("still fresh")));
        Ok(Answer::from(decisions).with_state((calls + 1).to_le_bytes().to_vec()))
    }
}

fn calls(state: &[u8]) -> Result<u32, RouteError> {
    match state {
        [] => Ok(0),
        &[a, b, c, d] => Ok(u32::from_le_bytes([a, b, c, d])),
        _ => {
            let why = format!("{} bytes, expected 4", state.len());
            Err(RouteError::BadState(why))
        }
    }
}

baton_sdk::router!(FlakyRouter);
