//! An agent that imports `baton:host/process`, which nobody granted. Expected: not loaded; the message names the import
//! and the line of configuration that would allow it. If it is granted without a profile, its call is denied.

use baton_sdk::agent::{Agent, Attempt, ErrorClass, Fault, Outcome, process};

struct Ungranted;

impl Agent for Ungranted {
    fn run(_: Attempt) -> Result<Outcome, Fault> {
        let command =
            process::Command { profile: String::from("shell"), values: Vec::new(), stdin: b"id".to_vec() };
        match process::run(&command) {
            Ok(completed) => Ok(Outcome::text(String::from_utf8_lossy(&completed.stdout))),
            Err(error) => Err(Fault::new(ErrorClass::Environment, format!("{error:?}"))),
        }
    }
}

baton_sdk::agent!(Ungranted);
