//! Drives Codex, `codex exec --json`, as the program of a profile.
//!
//! Configuration: `profile` (required); `resume-profile`, for an attempt that resumes the thread of an earlier one (needs
//! `memory`); `silence-s`, the idle timeout in seconds (300), and `tool-timeout-s`, the same while a tool is running (1800);
//! `model`.
//!
//! The prompt is written to standard input. Arguments of a profile, for example:
//!
//! ```toml
//! argv = ["codex", "exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check", "-"]
//! ```
//!
//! They may have the placeholders `model` (if it is configured), `task`, `run`, and, in the `resume-profile`, `thread`, as in
//! `["codex", "exec", "resume", "{thread}", "--json", "-"]`. Success is a `turn.completed` after some work or message,
//! whatever the exit code. Codex reports tokens and no cost, and those of the whole thread: the total of earlier attempts is
//! subtracted.

mod event;
mod reader;
mod total;

use baton_sdk::agent::{Agent, Attempt, Attr, Config, Fault, Health, Outcome, prompt, talk};

use reader::Codex;

struct Adapter;

const KEYS: [&str; 5] = ["profile", "resume-profile", "silence-s", "tool-timeout-s", "model"];

impl Agent for Adapter {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        Config(&attempt.config).only(&KEYS)?;
        let stdin = prompt(&attempt).into_bytes();
        talk::run_in_session(&attempt, "thread", values(&attempt), stdin, &mut Codex::new(&attempt))
    }

    fn probe(config: Vec<Attr>) -> Health {
        let config = Config(&config);
        match config.only(&KEYS) {
            Ok(()) => talk::probe(config),
            Err(unusable) => Health::Unreachable(unusable.to_string()),
        }
    }
}

/// For the `{name}` places of the profile's arguments.
fn values(attempt: &Attempt) -> Vec<Attr> {
    let mut values = vec![Attr::new("task", &attempt.task.id), Attr::new("run", &attempt.task.run)];
    values.extend(Config(&attempt.config).get("model").map(|model| Attr::new("model", model)));
    values
}

baton_sdk::agent!(Adapter);

#[cfg(test)]
mod tests;
