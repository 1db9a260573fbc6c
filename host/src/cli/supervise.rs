//! `baton __supervise PROGRAM ARGS…`: runs a native program and ends its whole process group when the host that
//! started it is gone, however it went. The group is this process's own.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, kill_process, kill_process_group};

use super::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The host's process id: another parent by now means that it is gone.
    host: i32,
    program: std::ffi::OsString,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<std::ffi::OsString>,
}

const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(args: &Args) -> Outcome {
    let host = Pid::from_raw(args.host);
    thread::spawn(move || watch(host));
    let status = Command::new(&args.program)
        .args(&args.args)
        .status()
        .map_err(|why| Failure::Infrastructure(format!("{}: {why}", args.program.display())))?;
    if let Some(signal) = status.signal().and_then(Signal::from_named_raw) {
        let _ = kill_process(getpid(), signal);
    }
    std::process::exit(status.code().unwrap_or(1));
}

fn watch(host: Option<Pid>) {
    while getppid() == host {
        thread::sleep(LOOK);
    }
    let _ = kill_process_group(getpgrp(), Signal::KILL);
}
