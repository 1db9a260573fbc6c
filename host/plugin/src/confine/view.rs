//! A mount namespace in which everything is read-only except what may be written. Landlock neither checks changes of modes,
//! owners and times, nor excludes a folder inside of an allowed one; read-only and hidden mounts do both.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

use super::Confinement;

/// Enters the namespace. False where the kernel or its administrator does not allow that.
pub(super) fn freeze(write: &[PathBuf], confinement: &Confinement) -> io::Result<bool> {
    if !apart() {
        return Ok(false);
    }
    let here = std::env::current_dir()?;
    // Mounts made here must not propagate to the machine's namespace.
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
        // Working trees lie inside of the store, which must then stay visible.
        if is_below(&folder, &open) && !write.iter().any(|path| path.starts_with(&folder)) {
            let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("tmpfs", &folder, "tmpfs", flags, c"size=4k,mode=500")?;
        }
    }
    for Mount { point, flags } in mounts()? {
        if !is_below(&point, write) && !is_below(&point, &["/proc".into()]) {
            // Fails for a mount that is covered by another one; nothing can reach that anyway.
            let _ = mount_remount(&point, flags | MountFlags::BIND | MountFlags::RDONLY, "");
        }
    }
    // The current folder still refers to the mount before it was bound.
    std::env::set_current_dir(here)?;
    Ok(true)
}

/// Replaces the machine's terminals by a separate set. Needs the mount namespace.
pub(super) fn own_terminals() -> bool {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let mounted = mount("devpts", "/dev/pts", "devpts", flags, c"newinstance,ptmxmode=0666,mode=620");
    mounted.and_then(|()| mount_bind("/dev/pts/ptmx", "/dev/ptmx")).is_ok()
}

fn is_below(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Creates a mount namespace, without privileges inside of a user namespace that maps this user to itself.
fn apart() -> bool {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    if unshare(UnshareFlags::NEWNS | UnshareFlags::NEWIPC).is_ok() {
        return true;
    }
    if unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC).is_err() {
        return false;
    }
    // Some systems allow user namespaces and deny every use of one.
    let mapped = fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("{group} {group} 1")));
    mapped.is_ok()
}

#[expect(
    deprecated,
    reason = "it is unsafe where threads share descriptors, and this process has one thread"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

struct Mount {
    point: PathBuf,
    /// Flags that a remount must repeat: the kernel refuses to clear them.
    flags: MountFlags,
}

/// All mounts. In proc_pid_mountinfo(5) the fifth field is the mount point, the sixth the options.
fn mounts() -> io::Result<Vec<Mount>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(4);
        let (point, options) = (fields.next()?, fields.next()?);
        let flag = |option: &str| match option {
            "nosuid" => MountFlags::NOSUID,
            "nodev" => MountFlags::NODEV,
            "noexec" => MountFlags::NOEXEC,
            "noatime" => MountFlags::NOATIME,
            "nodiratime" => MountFlags::NODIRATIME,
            "relatime" => MountFlags::RELATIME,
            _ => MountFlags::empty(),
        };
        Some(Mount { point: unescaped(point), flags: options.split(',').map(flag).collect() })
    };
    Ok(text.lines().filter_map(mount).collect())
}

/// Decodes space, tab, newline and backslash, which that file writes as three octal digits.
fn unescaped(text: &str) -> PathBuf {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain)).into()
}
