//! `baton:host/process`: native programs, as the operator's profiles allow them.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command as Native};

use super::sign::Sign;
use super::{Powers, Profile, Stop};
use crate::clock::Stopwatch;
use crate::plugin::bindings::agent::baton::host::process::{Command, Completed, Ending, Host, ProcessError};
use crate::plugin::sandbox::Sandbox;

const STDERR_TAIL: usize = 16 << 10;
/// After a program has ended, what it left running may still hold its output open for so long.
const LINGER: Duration = Duration::from_millis(500);

impl Host for Sandbox {
    async fn run(&mut self, command: Command) -> wasmtime::Result<Result<Completed, ProcessError>> {
        let Some(powers) = self.powers.clone() else {
            return Ok(Err(ProcessError::Denied("nothing is started during a probe".into())));
        };
        if powers.stopped().is_some() {
            return Ok(Err(ProcessError::Stopped));
        }
        let answer = match allowed(&powers, &command.profile) {
            Ok(profile) => run(&powers, &profile, &command).await,
            Err(denied) => Err(denied),
        };
        Ok(answer)
    }

    async fn check(&mut self, profile: String) -> wasmtime::Result<Result<(), ProcessError>> {
        let Some(powers) = self.powers.clone() else {
            return Ok(Ok(()));
        };
        Ok(allowed(&powers, &profile).and_then(|profile| find(&profile).map(|_| ())))
    }
}

fn allowed(powers: &Powers, name: &str) -> Result<Arc<Profile>, ProcessError> {
    if let Some(profile) = powers.profiles.get(name) {
        return Ok(Arc::clone(profile));
    }
    let why = if powers.ungranted.contains(name) {
        format!(
            "profile {name} is not granted to {plugin}: baton plugin add … --grant process:{name}",
            plugin = powers.plugin
        )
    } else {
        format!("there is no profile {name}: add [profiles.{name}] with argv = [\"…\"] to baton.toml")
    };
    let denied = Sign::Denied {
        task: powers.task,
        plugin: powers.plugin.clone(),
        call: "process.run",
        why: why.clone(),
    };
    powers.signs.send(powers.clock.now(), denied);
    Err(ProcessError::Denied(why))
}

/// The program's file, looked up as a shell would with the profile's PATH.
fn find(profile: &Profile) -> Result<PathBuf, ProcessError> {
    let program = profile.argv.first().map_or("", String::as_str);
    if !profile.cwd.is_dir() {
        let why = format!("profile {}: there is no folder {}", profile.name, profile.cwd.display());
        return Err(ProcessError::NotStarted(why));
    }
    let path = profile
        .env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or("/usr/local/bin:/usr/bin:/bin", |(_, path)| path);
    let found = if program.contains('/') {
        Some(profile.cwd.join(program)).filter(|file| is_executable(file))
    } else {
        path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| is_executable(file))
    };
    found.ok_or_else(|| {
        ProcessError::NotStarted(format!(
            "profile {}: there is no program {program:?} to start",
            profile.name
        ))
    })
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// `{task}` and `{input.key}` are places; braces around anything else are the profile's own.
fn is_place(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Fills the `{name}` places of one argument.
fn fill(template: &str, command: &Command) -> Result<String, ProcessError> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}').filter(|(name, _)| is_place(name)) else {
            filled.push_str(before);
            filled.push('{');
            rest = tail;
            continue;
        };
        let value = command.values.iter().find(|attr| attr.name == name).map(|attr| attr.value.as_str());
        let value = value.ok_or_else(|| {
            ProcessError::BadValue(format!("the task has no value for {{{name}}} in {template:?}"))
        })?;
        if value.contains('\0') {
            return Err(ProcessError::BadValue(format!("the value for {{{name}}} holds a NUL")));
        }
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

async fn run(powers: &Powers, profile: &Profile, command: &Command) -> Result<Completed, ProcessError> {
    let program = find(profile)?;
    let mut args = Vec::with_capacity(profile.argv.len());
    for template in profile.argv.iter().skip(1) {
        args.push(fill(template, command)?);
    }
    let mut native = match &powers.supervisor {
        Some(supervisor) => {
            let mut native = Native::new(supervisor);
            native.arg("__supervise").arg(std::process::id().to_string()).arg("--").arg(&program);
            native
        }
        None => Native::new(&program),
    };
    native
        .args(args)
        .current_dir(&profile.cwd)
        .env_clear()
        .envs(profile.env.iter().map(|(name, value)| (name, value)))
        .env("BATON_IDEMPOTENCY_KEY", &powers.idempotency_key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let watch = Stopwatch::start();
    let child = native.spawn().map_err(|why| {
        ProcessError::NotStarted(format!("profile {}: {}: {why}", profile.name, program.display()))
    })?;
    let group = Group(child.id());
    let completed = attend(powers, profile, child, &group, command.stdin.clone()).await;
    drop(group);
    let (ending, stdout, stderr) = completed?;
    Ok(Completed {
        ending,
        stdout,
        stderr,
        took: u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// A process and all that it started; killed when this is dropped, so that no way out of an attempt leaves one behind.
struct Group(Option<u32>);

impl Group {
    fn kill(&self) {
        let pid = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
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
        Ok(Forced::Stopped(Stop::LeaseLost | Stop::Cancelled)) => return Err(ProcessError::Stopped),
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

fn ending(status: ExitStatus) -> Ending {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signalled(signal),
        (None, None) => Ending::Signalled(0),
    }
}

/// Up to `max` bytes, and how many there were; what is beyond is not kept, and reading stops at once, so that the
/// writer can't fill memory.
async fn read_head(from: Option<impl AsyncRead + Unpin>, max: usize) -> (Vec<u8>, usize) {
    let mut kept = Vec::new();
    let Some(from) = from else { return (kept, 0) };
    let _ = from.take(max as u64 + 1).read_to_end(&mut kept).await;
    let written = kept.len();
    kept.truncate(max);
    (kept, written)
}

async fn read_tail(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
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
