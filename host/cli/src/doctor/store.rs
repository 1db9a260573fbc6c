//! Where the store lives: rights, room, locks, and whether its time is this machine's.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use baton_core::clock::Clock;
use baton_core::size::Size;
use baton_store::read::history;
use baton_store::{Home, OpenError, check, reader};

use super::{Check, Finding, check};

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

pub(super) fn folder(store: &Path) -> Check {
    if store.exists() && !store.is_dir() {
        let remedy = "move it away, or name another folder with `store` or --store";
        return check(
            "store",
            store.display().to_string(),
            Finding::fault("it is a file, not a folder", remedy),
        );
    }
    let there = existing(store);
    let writable = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    let finding = match (writable, std::fs::metadata(store)) {
        (Err(why), _) => Finding::fault(
            format!("{} can't be written to: {why}", there.display()),
            "change its owner or mode, or name another folder with `store` or --store",
        ),
        (Ok(()), Ok(found)) if found.uid() != rustix::process::getuid().as_raw() => Finding::fault(
            format!("{} belongs to user {}", store.display(), found.uid()),
            "run baton as that user, or name another folder with `store` or --store",
        ),
        (Ok(()), Ok(found)) if found.permissions().mode() & 0o077 != 0 => Finding::warning(
            "others on this machine can look into it, and prompts and answers are kept there",
            format!("chmod 700 {}", store.display()),
        ),
        (Ok(()), _) => Finding::good("it can be written to, by you alone"),
    };
    check("store", store.display().to_string(), finding)
}

pub(super) fn cache() -> Check {
    let folder = baton_app::app::cache_folder();
    let there = existing(&folder);
    let finding = match rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
    {
        Ok(()) => Finding::good("it can be written to"),
        Err(why) => Finding::fault(
            format!("{} can't be written to: {why}", there.display()),
            "name a folder of your own with BATON_CACHE: compiled plugins are kept there",
        ),
    };
    check("plugin cache", folder.display().to_string(), finding)
}

pub(super) fn disk(store: &Path, least: Size) -> Check {
    let there = existing(store);
    let finding = match (rustix::fs::statvfs(there), rustix::fs::statfs(there)) {
        (Err(why), _) | (_, Err(why)) => {
            Finding::warning(format!("it can't be measured: {why}"), "look at it with df")
        }
        (Ok(_), Ok(kind)) if REMOTE.contains(&(kind.f_type & 0xFFFF_FFFF)) => Finding::fault(
            "it is a network file system, on which the locks of SQLite do not hold",
            "put the store on a local disk: `store` in baton.toml, or --store",
        ),
        (Ok(room), Ok(_)) => {
            let free = rounded(room.f_bavail.saturating_mul(room.f_frsize));
            if free < least {
                Finding::warning(
                    format!("{free} are free, and a full disk stops the host"),
                    format!("make room for {least}, or put the store elsewhere"),
                )
            } else {
                Finding::good(format!("{free} are free"))
            }
        }
    };
    check("disk", there.display().to_string(), finding)
}

/// In whole GiB, or MiB where it is less than one.
fn rounded(bytes: u64) -> Size {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let unit = if bytes >= 1 << 30 { 1 << 30 } else { 1 << 20 };
    Size(bytes / unit * unit)
}

pub(super) fn socket(store: &Path) -> Check {
    let path = Home::at(store).socket();
    let path = std::path::absolute(&path).unwrap_or(path);
    let length = path.as_os_str().len();
    let finding = if length > SOCKET {
        Finding::warning(
            format!(
                "its path has {length} bytes, and a socket's may have {SOCKET}: no second baton reaches the host"
            ),
            "put the store into a folder with a shorter path",
        )
    } else {
        Finding::good("a second baton reaches the host")
    };
    check("socket", path.display().to_string(), finding)
}

pub(super) fn database(store: &Path) -> Check {
    let home = Home::at(store);
    let finding = match reader(&home) {
        Ok(conn) => match check::quick_check(&conn) {
            Ok(said) if said == "ok" => Finding::good("it can be read, and its pages are sound"),
            Ok(said) => Finding::fault(said, "`baton db check` says more; `baton db restore` takes a backup"),
            Err(why) => Finding::fault(why.to_string(), "`baton db restore` takes a backup"),
        },
        Err(OpenError::Missing(_)) if !home.database().exists() => {
            Finding::good("none yet: the first run makes one")
        }
        Err(why) => Finding::fault(why.to_string(), "`baton db restore` takes a backup"),
    };
    check("database", home.database().display().to_string(), finding)
}

/// The record's newest event must not lie ahead of this machine's clock.
pub(super) fn clock(store: &Path) -> Check {
    let now = Clock::system().now();
    let newest = reader(&Home::at(store)).ok().and_then(|conn| history::newest(&conn).ok().flatten());
    let finding = match newest {
        Some(newest) if newest > now + BEHIND => Finding::fault(
            format!("the record goes to {newest}, and this machine's clock says {now}"),
            "set the clock, should it be wrong; from the next start on, times follow it",
        ),
        Some(_) | None => Finding::good(format!("{now}")),
    };
    check("clock", "", finding)
}
