//! Drives aider with one message, as the program of a profile.
//!
//! Configuration: `profile` (required); `edits`, whether success needs a changed file: `required` (default) or `optional`;
//! `silence-s`, the idle timeout in seconds (300); `model`.
//!
//! aider takes its prompt as an argument, with the placeholder `prompt`, and reads nothing from standard input. A profile,
//! for example:
//!
//! ```toml
//! argv = ["aider", "--message", "{prompt}", "--yes-always", "--no-pretty", "--no-stream", "--no-check-update",
//!         "--no-show-model-warnings", "--no-show-release-notes", "--no-detect-urls", "--no-suggest-shell-commands",
//!         "--analytics-disable"]
//! env = ["COLUMNS=1000"]
//! ```
//!
//! It may have the placeholders `model` (if it is configured), `task` and `run`. Without `COLUMNS` aider wraps its lines at
//! 80 characters, even within paths. Its output is the only source: it exits with 0 whatever happened, so success is an
//! edit that was applied without an error after it. The model's text is part of that output and might imitate it: let a
//! validator check whether files changed.

mod reader;
mod told;

use baton_sdk::agent::process::Command;
use baton_sdk::agent::talk::IdleTimeout;
use baton_sdk::agent::{Agent, Attempt, Attr, Config, ErrorClass, Fault, Health, Outcome, prompt, talk};
use baton_sdk::config::Unusable;

use reader::Aider;

struct Adapter;

const KEYS: [&str; 4] = ["profile", "edits", "silence-s", "model"];

/// An argument of a program has at most 128 KiB on Linux, its end included.
const PROMPT_BYTES: usize = 128 * 1024 - 1;

impl Agent for Adapter {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let config = Config(&attempt.config);
        config.only(&KEYS)?;
        let command = Command {
            profile: config.required("profile")?.to_owned(),
            values: values(&attempt)?,
            stdin: Vec::new(),
        };
        let mut reader = Aider::new(&attempt, needs_edits(config)?);
        talk::run(&command, IdleTimeout::read(config)?, None, &mut reader)
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
fn values(attempt: &Attempt) -> Result<Vec<Attr>, Fault> {
    let prompt = talk::plain(prompt(attempt));
    if prompt.len() > PROMPT_BYTES {
        return Err(Fault::new(
            ErrorClass::InvalidInput,
            format!(
                "the prompt has {} bytes, and an argument may have {PROMPT_BYTES}: shorten the task's input",
                prompt.len()
            ),
        ));
    }
    let mut values = vec![
        Attr::new("prompt", prompt),
        Attr::new("task", &attempt.task.id),
        Attr::new("run", &attempt.task.run),
    ];
    values.extend(Config(&attempt.config).get("model").map(|model| Attr::new("model", model)));
    Ok(values)
}

fn needs_edits(config: Config<'_>) -> Result<bool, Unusable> {
    match config.get("edits") {
        None | Some("required") => Ok(true),
        Some("optional") => Ok(false),
        Some(other) => {
            Err(Unusable::new("edits", format!("is `{other}`, expected `required` or `optional`")))
        }
    }
}

baton_sdk::agent!(Adapter);

#[cfg(test)]
mod tests;
