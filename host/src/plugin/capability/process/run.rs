//! Running a program to its end.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::profile::Profile;
use super::spawn::{Group, ending, spawn};
use super::{LINGER, STDERR_TAIL};
use crate::clock::Stopwatch;
use crate::plugin::bindings::agent::baton::host::process::{Command, Completed, Ending, ProcessError};
use crate::plugin::capability::{Powers, Stop};

pub(super) async fn run(
    powers: &Powers,
    profile: &Profile,
    command: &Command,
) -> Result<Completed, ProcessError> {
    let watch = Stopwatch::start();
    let (child, group) = spawn(powers, profile, command).await?;
    let completed = attend(powers, profile, child, &group, command.stdin.clone()).await;
    drop(group);
    let (ending, stdout, stderr) = completed?;
    Ok(Completed { ending, stdout, stderr, took: watch.millis() })
}

type Ended = (Ending, Vec<u8>, Vec<u8>);

/// Feeds, reads and waits at once, until the program ends or must be ended.
async fn attend(
    powers: &Powers,
    profile: &Profile,
    mut child: Child,
    group: &Group,
    input: Vec<u8>,
) -> Result<Ended, ProcessError> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = tokio::spawn(async move {
        if let Some(mut stdin) = stdin.take() {
            // A program that does not read its input closes it early, which is its right.
            let _ = stdin.write_all(&input).await;
        }
    });
    let max = profile.max_stdout;
    let head = tokio::spawn(async move { read_head(stdout, max).await });
    let tail = tokio::spawn(async move { read_tail(stderr).await });
    let limit = profile.timeout.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
    let forced = tokio::select! {
        status = child.wait() => Err(status.map_err(|why| ProcessError::NotStarted(why.to_string()))?),
        () = tokio::time::sleep(limit) => Ok(Forced::TimedOut(limit)),
        why = powers.fence.fallen() => Ok(Forced::Stopped(why)),
    };
    group_end(&forced, group);
    let _ = child.wait().await;
    // What it left running must not hold its output open.
    group.kill();
    let stdout = tokio::time::timeout(LINGER, head).await;
    let stderr = tokio::time::timeout(LINGER, tail).await;
    feed.abort();
    let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
    let (stdout, written) = stdout.ok().and_then(Result::ok).unwrap_or_default();
    let ending = match forced {
        Ok(Forced::Stopped(Stop::Deadline | Stop::Silent)) => Ending::TimedOut(
            powers.deadline.since(powers.clock.now()).as_millis().try_into().unwrap_or(u64::MAX),
        ),
        Ok(Forced::Stopped(Stop::LeaseLost | Stop::Cancelled | Stop::Budget | Stop::Asked)) => {
            return Err(ProcessError::Stopped);
        }
        Ok(Forced::TimedOut(limit)) => Ending::TimedOut(limit.as_millis().try_into().unwrap_or(u64::MAX)),
        Err(_) if written > max => Ending::TooMuchOutput(max.try_into().unwrap_or(u64::MAX)),
        Err(status) => ending(status),
    };
    Ok((ending, stdout, stderr))
}

/// Why a program did not end by itself.
enum Forced {
    TimedOut(Duration),
    Stopped(Stop),
}

fn group_end(forced: &Result<Forced, ExitStatus>, group: &Group) {
    match forced {
        Ok(Forced::TimedOut(_) | Forced::Stopped(_)) => group.kill(),
        Err(_) => {}
    }
}

/// Up to `max` bytes, and how many there were; what is beyond is not kept, and reading stops at once, so that the
/// writer can't fill memory.
pub(super) async fn read_head(from: Option<impl AsyncRead + Unpin>, max: usize) -> (Vec<u8>, usize) {
    let mut kept = Vec::new();
    let Some(from) = from else { return (kept, 0) };
    let _ = from.take(max as u64 + 1).read_to_end(&mut kept).await;
    let written = kept.len();
    kept.truncate(max);
    (kept, written)
}

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
