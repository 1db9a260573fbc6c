//! Claude Code does the work: `claude -p`, as a profile of the operator's configuration allows.
//!
//! Configuration: `profile` (required); `resume-profile`, for an attempt that takes up the session of an earlier one of
//! the same task (needs `memory`); `silence-s`, after which it counts as hanging (300), and `tool-timeout-s`, the same while a tool
//! is at work (1800); `turns` and `budget` (dollars), the
//! most that an attempt may take where the task does not say less; `model`.
//!
//! The prompt comes on standard input. A profile's arguments are such as
//!
//! ```toml
//! argv = ["claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits",
//!         "--max-turns", "{turns}", "--max-budget-usd", "{budget}"]
//! ```
//!
//! and may have the places `turns`, `budget`, `model`, `schema` (each only where it is known), `task`, `run`, and, in
//! the `resume-profile`, `session`. Success is a `result` line that says so; no exit code is.

mod event;
mod question;
mod reader;

use baton_sdk::agent::{Agent, Attempt, Attr, Config, Fault, Health, Outcome, talk};

use reader::Claude;

struct Adapter;

const KEYS: [&str; 7] =
    ["profile", "resume-profile", "silence-s", "tool-timeout-s", "turns", "budget", "model"];

impl Agent for Adapter {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        Config(&attempt.config).only(&KEYS)?;
        let values = question::values(&attempt)?;
        let stdin = question::stdin(&attempt);
        talk::run_in_session(&attempt, "session", values, stdin, &mut Claude::new(&attempt))
    }

    fn probe(config: Vec<Attr>) -> Health {
        let config = Config(&config);
        match config.only(&KEYS) {
            Ok(()) => talk::probe(config),
            Err(unusable) => Health::Unreachable(unusable.to_string()),
        }
    }
}

baton_sdk::agent!(Adapter);

#[cfg(test)]
mod tests;
