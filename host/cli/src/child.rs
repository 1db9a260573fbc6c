//! The hidden verbs: what a host starts this binary as, for work that may fail or be killed by itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use baton_app::child::{self, Program, ProgramEnd};
use baton_core::kind::Kind;

use super::{Done, Outcome, screen};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    #[command(name = "__compile", hide = true)]
    Compile { kind: Kind, host: i32 },
    #[command(name = "__supervise", hide = true)]
    Supervise(Supervise),
    #[command(name = "__enter", hide = true)]
    Enter(Enter),
    #[command(name = "__confinement", hide = true)]
    Confinement,
    #[command(name = "__die", hide = true)]
    Die { signal: i32 },
}

#[derive(Debug, clap::Args)]
pub(super) struct Supervise {
    /// The host's process id.
    host: i32,
    /// What the host wants of it, as JSON.
    order: String,
    #[command(flatten)]
    program: Words,
}

#[derive(Debug, clap::Args)]
pub(super) struct Enter {
    order: String,
    #[command(flatten)]
    program: Words,
}

/// A command line of its own.
#[derive(Debug, clap::Args)]
struct Words {
    program: OsString,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

impl From<Words> for Program {
    fn from(words: Words) -> Self {
        Self { file: words.program, args: words.args }
    }
}

pub(super) fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Compile { kind, host } => child::compile(kind, host)?,
        Verb::Supervise(Supervise { host, order, program }) => {
            return mirror(child::supervise(host, &order, &program.into())?);
        }
        Verb::Enter(Enter { order, program }) => match child::enter(&order, &program.into())? {},
        Verb::Confinement => screen::json(&child::confinement()?),
        Verb::Die { signal } => {
            child::die(signal);
            return Ok(Done::Failed);
        }
    }
    Ok(Done::Well)
}

/// Ends as the program did, for whoever looks at this process.
fn mirror(end: ProgramEnd) -> Outcome {
    match end {
        ProgramEnd::Exited(code) => std::process::exit(code),
        ProgramEnd::Signalled(signal) => {
            // A fresh image has none of the handlers of this one.
            let why = Command::new(std::env::current_exe()?).arg("__die").arg(signal.to_string()).exec();
            Err(why.into())
        }
    }
}
