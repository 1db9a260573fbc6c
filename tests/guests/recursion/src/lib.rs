//! Calls itself until the stack ends. Expected: a trap, in the guest's own stack or the host's limit for it, and no
//! harm to the host; the host decides.

use std::hint::black_box;

use baton_sdk::router::{Answer, RouteError, Router, Snapshot};

struct Recursion;

impl Router for Recursion {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        Err(RouteError::Other(descend(snapshot.seed).to_string()))
    }
}

/// Adds after the call returns, so that the call can't become a loop.
#[expect(unconditional_recursion, reason = "it is what this guest is for")]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    black_box(descend(black_box(depth.wrapping_add(1)))).wrapping_add(1)
}

baton_sdk::router!(Recursion);
