//! What a native program is just before it is itself.

use std::convert::Infallible;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use baton_plugin::confine::{self, Confinement, Enforcement, Executable};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::{Program, ordered};
use crate::AppError;

/// Leaves the terminal, shuts itself in, ends with its supervisor should anyone kill that, and becomes the program.
///
/// # Errors
/// The order can't be read, the program can't be confined or started, or the supervisor is gone.
pub fn enter(order: &str, program: &Program) -> Result<Infallible, AppError> {
    rustix::process::setsid().map_err(std::io::Error::from)?;
    let request = ordered(order)?;
    if let Some(confinement) = &request.confinement {
        let executable = Executable {
            file: program.file.clone().into(),
            path: std::env::var_os("PATH"),
            temporary: request.temporary,
        };
        confine::enter(confinement, &executable)
            .map_err(|why| AppError::unavailable(format!("the program can't be confined: {why}")))?;
    }
    let parent = rustix::process::getppid();
    // A change of namespace would forget it.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(std::io::Error::from)?;
    if parent.is_none() || rustix::process::getppid() != parent {
        return Err(AppError::unavailable("the supervisor is gone"));
    }
    let why = Command::new(&program.file).args(&program.args).exec();
    Err(AppError::unavailable(format!("{}: {why}", program.file.display())))
}

/// Applies an empty confinement to this process: what of it holds on this kernel.
///
/// # Errors
/// The kernel refused what it says it supports.
pub fn confinement() -> std::io::Result<Enforcement> {
    confine::enter(&Confinement { view: true, ..Confinement::default() }, &Executable::default())
}
