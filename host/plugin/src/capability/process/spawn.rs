//! Starting a native program under a supervisor, which ends it with all that it started.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command as Native};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::confine;
use super::order::Order;
use super::pidfd;
use super::profile::Profile;
use crate::bindings::agent::baton::host::process::{Command, Ending, ProcessError};
use crate::capability::Capabilities;

/// Waits for a place where the profile has only so many.
pub(super) async fn spawn(
    powers: &Capabilities,
    profile: &Profile,
    command: &Command,
) -> Result<(Child, Group), ProcessError> {
    let place = match &profile.places {
        None => None,
        Some(places) => tokio::select! {
            place = powers.patiently(Arc::clone(places).acquire_owned()) => place.ok(),
            _ = powers.cancellation.fallen() => return Err(ProcessError::Stopped),
        },
    };
    let cwd = profile.place(powers.folder.as_deref());
    let program = profile.program(&cwd)?;
    let not_started = |why: io::Error| {
        ProcessError::NotStarted(format!("profile {}: {}: {why}", profile.name, program.display()))
    };
    let mut native = match &powers.supervisor {
        Some(supervisor) => {
            let order = Order {
                graces: profile.graces,
                temporary: Some(temporary(powers)),
                confinement: confine::confinement(powers, profile, &cwd),
            };
            let order = serde_json::to_string(&order).map_err(|why| not_started(why.into()))?;
            let mut native = Native::new(supervisor);
            native.arg("__supervise").arg(std::process::id().to_string()).arg(order).arg("--").arg(&program);
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
        .process_group(0);
    powers.acts();
    powers.has_graces(profile.graces);
    let mut child = native.spawn().inspect_err(|_| powers.acted_not()).map_err(not_started)?;
    powers.meter.reach();
    match Group::of(&child, powers, place) {
        Ok(group) => Ok((child, group)),
        Err(why) => {
            // Its supervisor sees the end of this process's side and ends what it has started.
            let _ = child.start_kill();
            Err(not_started(why))
        }
    }
}

/// A folder that nobody else has: named by the attempt and a number that this process gives once.
fn temporary(powers: &Capabilities) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!(
        "baton-{}-{}.{}-{number}",
        std::process::id(),
        powers.task.0,
        powers.epoch.0
    ))
}

/// How a program is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With the time of its profile to clean up.
    Politely,
    Now,
}

/// A program and all that it started; killed when this is dropped, so that no way out of an attempt leaves anything
/// behind. It is known by a descriptor and not by its number, which may be somebody else's once it was waited for.
pub(super) struct Group {
    /// Readable once it has ended.
    ended: Option<AsyncFd<OwnedFd>>,
    lead: Lead,
    place: Option<OwnedSemaphorePermit>,
    /// The host does not end before this is gone.
    under_way: Option<mpsc::Sender<()>>,
}

/// Who is signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// A supervisor, which ends the rest.
    Supervisor,
    /// The first of a process group of its own.
    Itself(Pid),
    /// It was waited for: there is nobody to signal.
    Gone,
}

impl Group {
    fn of(child: &Child, powers: &Capabilities, place: Option<OwnedSemaphorePermit>) -> io::Result<Self> {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("it has no process id"))?;
        let lead = if powers.supervisor.is_some() { Lead::Supervisor } else { Lead::Itself(id) };
        let ended = Some(pidfd::watch(id)?);
        Ok(Self { ended, lead, place, under_way: powers.under_way.clone() })
    }

    /// Lets another program have its place.
    pub(super) fn make_room(&mut self) {
        self.place = None;
    }

    pub(super) fn end(&self, how: How) {
        let Some(fd) = &self.ended else { return };
        match self.lead {
            Lead::Supervisor => {
                let signal = match how {
                    How::Politely => Signal::TERM,
                    How::Now => Signal::USR1,
                };
                let _ = pidfd_send_signal(fd.get_ref(), signal);
            }
            // Nobody has waited for it yet: the number is still its own.
            Lead::Itself(id) => {
                let _ = kill_process_group(id, Signal::KILL);
            }
            Lead::Gone => {}
        }
    }

    /// Waits until it has ended. Nobody has waited for it then, as [`Group::wait`] does.
    pub(super) async fn ended(&self) {
        if let Some(fd) = &self.ended {
            let _ = fd.readable().await;
        }
    }

    /// Waits for the end, after which nobody is signalled any more.
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
        let (Some(ended), Some(under_way)) = (self.ended.take(), self.under_way.take()) else { return };
        if let (true, Ok(runtime)) = (self.lead == Lead::Supervisor, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(LAST, ended.readable()).await;
                drop(under_way);
            });
        }
    }
}

/// A killed process can't be waited for longer where the kernel does not let go of it.
const LAST: Duration = Duration::from_secs(5);

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
    async fn nobody_is_signalled_once_a_program_was_waited_for() {
        let mut child = Native::new("true").process_group(0).spawn().unwrap();
        let id = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let ended = Some(pidfd::watch(id).unwrap());
        let mut group = Group { ended, lead: Lead::Itself(id), place: None, under_way: None };
        assert!(group.wait(&mut child).await.unwrap().success());
        assert_eq!(group.lead, Lead::Gone);
    }
}
