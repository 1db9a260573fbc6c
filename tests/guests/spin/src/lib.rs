//! Never returns. Expected: ended by fuel or by its deadline, one failure counted, the host decides.

use std::hint::black_box;

use baton_sdk::router::{Answer, RouteError, Router, Snapshot};

struct Spin;

impl Router for Spin {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let mut turns = snapshot.seed;
        loop {
            turns = black_box(turns.wrapping_add(1));
        }
    }
}

baton_sdk::router!(Spin);
