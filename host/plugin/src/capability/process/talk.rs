//! A program that an adapter exchanges lines with while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_core::clock::Stopwatch;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::LINGER;
use super::confine;
use super::profile::Profile;
use super::run::{read_head, read_tail};
use super::spawn::{Group, How, ending, spawn};
use crate::bindings::agent::baton::host::process::{Command, Completed, Ending, Line, ProcessError};
use crate::capability::{CancelReason, Capabilities};

/// How long a program may take to end by itself after its attempt was cancelled.
const AFTER_CANCEL: Duration = Duration::from_secs(1);
/// The most bytes of input that may wait for a program to read them.
const UNREAD: usize = 16 << 20;

/// A running program. Dropping it kills the program and its descendants.
pub struct Program {
    child: Child,
    group: Group,
    profile: Arc<Profile>,
    /// To the task that writes: while a program does not read its input, its adapter can still read its output.
    input: Option<mpsc::UnboundedSender<Vec<u8>>>,
    stdout: Option<ChildStdout>,
    /// Output that was read and not yet returned.
    read: Vec<u8>,
    /// The number of bytes of `read` that are known to have no line feed.
    scanned: usize,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Bytes of input that are not written yet.
    pending: Arc<AtomicUsize>,
    watch: Stopwatch,
}

impl Program {
    pub(super) async fn start(
        capabilities: &Capabilities,
        profile: Arc<Profile>,
        command: Command,
    ) -> Result<Self, ProcessError> {
        let (mut child, group) = spawn(capabilities, &profile, &command).await?;
        let (input, queue) = mpsc::unbounded_channel();
        let pending = Arc::new(AtomicUsize::new(0));
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(feed(stdin, queue, Arc::clone(&pending)));
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut program = Self {
            child,
            group,
            profile,
            input: Some(input),
            stdout,
            read: Vec::new(),
            scanned: 0,
            stderr: Some(tokio::spawn(read_tail(stderr))),
            pending,
            watch: Stopwatch::start(),
        };
        program.write(command.stdin);
        Ok(program)
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        if let Some(input) = self.input.as_ref().filter(|_| !bytes.is_empty()) {
            if self.pending.fetch_add(bytes.len(), Ordering::Relaxed) > UNREAD {
                // It does not read, and must not fill the host's memory.
                self.group.end(How::Now);
                return;
            }
            // An error means that the program is gone, which the next read reports.
            let _ = input.send(bytes);
        }
    }

    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// The rest of the profile's timeout.
    fn left(&self) -> Duration {
        let most = self.profile.timeout.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        most.saturating_sub(self.watch.elapsed())
    }

    pub(super) async fn read_line(
        &mut self,
        capabilities: &Capabilities,
        timeout_ms: Option<u64>,
    ) -> Result<Line, ProcessError> {
        let left = self.left();
        let timeout = timeout_ms.map_or(left, Duration::from_millis).min(left);
        let next = async {
            loop {
                if let Some(line) = self.next_line()? {
                    return Ok(Line::Text(line));
                }
                let Some(stdout) = &mut self.stdout else { return Ok(Line::Closed) };
                if !matches!(stdout.read_buf(&mut self.read).await, Ok(1..)) {
                    self.stdout = None;
                    return Ok(self.rest());
                }
            }
        };
        let read = tokio::select! {
            biased;
            _ = capabilities.cancellation.cancelled() => return Err(ProcessError::Stopped),
            read = tokio::time::timeout(timeout, next) => read,
        };
        match read {
            Ok(line) => {
                if let Ok(Line::Text(text)) = &line {
                    capabilities.hint_failure(confine::hint(&self.profile, text.as_bytes()));
                }
                line
            }
            Err(_) if self.left().is_zero() => {
                self.group.end(How::Gracefully);
                Ok(Line::Closed)
            }
            Err(_) => Ok(Line::Silent),
        }
    }

    /// The next whole line of what was read, without its line feed; none if it is not complete.
    fn next_line(&mut self) -> Result<Option<String>, ProcessError> {
        let most = self.profile.max_line;
        match self.read[self.scanned..].iter().position(|byte| *byte == b'\n') {
            Some(end) if self.scanned + end <= most => {
                let line: Vec<u8> = self.read.drain(..=self.scanned + end).collect();
                self.scanned = 0;
                Ok(Some(text(&line[..line.len() - 1])))
            }
            None if self.read.len() <= most => {
                self.scanned = self.read.len();
                Ok(None)
            }
            // A line that is cut off can't be interpreted, and neither can what follows it.
            Some(_) | None => {
                self.group.end(How::Now);
                Err(ProcessError::Denied(format!(
                    "profile {}: a line of its output is longer than {most} bytes, and it was killed: set max-line in \
                     [profiles.{}]",
                    self.profile.name, self.profile.name
                )))
            }
        }
    }

    /// The output after the last line feed, at the end of the output.
    fn rest(&mut self) -> Line {
        self.scanned = 0;
        let rest = std::mem::take(&mut self.read);
        if rest.is_empty() { Line::Closed } else { Line::Text(text(&rest)) }
    }

    pub(super) async fn finish(
        &mut self,
        capabilities: &Capabilities,
        timeout_ms: u64,
    ) -> Result<Completed, ProcessError> {
        self.close_input();
        let stopping = capabilities.cancel_reason().is_some();
        let most = if stopping && !capabilities.is_fenced() { AFTER_CANCEL } else { Duration::MAX };
        let limit = Duration::from_millis(timeout_ms).min(self.left()).min(most);
        // Its output is read meanwhile: a program that fills the pipe would never exit.
        let (stdout, most) = (self.stdout.take(), self.profile.max_stdout);
        let head = tokio::spawn(read_head(stdout, most));
        let forced = tokio::select! {
            biased;
            () = self.group.ended() => None,
            why = capabilities.cancellation.cancelled(), if !stopping || capabilities.is_fenced() => Some(Some(why)),
            () = tokio::time::sleep(limit) => Some(None),
        };
        match forced {
            None => {}
            Some(Some(CancelReason::LeaseLost)) => self.group.end(How::Now),
            Some(Some(_) | None) => self.group.end(How::Gracefully),
        }
        let status = self.group.wait(&mut self.child).await;
        let status = status.map_err(|why| ProcessError::NotStarted(why.to_string()))?;
        self.group.free_slot();
        let (after, _) =
            tokio::time::timeout(LINGER, head).await.ok().and_then(Result::ok).unwrap_or_default();
        let stderr = match self.stderr.take() {
            Some(mut tail) => match tokio::time::timeout(LINGER, &mut tail).await {
                Ok(read) => read.ok(),
                Err(_) => {
                    tail.abort();
                    None
                }
            },
            None => None,
        };
        let stderr = stderr.unwrap_or_default();
        capabilities.hint_failure(confine::hint(&self.profile, &stderr));
        let mut stdout = std::mem::take(&mut self.read);
        stdout.extend(after);
        stdout.truncate(most);
        Ok(Completed {
            ending: match forced {
                None => ending(status),
                Some(_) => Ending::TimedOut(self.watch.millis()),
            },
            stdout,
            stderr,
            took: self.watch.millis(),
        })
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

/// Writes the program's input until it closes its end, or until the adapter closes the input.
async fn feed(mut stdin: ChildStdin, mut queue: mpsc::UnboundedReceiver<Vec<u8>>, pending: Arc<AtomicUsize>) {
    while let Some(bytes) = queue.recv().await {
        pending.fetch_sub(bytes.len(), Ordering::Relaxed);
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}
