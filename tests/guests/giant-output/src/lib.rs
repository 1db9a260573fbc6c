//! Gives reasons of 128 MiB each. Expected: stopped by the memory limit or refused for the size of its answer before
//! the host has copied it; the host decides. Configuration `bytes` sets the size of a reason.

use baton_sdk::router::{Answer, Assignment, Choice, Config, RouteError, Router, Snapshot};

struct GiantOutput;

const REASON_BYTES: usize = 128 << 20;

impl Router for GiantOutput {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let bytes = Config(&snapshot.config).parse("bytes", "a number of bytes")?.unwrap_or(REASON_BYTES);
        let decisions = snapshot.decide(|_, candidates| match candidates.first() {
            None => Choice::Reject("x".repeat(bytes)),
            Some(&agent) => Choice::Assign(Assignment {
                agent,
                fallbacks: Vec::new(),
                scores: Vec::new(),
                reason: "x".repeat(bytes),
            }),
        });
        Ok(Answer::from(decisions))
    }
}

baton_sdk::router!(GiantOutput);
