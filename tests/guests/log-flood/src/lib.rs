//! Writes a million long lines, then answers well. Expected: 256 lines of at most 4 KiB and a count of the rest, or
//! ended by fuel; memory and disk of the host stay bounded. Configuration `lines` sets their number.

use baton_sdk::log;
use baton_sdk::router::{Answer, Config, RouteError, Router, Scorecard, Snapshot};

struct LogFlood;

const LINES: u32 = 1_000_000;
const LINE_BYTES: usize = 64 << 10;

impl Router for LogFlood {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let lines = Config(&snapshot.config).parse("lines", "a number of lines")?.unwrap_or(LINES);
        let line = "flood ".repeat(LINE_BYTES / 6);
        for _ in 0..lines {
            log::warn(&line);
        }
        let card: Scorecard<0> = Scorecard([]);
        let decisions = snapshot
            .decide(|_, candidates| card.assign(candidates, |_| [], |_, _| String::from("after the flood")));
        Ok(Answer::from(decisions))
    }
}

baton_sdk::router!(LogFlood);
