//! Runs a native program for a host and ends all that it started, with it or with the host, however that went. What the
//! program leaves behind comes to this process, because it is a subreaper: no session, process group or double fork takes
//! a process out of its reach.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use baton_core::clock::Stopwatch;
use baton_plugin::capability::process::{GracePeriods, SuperviseRequest, pidfd};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

use super::tree::Tree;
use super::{Program, ProgramEnd, ordered};
use crate::AppError;

/// How often processes are counted while they have time to end.
const LOOK: Duration = Duration::from_millis(20);

/// How all of it is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// With time to clean up, after each of these.
    Politely(&'static [Signal]),
    /// Killed at once.
    Now,
}

const ASKED: How = How::Politely(&[Signal::INT, Signal::TERM]);
/// What a program left running when it ended by itself.
const LEFT_BEHIND: How = How::Politely(&[Signal::TERM]);

/// Runs a program for the host of this process id, as `order` says.
///
/// # Errors
/// The order can't be read, the host is gone, or the program can't be started.
pub fn supervise(host: i32, order: &str, program: &Program) -> Result<ProgramEnd, AppError> {
    let request = ordered(order)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(supervised(host, order, &request, program));
    drop(runtime);
    if let Some(temporary) = &request.temporary {
        let _ = baton_engine::removal::remove(temporary);
    }
    let status = ended?;
    Ok(match status.terminating_signal() {
        Some(signal) => ProgramEnd::Signalled(signal),
        None => ProgramEnd::Exited(status.exit_status().unwrap_or(1)),
    })
}

async fn supervised(
    host: i32,
    order: &str,
    request: &SuperviseRequest,
    program: &Program,
) -> std::io::Result<WaitStatus> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut orders = Orders::listen(host)?;
    if orders.host.is_none() {
        return Err(std::io::Error::other("the host is gone"));
    }
    let main = start(order, request, program)?;
    let mut family = Family {
        main,
        status: None,
        changed: signal(SignalKind::child())?,
        grace_periods: request.grace_periods,
    };
    let how = loop {
        family.reap();
        if family.status.is_some() {
            break LEFT_BEHIND;
        }
        tokio::select! {
            biased;
            how = orders.next() => break how,
            _ = family.changed.recv() => {}
        }
    };
    family.end(how, &mut orders).await;
    family.status.ok_or_else(|| std::io::Error::other("the program's exit status is not known"))
}

/// Starts the program by way of `__enter`, which shuts itself in and becomes it.
fn start(order: &str, request: &SuperviseRequest, program: &Program) -> std::io::Result<Pid> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("__enter").arg(order).arg("--").arg(&program.file).args(&program.args);
    if let Some(temporary) = &request.temporary {
        make(temporary)?;
        command.envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, temporary)));
    }
    let child = command.spawn()?;
    // It is waited for below, with everything that comes to this process.
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("no process id"))
}

fn make(temporary: &PathBuf) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(temporary)
}

/// What ends this process before its program has ended.
struct Orders {
    terminate: Listener,
    interrupt: Listener,
    hang_up: Listener,
    now: Listener,
    /// Readable once the host is gone; none = it already was.
    host: Option<AsyncFd<std::os::fd::OwnedFd>>,
}

impl Orders {
    fn listen(host: i32) -> std::io::Result<Self> {
        let watched = Pid::from_raw(host).and_then(|host| pidfd::watch(host).ok());
        // Another parent by now means that the number may be anybody's.
        let watched = watched.filter(|_| rustix::process::getppid() == Pid::from_raw(host));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            now: signal(SignalKind::user_defined1())?,
            host: watched,
        })
    }

    async fn next(&mut self) -> How {
        let gone = async {
            if let Some(host) = &self.host {
                let _ = host.readable().await;
            }
        };
        tokio::select! {
            biased;
            // Another host may have its tasks at once.
            () = gone => How::Now,
            _ = self.now.recv() => How::Now,
            _ = self.terminate.recv() => ASKED,
            _ = self.interrupt.recv() => ASKED,
            _ = self.hang_up.recv() => ASKED,
        }
    }
}

/// The program and all that it started.
struct Family {
    main: Pid,
    /// How the program ended.
    status: Option<WaitStatus>,
    changed: Listener,
    grace_periods: GracePeriods,
}

impl Family {
    /// Takes leave of children that have ended, also of those that came from further down. Whether nobody is left: who
    /// has lost their parent is this process's child, so without children nobody is below it.
    fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.main => self.status = Some(status),
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(why) => return why == Errno::CHILD,
            }
        }
    }

    async fn end(&mut self, how: How, orders: &mut Orders) {
        if let How::Politely(signals) = how {
            for signal in signals {
                let grace = if *signal == Signal::INT {
                    self.grace_periods.interrupt
                } else {
                    self.grace_periods.terminate
                };
                if self.gone_after(*signal, grace.0, orders).await {
                    return;
                }
            }
        }
        self.kill().await;
    }

    /// Signals everyone once, those too that are born meanwhile. Whether nobody is left when the time is over.
    async fn gone_after(&mut self, signal: Signal, grace: Duration, orders: &mut Orders) -> bool {
        let watch = Stopwatch::start();
        let mut told = Tree::default();
        loop {
            if self.reap() {
                return true;
            }
            let alive = Tree::below_this();
            alive.signal_all_but(&told, signal);
            told = alive;
            let left = grace.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return false;
            }
            tokio::select! {
                biased;
                how = orders.next() => if how == How::Now { return false },
                _ = self.changed.recv() => {}
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }

    /// Stops everyone first, so that nobody has children while others are killed.
    async fn kill(&mut self) {
        loop {
            let mut stopped = Tree::default();
            loop {
                let alive = Tree::below_this();
                if alive.is_within(&stopped) {
                    break;
                }
                alive.signal_all_but(&stopped, Signal::STOP);
                stopped = alive;
            }
            stopped.signal_all_but(&Tree::default(), Signal::KILL);
            if self.reap() {
                return;
            }
            tokio::select! {
                _ = self.changed.recv() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}
