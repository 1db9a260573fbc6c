//! A program that is talked to while it runs.

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

/// What a program has to end by itself after its attempt was stopped.
const FAREWELL: Duration = Duration::from_secs(1);
/// What may wait for a program to read it.
const UNREAD: usize = 16 << 20;

/// Killed with all that it started when it is dropped.
pub struct Program {
    child: Child,
    group: Group,
    profile: Arc<Profile>,
    /// To the task that writes: a program that does not read must not keep its adapter from listening.
    input: Option<mpsc::UnboundedSender<Vec<u8>>>,
    stdout: Option<ChildStdout>,
    /// What was read and not handed over.
    read: Vec<u8>,
    /// So much of it holds no end of a line.
    looked: usize,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Bytes that wait to be written.
    pending: Arc<AtomicUsize>,
    watch: Stopwatch,
}

impl Program {
    pub(super) async fn start(
        powers: &Capabilities,
        profile: Arc<Profile>,
        command: Command,
    ) -> Result<Self, ProcessError> {
        let (mut child, group) = spawn(powers, &profile, &command).await?;
        let (input, fed) = mpsc::unbounded_channel();
        let pending = Arc::new(AtomicUsize::new(0));
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(feed(stdin, fed, Arc::clone(&pending)));
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut program = Self {
            child,
            group,
            profile,
            input: Some(input),
            stdout,
            read: Vec::new(),
            looked: 0,
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
                // It does not listen, and must not fill memory.
                self.group.end(How::Now);
                return;
            }
            // A program that is gone shows in what is read of it.
            let _ = input.send(bytes);
        }
    }

    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// What the profile leaves of the time that a program may run.
    fn left(&self) -> Duration {
        let most = self.profile.timeout.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        most.saturating_sub(self.watch.elapsed())
    }

    pub(super) async fn read_line(
        &mut self,
        powers: &Capabilities,
        patience: Option<u64>,
    ) -> Result<Line, ProcessError> {
        let left = self.left();
        let patience = patience.map_or(left, Duration::from_millis).min(left);
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
            _ = powers.cancellation.fallen() => return Err(ProcessError::Stopped),
            read = tokio::time::timeout(patience, next) => read,
        };
        match read {
            Ok(line) => {
                if let Ok(Line::Text(text)) = &line {
                    powers.suspect(confine::hint(&self.profile, text.as_bytes()));
                }
                line
            }
            Err(_) if self.left().is_zero() => {
                self.group.end(How::Politely);
                Ok(Line::Closed)
            }
            Err(_) => Ok(Line::Silent),
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, ProcessError> {
        let most = self.profile.max_line;
        match self.read[self.looked..].iter().position(|byte| *byte == b'\n') {
            Some(end) if self.looked + end <= most => {
                let line: Vec<u8> = self.read.drain(..=self.looked + end).collect();
                self.looked = 0;
                Ok(Some(text(&line[..line.len() - 1])))
            }
            None if self.read.len() <= most => {
                self.looked = self.read.len();
                Ok(None)
            }
            // Without its end nobody can tell what the line says, and without it, what comes after.
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

    /// What was written last, without the end of a line.
    fn rest(&mut self) -> Line {
        self.looked = 0;
        let rest = std::mem::take(&mut self.read);
        if rest.is_empty() { Line::Closed } else { Line::Text(text(&rest)) }
    }

    pub(super) async fn finish(
        &mut self,
        powers: &Capabilities,
        patience: u64,
    ) -> Result<Completed, ProcessError> {
        self.close_input();
        let stopping = powers.stopped().is_some();
        let most = if stopping && !powers.is_barred() { FAREWELL } else { Duration::MAX };
        let limit = Duration::from_millis(patience).min(self.left()).min(most);
        // Draining meanwhile, or a program with much to say would never end.
        let (stdout, most) = (self.stdout.take(), self.profile.max_stdout);
        let head = tokio::spawn(read_head(stdout, most));
        let forced = tokio::select! {
            biased;
            () = self.group.ended() => None,
            why = powers.cancellation.fallen(), if !stopping || powers.is_barred() => Some(Some(why)),
            () = tokio::time::sleep(limit) => Some(None),
        };
        match forced {
            None => {}
            Some(Some(CancelReason::LeaseLost)) => self.group.end(How::Now),
            Some(Some(_) | None) => self.group.end(How::Politely),
        }
        let status = self.group.wait(&mut self.child).await;
        let status = status.map_err(|why| ProcessError::NotStarted(why.to_string()))?;
        self.group.make_room();
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
        powers.suspect(confine::hint(&self.profile, &stderr));
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

/// Ends when the program does not read any more, or when nothing more will come.
async fn feed(mut stdin: ChildStdin, mut fed: mpsc::UnboundedReceiver<Vec<u8>>, pending: Arc<AtomicUsize>) {
    while let Some(bytes) = fed.recv().await {
        pending.fetch_sub(bytes.len(), Ordering::Relaxed);
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}
