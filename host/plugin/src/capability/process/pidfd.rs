//! Refers to a process by a file descriptor. Unlike a process id, it is not reused when the process is gone.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;

/// A descriptor that becomes readable when the process exits.
///
/// # Errors
/// There is no such process, or too many files are open.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that another thread may close; this one is owned"
)]
pub fn watch(process: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(pidfd_open(process, PidfdFlags::NONBLOCK)?)
}
