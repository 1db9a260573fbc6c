//! Allocates memory without end. Expected: its memory stops at the limit, it traps, the host decides.

use std::hint::black_box;

use baton_sdk::router::{Answer, RouteError, Router, Snapshot};

struct MemoryBomb;

const CHUNK: usize = 1 << 20;

impl Router for MemoryBomb {
    fn route(_: Snapshot) -> Result<Answer, RouteError> {
        let mut hoard: Vec<Vec<u8>> = Vec::new();
        loop {
            hoard.push(black_box(vec![1; CHUNK]));
        }
    }
}

baton_sdk::router!(MemoryBomb);
