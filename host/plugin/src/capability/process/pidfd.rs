//! A process by a descriptor: unlike its number it is nobody else's when the process is gone.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;

/// Readable once the process has ended.
///
/// # Errors
/// There is no such process, or there are too many open files.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for descriptors that may be closed meanwhile; this one is owned"
)]
pub fn watch(process: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(pidfd_open(process, PidfdFlags::NONBLOCK)?)
}
