//! `baton __enter ORDER PROGRAM ARGS…`: what a native program is just before it is itself.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use baton_plugin::capability::Profile;
use baton_plugin::capability::process::SuperviseRequest;
use baton_plugin::confine::{self, Confinement, Enforcement, Executable};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::{Done, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    order: String,
    program: std::ffi::OsString,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<std::ffi::OsString>,
}

/// Leaves the terminal, shuts itself in, ends with its supervisor should anyone kill that, and becomes the program.
pub(crate) fn run(args: &Args) -> Outcome {
    rustix::process::setsid().map_err(std::io::Error::from)?;
    let order: SuperviseRequest = serde_json::from_str(&args.order)
        .map_err(|why| Failure::Infrastructure(format!("the order can't be read: {why}")))?;
    if let Some(confinement) = &order.confinement {
        let program = Executable {
            file: args.program.clone().into(),
            path: std::env::var_os("PATH"),
            temporary: order.temporary,
        };
        confine::enter(confinement, &program)
            .map_err(|why| Failure::Infrastructure(format!("the program can't be confined: {why}")))?;
    }
    let parent = rustix::process::getppid();
    // A change of namespace would forget it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    if parent.is_none() || rustix::process::getppid() != parent {
        return Err(Failure::Infrastructure("the supervisor is gone".into()));
    }
    let why = Command::new(&args.program).args(&args.args).exec();
    Err(Failure::Infrastructure(format!("{}: {why}", args.program.display())))
}

/// `baton __confinement`: applies an empty confinement to itself and says what this kernel supports.
pub(crate) fn confinement() -> Outcome {
    let holds =
        confine::enter(&Confinement { view: true, ..Confinement::default() }, &Executable::default())?;
    crate::screen::json(&holds);
    Ok(Done::Well)
}

/// What holds on this kernel.
pub(crate) fn holds() -> std::io::Result<Enforcement> {
    confine::probe(&std::env::current_exe()?)
}

/// Said once where programs are about to be started: what does not hold, and for whom nothing is to hold.
pub(crate) fn caveat(profiles: &BTreeMap<String, Arc<Profile>>) -> Option<String> {
    let lifted: Vec<&str> = profiles
        .iter()
        .filter(|(_, profile)| profile.confine.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let mut parts = Vec::new();
    if lifted.len() < profiles.len() {
        match holds() {
            Ok(holds) if holds.gaps().is_empty() => {}
            Ok(holds) => parts.push(format!("native programs are not kept from {}", holds.gaps().join("; "))),
            Err(why) => parts.push(format!("native programs can't be confined here: {why}")),
        }
    }
    if !lifted.is_empty() {
        parts.push(format!("not confined at all (confine = \"off\"): {}", lifted.join(", ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
