//! How many attempts this process can hold at once. What does not fit waits, and does not fail.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Open files of one attempt at most: the pipes of a native program, its process, a connection.
const FILES: u64 = 8;
/// Open files of everything else: the store, the socket, git, connections that are kept.
const OTHER_FILES: u64 = 256;
/// Processes of one attempt: its supervisor, its program, and what that starts.
const PROCESSES: u64 = 4;
/// Enough files for all places for instances; programs inherit the limit, and some walk through all that it allows.
const WANTED_FILES: u64 = 16_384;

/// What there is least of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scarce {
    Instances,
    Files,
    Processes,
}

/// How many attempts fit, and why not more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub most: u32,
    pub scarce: Scarce,
}

impl Scarce {
    /// What of this host it is, and what can be done about it.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Instances => "this host, by its instances of plugins,",
            Self::Files => "this host, by its open files (`ulimit -n`),",
            Self::Processes => "this host, by its user's processes (`ulimit -u`),",
        }
    }
}

impl Places {
    /// No limit: for a simulation.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { most: u32::MAX, scarce: Scarce::Instances }
    }

    /// Those of this process, which first takes as many open files as it may have and has use for.
    #[must_use]
    pub fn of_this_host() -> Self {
        let files = getrlimit(Resource::Nofile);
        let most = files.maximum.map_or(WANTED_FILES, |most| most.min(WANTED_FILES));
        if files.current.is_some_and(|now| now < most) {
            // Without it there are fewer places.
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: files.maximum });
        }
        Self::within(getrlimit(Resource::Nofile).current, getrlimit(Resource::Nproc).current)
    }

    /// By limits of open files and of processes, where there are any.
    fn within(files: Option<u64>, processes: Option<u64>) -> Self {
        let most = |count: u64| u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let by_files = files.map(|files| (most(files.saturating_sub(OTHER_FILES) / FILES), Scarce::Files));
        let by_processes = processes.map(|count| (most(count / PROCESSES), Scarce::Processes));
        let instances = (baton_plugin::ATTEMPTS, Scarce::Instances);
        let all = [Some(instances), by_files, by_processes];
        let (most, scarce) = all.into_iter().flatten().min_by_key(|(most, _)| *most).unwrap_or(instances);
        Self { most, scarce }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_least_of_decides() {
        let places = |most, scarce| Places { most, scarce };
        assert_eq!(Places::within(None, None), places(baton_plugin::ATTEMPTS, Scarce::Instances));
        assert_eq!(Places::within(Some(1024), None), places(96, Scarce::Files));
        assert_eq!(Places::within(Some(1024), Some(100)), places(25, Scarce::Processes));
        assert_eq!(Places::within(Some(10), Some(10_000)), places(1, Scarce::Files));
    }
}
