//! Runs a profile's program to do the work.
//!
//! Configuration: `profile` (required); `summary`, for programs whose output has none.
//!
//! The program gets the attempt as one JSON object on its standard input, and parts of it by the placeholders of
//! its profile: `task`, `run`, `title`, `attempt`, `agent`, `input` and `input.<key>` for each plain value of the
//! input. Exit code 0 is a claim; others are read as those of sysexits.h.

mod ending;
mod question;

use baton_sdk::agent::{Agent, Attempt, Attr, Config, Fault, Health, Outcome, process};

struct Command;

const KEYS: [&str; 2] = ["profile", "summary"];

impl Agent for Command {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let config = Config(&attempt.config);
        config.only(&KEYS)?;
        let command = process::Command {
            profile: config.required("profile")?.to_owned(),
            values: question::values(&attempt),
            stdin: question::stdin(&attempt),
        };
        match process::run(&command) {
            Ok(completed) => ending::read(&completed, config.get("summary")),
            Err(error) => Err(error.into()),
        }
    }

    fn probe(config: Vec<Attr>) -> Health {
        let config = Config(&config);
        if let Err(unusable) = config.only(&KEYS) {
            return Health::Unreachable(unusable.to_string());
        }
        match config.required("profile").map(process::check) {
            Ok(Ok(())) => Health::Ready,
            Ok(Err(error)) => Health::Unreachable(Fault::from(error).message),
            Err(unusable) => Health::Unreachable(unusable.to_string()),
        }
    }
}

baton_sdk::agent!(Command);
