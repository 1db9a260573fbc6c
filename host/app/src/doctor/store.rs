//! Where the store lives: rights, room, locks, and whether its time is this machine's.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Condition, Diagnosis, diagnosis};
use baton_core::clock::Clock;
use baton_core::size::Size;
use baton_store::read::history;
use baton_store::{Home, OpenError, check, reader};

/// `statfs` types of file systems on which SQLite's locks do not hold between machines: NFS, SMB, 9p.
const REMOTE: [i64; 4] = [0x6969, 0xFE53_4D42, 0x517B, 0x0102_1997];
/// Bytes that the path of a Unix socket may have.
const SOCKET: usize = 107;
/// A clock may be this much behind the newest event: a host counts on its own from when it started.
const BEHIND: std::time::Duration = std::time::Duration::from_secs(60);

/// The nearest folder above that exists: a store is made by the first run.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"))
}

pub(super) fn folder(store: &Path) -> Diagnosis {
    if store.exists() && !store.is_dir() {
        let remedy = "move it away, or name another folder with `store` or --store";
        return diagnosis(
            "store",
            store.display().to_string(),
            Condition::fault("it is a file, not a folder", remedy),
        );
    }
    let there = existing(store);
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    let condition = match (writable, std::fs::metadata(store)) {
        (Err(why), _) => Condition::fault(
            format!("{} can't be written to: {why}", there.display()),
            "change its owner or mode, or name another folder with `store` or --store",
        ),
        (Ok(()), Ok(found)) if found.uid() != rustix::process::getuid().as_raw() => Condition::fault(
            format!("{} belongs to user {}", store.display(), found.uid()),
            "run baton as that user, or name another folder with `store` or --store",
        ),
        (Ok(()), Ok(found)) if found.permissions().mode() & 0o077 != 0 => Condition::warning(
            "others on this machine can look into it, and prompts and answers are kept there",
            format!("chmod 700 {}", store.display()),
        ),
        (Ok(()), _) => Condition::good("it can be written to, by you alone"),
    };
    diagnosis("store", store.display().to_string(), condition)
}

pub(super) fn cache() -> Diagnosis {
    let folder = crate::app::cache_folder();
    let there = existing(&folder);
    let condition =
        match rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
            Ok(()) => Condition::good("it can be written to"),
            Err(why) => Condition::fault(
                format!("{} can't be written to: {why}", there.display()),
                "name a folder of your own with BATON_CACHE: compiled plugins are kept there",
            ),
        };
    diagnosis("plugin cache", folder.display().to_string(), condition)
}

pub(super) fn disk(store: &Path, least: Size) -> Diagnosis {
    let there = existing(store);
    let condition = match (rustix::fs::statvfs(there), rustix::fs::statfs(there)) {
        (Err(why), _) | (_, Err(why)) => {
            Condition::warning(format!("it can't be measured: {why}"), "look at it with df")
        }
        (Ok(_), Ok(kind)) if REMOTE.contains(&(kind.f_type & 0xFFFF_FFFF)) => Condition::fault(
            "it is a network file system, on which the locks of SQLite do not hold",
            "put the store on a local disk: `store` in baton.toml, or --store",
        ),
        (Ok(room), Ok(_)) => {
            let free = rounded(room.f_bavail.saturating_mul(room.f_frsize));
            if free < least {
                Condition::warning(
                    format!("{free} are free, and a full disk stops the host"),
                    format!("make room for {least}, or put the store elsewhere"),
                )
            } else {
                Condition::good(format!("{free} are free"))
            }
        }
    };
    diagnosis("disk", there.display().to_string(), condition)
}

/// In whole GiB, or MiB where it is less than one.
fn rounded(bytes: u64) -> Size {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let unit = if bytes >= 1 << 30 { 1 << 30 } else { 1 << 20 };
    Size(bytes / unit * unit)
}

pub(super) fn socket(store: &Path) -> Diagnosis {
    let path = Home::at(store).socket();
    let path = std::path::absolute(&path).unwrap_or(path);
    let length = path.as_os_str().len();
    let condition = if length > SOCKET {
        Condition::warning(
            format!(
                "its path has {length} bytes, and a socket's may have {SOCKET}: no second baton reaches the host"
            ),
            "put the store into a folder with a shorter path",
        )
    } else {
        Condition::good("a second baton reaches the host")
    };
    diagnosis("socket", path.display().to_string(), condition)
}

pub(super) fn database(store: &Path) -> Diagnosis {
    let home = Home::at(store);
    let condition = match reader(&home) {
        Ok(conn) => match check::quick_check(&conn) {
            Ok(said) if said == "ok" => Condition::good("it can be read, and its pages are sound"),
            Ok(said) => {
                Condition::fault(said, "`baton db check` says more; `baton db restore` takes a backup")
            }
            Err(why) => Condition::fault(why.to_string(), "`baton db restore` takes a backup"),
        },
        Err(OpenError::Missing(_)) if !home.database().exists() => {
            Condition::good("none yet: the first run makes one")
        }
        Err(why) => Condition::fault(why.to_string(), "`baton db restore` takes a backup"),
    };
    diagnosis("database", home.database().display().to_string(), condition)
}

/// The record's newest event must not lie ahead of this machine's clock.
pub(super) fn clock(store: &Path) -> Diagnosis {
    let now = Clock::system().now();
    let newest = reader(&Home::at(store)).ok().and_then(|conn| history::newest(&conn).ok().flatten());
    let condition = match newest {
        Some(newest) if newest > now + BEHIND => Condition::fault(
            format!("the record goes to {newest}, and this machine's clock says {now}"),
            "set the clock, should it be wrong; from the next start on, times follow it",
        ),
        Some(_) | None => Condition::good(format!("{now}")),
    };
    diagnosis("clock", "", condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shown_in_whole_units() {
        assert_eq!(rounded((3 << 30) + 5), Size(3 << 30));
        assert_eq!(rounded((1 << 30) - 1), Size(1023 << 20));
    }

    #[test]
    fn a_store_that_does_not_exist_yet_is_looked_for_above() {
        assert_eq!(existing(Path::new("/no/such/folder")), Path::new("/"));
    }

    #[test]
    fn a_path_that_is_too_long_for_a_socket_is_warned_of() {
        let long = Path::new("/tmp").join("x".repeat(SOCKET));
        assert!(matches!(socket(&long).condition, Condition::Warning { .. }));
        assert!(socket(Path::new("/tmp/x")).is_good());
    }
}
