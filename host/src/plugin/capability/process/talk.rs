//! A program that is talked to while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::LINGER;
use super::profile::Profile;
use super::run::{read_head, read_tail};
use super::spawn::{Group, ending, spawn};
use crate::clock::Stopwatch;
use crate::plugin::bindings::agent::baton::host::process::{Command, Completed, Ending, Line, ProcessError};
use crate::plugin::capability::Powers;

/// The longest line that is handed over; what is beyond is cut.
const LINE: usize = 1 << 20;
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
    /// The line under way was cut: the rest of it is thrown away.
    cutting: bool,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// Bytes that wait to be written.
    pending: Arc<AtomicUsize>,
    watch: Stopwatch,
}

impl Program {
    pub(super) async fn start(
        powers: &Powers,
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
            cutting: false,
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
                self.group.kill();
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
        powers: &Powers,
        patience: Option<u64>,
    ) -> Result<Line, ProcessError> {
        let left = self.left();
        let patience = patience.map_or(left, Duration::from_millis).min(left);
        let next = async {
            loop {
                if let Some(line) = self.next_line() {
                    return Line::Text(line);
                }
                let Some(stdout) = &mut self.stdout else { return Line::Closed };
                if !matches!(stdout.read_buf(&mut self.read).await, Ok(1..)) {
                    self.stdout = None;
                    return self.rest();
                }
            }
        };
        let read = tokio::select! {
            biased;
            _ = powers.fence.fallen() => return Err(ProcessError::Stopped),
            read = tokio::time::timeout(patience, next) => read,
        };
        match read {
            Ok(line) => Ok(line),
            Err(_) if self.left().is_zero() => {
                self.group.kill();
                Ok(Line::Closed)
            }
            Err(_) => Ok(Line::Silent),
        }
    }

    fn next_line(&mut self) -> Option<String> {
        loop {
            let end = self.read.iter().position(|byte| *byte == b'\n');
            match end {
                Some(end) => {
                    let line: Vec<u8> = self.read.drain(..=end).take(LINE.min(end)).collect();
                    if std::mem::take(&mut self.cutting) {
                        continue;
                    }
                    return Some(text(&line));
                }
                None if self.read.len() > LINE => {
                    let line = text(&self.read[..LINE]);
                    self.read.clear();
                    if !std::mem::replace(&mut self.cutting, true) {
                        return Some(line);
                    }
                }
                None => return None,
            }
        }
    }

    /// What was written last, without the end of a line.
    fn rest(&mut self) -> Line {
        let rest = std::mem::take(&mut self.read);
        if rest.is_empty() || self.cutting { Line::Closed } else { Line::Text(text(&rest)) }
    }

    pub(super) async fn finish(&mut self, powers: &Powers, patience: u64) -> Result<Completed, ProcessError> {
        self.close_input();
        let stopping = powers.stopped().is_some();
        let most = if stopping && !powers.is_barred() { FAREWELL } else { Duration::MAX };
        let limit = Duration::from_millis(patience).min(self.left()).min(most);
        // Draining meanwhile, or a program with much to say would never end.
        let (stdout, most) = (self.stdout.take(), self.profile.max_stdout);
        let head = tokio::spawn(read_head(stdout, most));
        let status = tokio::select! {
            status = self.child.wait() => Some(status.map_err(|why| ProcessError::NotStarted(why.to_string()))?),
            () = tokio::time::sleep(limit) => None,
            _ = powers.fence.fallen(), if !stopping || powers.is_barred() => None,
        };
        self.group.kill();
        let _ = self.child.wait().await;
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
        let mut stdout = std::mem::take(&mut self.read);
        stdout.extend(after);
        stdout.truncate(most);
        Ok(Completed {
            ending: match status {
                Some(status) => ending(status),
                None => Ending::TimedOut(self.watch.millis()),
            },
            stdout,
            stderr: stderr.unwrap_or_default(),
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
