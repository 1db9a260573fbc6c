//! Starting a native program in a group of its own, which ends with it.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tokio::process::{Child, Command as Native};
use tokio::sync::OwnedSemaphorePermit;

use super::profile::Profile;
use crate::plugin::bindings::agent::baton::host::process::{Command, Ending, ProcessError};
use crate::plugin::capability::Powers;

/// Waits for a place where the profile has only so many.
pub(super) async fn spawn(
    powers: &Powers,
    profile: &Profile,
    command: &Command,
) -> Result<(Child, Group), ProcessError> {
    let place = match &profile.places {
        None => None,
        Some(places) => tokio::select! {
            place = powers.patiently(Arc::clone(places).acquire_owned()) => place.ok(),
            _ = powers.fence.fallen() => return Err(ProcessError::Stopped),
        },
    };
    let cwd = profile.place(powers.folder.as_deref());
    let program = profile.program(&cwd)?;
    let mut native = match &powers.supervisor {
        Some(supervisor) => {
            let mut native = Native::new(supervisor);
            native.arg("__supervise").arg(std::process::id().to_string()).arg("--").arg(&program);
            native
        }
        None => Native::new(&program),
    };
    native
        .args(profile.args(command)?)
        .current_dir(&cwd)
        .env_clear()
        // Git in a tree that lost its own repository must not find the operator's around it.
        .envs(powers.folder.iter().filter_map(|tree| Some(("GIT_CEILING_DIRECTORIES", tree.parent()?))))
        .envs(profile.env.iter().map(|(name, value)| (name, value)))
        .env("BATON_IDEMPOTENCY_KEY", &powers.idempotency_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    powers.acts();
    let child = native.spawn().map_err(|why| {
        powers.acted_not();
        ProcessError::NotStarted(format!("profile {}: {}: {why}", profile.name, program.display()))
    })?;
    let group = Group { leader: child.id(), place };
    Ok((child, group))
}

/// A process and all that it started; killed when this is dropped, so that no way out of an attempt leaves one behind.
pub(super) struct Group {
    leader: Option<u32>,
    place: Option<OwnedSemaphorePermit>,
}

impl Group {
    /// Lets another program have its place.
    pub(super) fn make_room(&mut self) {
        self.place = None;
    }

    pub(super) fn kill(&self) {
        let pid = self.leader.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) fn ending(status: ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        (None, None) => Ending::Signalled(0),
    }
}
