//! Starts native programs under a supervisor, which ends them together with their descendants.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command as Native};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::confine;
use super::pidfd;
use super::profile::Profile;
use super::supervise_request::SuperviseRequest;
use crate::bindings::agent::baton::host::process::{Command, Ending, ProcessError};
use crate::capability::Capabilities;

/// Starts a program, once the profile has a free slot.
pub(super) async fn spawn(
    capabilities: &Capabilities,
    profile: &Profile,
    command: &Command,
) -> Result<(Child, Group), ProcessError> {
    let slot = match &profile.slots {
        None => None,
        Some(slots) => tokio::select! {
            slot = capabilities.keep_active(Arc::clone(slots).acquire_owned()) => slot.ok(),
            _ = capabilities.cancellation.cancelled() => return Err(ProcessError::Stopped),
        },
    };
    let cwd = profile.start_folder(capabilities.folder.as_deref());
    let program = profile.program(&cwd).map_err(|why| why.of(profile))?;
    let not_started = |why: io::Error| {
        ProcessError::NotStarted(format!("profile {}: {}: {why}", profile.name, program.display()))
    };
    let mut native = launcher(capabilities, profile, &program, &cwd).map_err(not_started)?;
    native
        .args(profile.args(command)?)
        .current_dir(&cwd)
        .env_clear()
        // In a working tree that lost its repository, git must not find the operator's in a folder above.
        .envs(capabilities.folder.iter().filter_map(|tree| Some(("GIT_CEILING_DIRECTORIES", tree.parent()?))))
        .envs(profile.env.iter().map(|(name, value)| (name, value)))
        .env("BATON_IDEMPOTENCY_KEY", &capabilities.idempotency_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    capabilities.record_side_effect();
    capabilities.extend_grace_period(profile.grace_periods);
    let mut child =
        native.spawn().inspect_err(|_| capabilities.retract_side_effect()).map_err(not_started)?;
    capabilities.meter.reach();
    match Group::of(&child, capabilities, slot) {
        Ok(group) => Ok((child, group)),
        Err(why) => {
            // The supervisor notices that its input is closed and ends what it has started.
            let _ = child.start_kill();
            Err(not_started(why))
        }
    }
}

/// The command that starts the program: through the supervisor if there is one.
fn launcher(
    capabilities: &Capabilities,
    profile: &Profile,
    program: &Path,
    cwd: &Path,
) -> io::Result<Native> {
    let Some(supervisor) = &capabilities.supervisor else { return Ok(Native::new(program)) };
    let request = SuperviseRequest {
        grace_periods: profile.grace_periods,
        temporary: Some(temporary(capabilities)),
        confinement: confine::confinement(capabilities, profile, cwd),
    };
    let mut native = Native::new(supervisor);
    native
        .arg("__supervise")
        .arg(std::process::id().to_string())
        .arg(serde_json::to_string(&request)?)
        .arg("--")
        .arg(program);
    Ok(native)
}

/// A path for temporary files that no other program has: it names the attempt, and has a number that is unique in this
/// process.
fn temporary(capabilities: &Capabilities) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!(
        "baton-{}-{}.{}-{number}",
        std::process::id(),
        capabilities.task.0,
        capabilities.epoch.0
    ))
}

/// How to end a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With the grace periods of its profile.
    Gracefully,
    /// By SIGKILL.
    Now,
}

/// A program and its descendants. Dropping this kills them, so that an attempt leaves nothing behind however it ends. The
/// program is known by a descriptor: its process id may be reused once it was waited for.
pub(super) struct Group {
    /// Readable once it has exited.
    ended: Option<AsyncFd<OwnedFd>>,
    lead: Lead,
    slot: Option<OwnedSemaphorePermit>,
    /// The host does not exit before this is dropped.
    shutdown_guard: Option<mpsc::Sender<()>>,
}

/// Which process is signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// A supervisor, which ends the rest.
    Supervisor,
    /// The leader of its own process group.
    Itself(Pid),
    /// None: it was waited for.
    Gone,
}

impl Group {
    fn of(
        child: &Child,
        capabilities: &Capabilities,
        slot: Option<OwnedSemaphorePermit>,
    ) -> io::Result<Self> {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("it has no process id"))?;
        let lead = if capabilities.supervisor.is_some() { Lead::Supervisor } else { Lead::Itself(id) };
        let ended = Some(pidfd::watch(id)?);
        Ok(Self { ended, lead, slot, shutdown_guard: capabilities.shutdown_guard.clone() })
    }

    /// Frees the slot for another program.
    pub(super) fn free_slot(&mut self) {
        self.slot = None;
    }

    pub(super) fn end(&self, how: How) {
        let Some(fd) = &self.ended else { return };
        match self.lead {
            Lead::Supervisor => {
                let signal = match how {
                    How::Gracefully => Signal::TERM,
                    How::Now => Signal::USR1,
                };
                let _ = pidfd_send_signal(fd.get_ref(), signal);
            }
            // It was not waited for yet, so the process id is still its own.
            Lead::Itself(id) => {
                let _ = kill_process_group(id, Signal::KILL);
            }
            Lead::Gone => {}
        }
    }

    /// Waits until it has exited, without reaping it as [`Group::wait`] does.
    pub(super) async fn ended(&self) {
        if let Some(fd) = &self.ended {
            let _ = fd.readable().await;
        }
    }

    /// Waits until it has exited, ends what it left behind, and reaps it.
    pub(super) async fn wait(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        self.ended().await;
        if let Lead::Itself(_) = self.lead {
            self.end(How::Now);
        }
        self.lead = Lead::Gone;
        child.wait().await
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end(How::Now);
        let (Some(ended), Some(shutdown_guard)) = (self.ended.take(), self.shutdown_guard.take()) else {
            return;
        };
        if let (true, Ok(runtime)) = (self.lead == Lead::Supervisor, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(KILL_TIMEOUT, ended.readable()).await;
                drop(shutdown_guard);
            });
        }
    }
}

/// How long to wait for a killed process: the kernel may hold on to it, as in an uninterruptible read.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn ending(status: ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        (None, None) => Ending::Signalled(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_process_is_signalled_once_a_program_was_waited_for() {
        let mut child = Native::new("true").process_group(0).spawn().unwrap();
        let id = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let ended = Some(pidfd::watch(id).unwrap());
        let mut group = Group { ended, lead: Lead::Itself(id), slot: None, shutdown_guard: None };
        assert!(group.wait(&mut child).await.unwrap().success());
        assert_eq!(group.lead, Lead::Gone);
    }
}
