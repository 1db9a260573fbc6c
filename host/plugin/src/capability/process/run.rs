//! Runs a program to its end.

use std::time::Duration;

use baton_core::clock::Stopwatch;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::sync::oneshot;

use super::confine;
use super::profile::Profile;
use super::spawn::{Group, How, ending, spawn};
use super::{LINGER, STDERR_TAIL};
use crate::bindings::agent::baton::host::process::{Command, Completed, Ending, ProcessError};
use crate::capability::{CancelReason, Capabilities, millis};

pub(super) async fn run(
    capabilities: &Capabilities,
    profile: &Profile,
    command: &Command,
) -> Result<Completed, ProcessError> {
    let watch = Stopwatch::start();
    let (child, group) = spawn(capabilities, profile, command).await?;
    let (ending, stdout, stderr) = attend(capabilities, profile, child, group, command.stdin.clone()).await?;
    Ok(Completed { ending, stdout, stderr, took: watch.millis() })
}

type Collected = (Ending, Vec<u8>, Vec<u8>);

/// Writes its input, reads its output and waits, until the program ends or has to be ended.
async fn attend(
    capabilities: &Capabilities,
    profile: &Profile,
    mut child: Child,
    mut group: Group,
    input: Vec<u8>,
) -> Result<Collected, ProcessError> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = tokio::spawn(async move {
        if let Some(mut stdin) = stdin.take() {
            // A program may close its input without reading it.
            let _ = stdin.write_all(&input).await;
        }
    });
    let max = profile.max_stdout;
    let (exceeded, too_much) = oneshot::channel();
    let head = tokio::spawn(async move {
        let read = read_head(stdout, max).await;
        if read.1 > max {
            let _ = exceeded.send(());
        }
        read
    });
    let tail = tokio::spawn(async move { read_tail(stderr).await });
    let limit = profile.timeout.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
    let forced = tokio::select! {
        biased;
        () = group.ended() => None,
        Ok(()) = too_much => Some(Forced::TooMuchOutput),
        why = capabilities.cancellation.cancelled() => Some(Forced::Stopped(why)),
        () = tokio::time::sleep(limit) => Some(Forced::TimedOut(limit)),
    };
    if let Some(forced) = &forced {
        group.end(forced.how());
    }
    let status = group.wait(&mut child).await.map_err(|why| ProcessError::NotStarted(why.to_string()))?;
    let stdout = tokio::time::timeout(LINGER, head).await;
    let stderr = tokio::time::timeout(LINGER, tail).await;
    feed.abort();
    let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
    let (stdout, written) = stdout.ok().and_then(Result::ok).unwrap_or_default();
    capabilities.hint_failure(confine::hint(profile, &[stderr.as_slice(), stdout.as_slice()].concat()));
    let ending = match forced {
        Some(forced) => forced.ending(capabilities, max)?,
        // It exited before it could be killed.
        None if written > max => too_much_output(max),
        None => ending(status),
    };
    Ok((ending, stdout, stderr))
}

fn too_much_output(max: usize) -> Ending {
    Ending::TooMuchOutput(max.try_into().unwrap_or(u64::MAX))
}

/// Why a program had to be ended.
enum Forced {
    TimedOut(Duration),
    TooMuchOutput,
    Stopped(CancelReason),
}

impl Forced {
    /// How the program ended, as the plugin sees it.
    fn ending(self, capabilities: &Capabilities, max: usize) -> Result<Ending, ProcessError> {
        match self {
            Self::Stopped(CancelReason::Deadline | CancelReason::IdleTimeout) => {
                let left = capabilities.deadline.since(capabilities.clock.now());
                Ok(Ending::TimedOut(millis(left)))
            }
            Self::Stopped(
                CancelReason::LeaseLost
                | CancelReason::Cancelled
                | CancelReason::Budget
                | CancelReason::AwaitingPerson,
            ) => Err(ProcessError::Stopped),
            Self::TimedOut(limit) => Ok(Ending::TimedOut(millis(limit))),
            Self::TooMuchOutput => Ok(too_much_output(max)),
        }
    }

    fn how(&self) -> How {
        match self {
            // Another attempt may have the task by now; and a program that floods its output would do so while it ends.
            Self::Stopped(CancelReason::LeaseLost) | Self::TooMuchOutput => How::Now,
            Self::Stopped(
                CancelReason::Cancelled
                | CancelReason::Deadline
                | CancelReason::IdleTimeout
                | CancelReason::Budget
                | CancelReason::AwaitingPerson,
            )
            | Self::TimedOut(_) => How::Gracefully,
        }
    }
}

/// The first `max` bytes, and the number of bytes read: `max + 1` if there were more. Reading stops there, so that a program
/// can't fill the host's memory.
pub(super) async fn read_head(from: Option<impl AsyncRead + Unpin>, max: usize) -> (Vec<u8>, usize) {
    let mut kept = Vec::new();
    let Some(from) = from else { return (kept, 0) };
    let _ = from.take(max as u64 + 1).read_to_end(&mut kept).await;
    let written = kept.len();
    kept.truncate(max);
    (kept, written)
}

/// The last [`STDERR_TAIL`] bytes.
pub(super) async fn read_tail(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * STDERR_TAIL {
            kept.drain(..kept.len() - STDERR_TAIL);
        }
    }
    let excess = kept.len().saturating_sub(STDERR_TAIL);
    kept.drain(..excess);
    kept
}
