//! Drives Claude Code, `claude -p`, as the program of a profile.
//!
//! Configuration: `profile` (required); `resume-profile`, for an attempt that resumes the session of an earlier one (needs
//! `memory`); `silence-s`, the idle timeout in seconds (300), and `tool-timeout-s`, the same while a tool is running (1800);
//! `turns` and `budget` (dollars), the most that an attempt may use unless the task allows less; `model`.
//!
//! The prompt is written to standard input. Arguments of a profile, for example:
//!
//! ```toml
//! argv = ["claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits",
//!         "--max-turns", "{turns}", "--max-budget-usd", "{budget}"]
//! ```
//!
//! They may have the placeholders `turns`, `budget`, `model`, `schema` (each only if it is known), `task`, `run`, and, in the
//! `resume-profile`, `session`. Success is a `result` line that reports it, whatever the exit code.

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
