//! The processes that descend from this one, from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

/// Numbers are used again; with the time of its start one is a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    id: i32,
    /// In ticks since the machine started.
    started: u64,
}

/// Processes that are there; one that has ended and was not waited for may be among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree(BTreeSet<Process>);

impl Tree {
    /// Everyone below this process, at whatever depth; who is born or loses a parent meanwhile may be missing.
    pub(super) fn below_this() -> Self {
        let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for Stat { process, parent } in ids.filter_map(stat) {
            children.entry(parent).or_default().push(process);
        }
        let mut below = BTreeSet::new();
        let mut next = vec![getpid().as_raw_nonzero().get()];
        while let Some(id) = next.pop() {
            // Also those that look dead: a process whose first thread has ended goes on in its others.
            for child in children.remove(&id).unwrap_or_default() {
                next.push(child.id);
                below.insert(child);
            }
        }
        Self(below)
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    pub(super) fn signal_all_but(&self, others: &Self, signal: Signal) {
        for process in self.0.difference(&others.0) {
            process.signal(signal);
        }
    }
}

impl Process {
    /// To this process, and to none that has its number by now.
    fn signal(self, signal: Signal) {
        let Some(fd) = Pid::from_raw(self.id).and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok()) else {
            return;
        };
        if stat(self.id).is_some_and(|now| now.process == self) {
            let _ = pidfd_send_signal(&fd, signal);
        }
    }
}

struct Stat {
    process: Process,
    parent: i32,
}

/// proc_pid_stat(5): the name in parentheses may hold anything; after it come state (3), parent (4) and, as the 22nd
/// field, the start.
fn stat(id: i32) -> Option<Stat> {
    // A process may give itself a name that is not UTF-8.
    let text = fs::read(format!("/proc/{id}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Stat {
        process: Process { id, started: fields.get(19)?.parse().ok()? },
        parent: fields.get(1)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_number_is_another_s_by_now_is_not_signalled() {
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let now = stat(i32::try_from(other.id()).unwrap()).unwrap().process;
        Process { started: now.started - 1, ..now }.signal(Signal::KILL);
        assert!(other.try_wait().unwrap().is_none(), "it was somebody else");
        now.signal(Signal::KILL);
        assert!(!other.wait().unwrap().success());
    }
}
