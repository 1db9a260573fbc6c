//! A view of the file system of its own, in which everything is read-only but what may be written. Landlock does not
//! look at modes, owners and times, and can't take a folder out of one that is let out to; this does both.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

use super::Confinement;

/// False where this kernel, or its administrator, lets nobody have one.
pub(super) fn freeze(write: &[PathBuf], confinement: &Confinement) -> io::Result<bool> {
    if !apart() {
        return Ok(false);
    }
    let here = std::env::current_dir()?;
    // What happens here stays here.
    if mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC).is_err() {
        return Ok(false);
    }
    for path in write {
        mount_bind_recursive(path, path)?;
    }
    for file in confinement.keep.iter().filter_map(|path| path.canonicalize().ok()) {
        if is_below(&file, write) {
            mount_bind(&file, &file)?;
            mount_remount(&file, MountFlags::BIND | MountFlags::RDONLY, "")?;
        }
    }
    let read = confinement.read.iter().filter_map(|path| path.canonicalize().ok());
    let open: Vec<PathBuf> = write.iter().cloned().chain(read).collect();
    for folder in confinement.hide.iter().filter_map(|path| path.canonicalize().ok()) {
        // The folders of attempts are in the store's own.
        if is_below(&folder, &open) && !write.iter().any(|path| path.starts_with(&folder)) {
            let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("tmpfs", &folder, "tmpfs", flags, c"size=4k,mode=500")?;
        }
    }
    for Mount { place, flags } in mounts()? {
        if !is_below(&place, write) && !is_below(&place, &["/proc".into()]) {
            // One that lies under another can't be reached, by nobody.
            let _ = mount_remount(&place, flags | MountFlags::BIND | MountFlags::RDONLY, "");
        }
    }
    // The folder that this process is in is still the one before.
    std::env::set_current_dir(here)?;
    Ok(true)
}

/// Terminals of its own in place of the machine's, once there is a view of its own.
pub(super) fn own_terminals() -> bool {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let mounted = mount("devpts", "/dev/pts", "devpts", flags, c"newinstance,ptmxmode=0666,mode=620");
    mounted.and_then(|()| mount_bind("/dev/pts/ptmx", "/dev/ptmx")).is_ok()
}

fn is_below(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// A mount namespace, if need be with a user namespace in which this user is the same one.
fn apart() -> bool {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    if unshare(UnshareFlags::NEWNS | UnshareFlags::NEWIPC).is_ok() {
        return true;
    }
    if unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC).is_err() {
        return false;
    }
    // Some systems let everyone have a user namespace, and nothing in it.
    let mapped = fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("{group} {group} 1")));
    mapped.is_ok()
}

#[expect(
    deprecated,
    reason = "its danger is in descriptors that threads share, and this process has one thread"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

struct Mount {
    place: PathBuf,
    /// Those that may not be taken from it.
    flags: MountFlags,
}

/// proc_pid_mountinfo(5): the fifth field is the place, the sixth its options.
fn mounts() -> io::Result<Vec<Mount>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(4);
        let (place, options) = (fields.next()?, fields.next()?);
        let flag = |option: &str| match option {
            "nosuid" => MountFlags::NOSUID,
            "nodev" => MountFlags::NODEV,
            "noexec" => MountFlags::NOEXEC,
            "noatime" => MountFlags::NOATIME,
            "nodiratime" => MountFlags::NODIRATIME,
            "relatime" => MountFlags::RELATIME,
            _ => MountFlags::empty(),
        };
        Some(Mount { place: unescaped(place), flags: options.split(',').map(flag).collect() })
    };
    Ok(text.lines().filter_map(mount).collect())
}

/// Space, tab, newline and backslash stand there as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain)).into()
}
