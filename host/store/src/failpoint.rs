//! Named points at which a test can kill the host: `BATON_FAILPOINT=before-commit:3` ends the process, as `kill -9`
//! would, the third time it is reached. Read once; without the variable the cost is one load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Failpoint {
    name: String,
    left: AtomicU64,
}

/// Those that a run reaches, for tests that visit each.
pub const RUN: [&str; 7] = [
    "before-begin",
    "after-op",
    "before-commit",
    "after-commit",
    "before-reply",
    "before-attempt",
    "after-attempt",
];

/// Those while an accepted claim lands on the target.
pub const LANDING: [&str; 4] = ["landing-brought", "landing-marked", "landing-followed", "landing-moved"];
/// Those of a backup.
pub const BACKUP: [&str; 1] = ["backup-written"];
/// Those of a migration to a later schema.
pub const MIGRATE: [&str; 4] = ["migrate-copied", "migrate-kept", "migrate-changed", "migrate-committed"];
/// Those of a restore.
pub const RESTORE: [&str; 4] = ["restore-copied", "restore-settled", "restore-kept", "restore-renamed"];

fn is_known(name: &str) -> bool {
    RUN.iter().chain(&LANDING).chain(&BACKUP).chain(&MIGRATE).chain(&RESTORE).any(|known| *known == name)
}

fn chosen() -> Option<&'static Failpoint> {
    static CHOSEN: OnceLock<Option<Failpoint>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| {
            let spec = std::env::var("BATON_FAILPOINT").ok()?;
            let (name, count) = spec.split_once(':').unwrap_or((&spec, "1"));
            Some(Failpoint { name: name.to_owned(), left: AtomicU64::new(count.parse().ok()?) })
        })
        .as_ref()
}

/// Kills the process if this point was chosen and was reached often enough.
pub fn hit(name: &str) {
    debug_assert!(is_known(name), "{name} is in none of failpoint's lists");
    let Some(failpoint) = chosen() else { return };
    if failpoint.name == name && failpoint.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
