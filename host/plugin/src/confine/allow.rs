//! What every program may read: the system, the toolchains of its user without what is secret beside them, and itself.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Confinement;

/// What is about to run, and where it looks for things.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub file: PathBuf,
    pub path: Option<OsString>,
    pub temporary: Option<PathBuf>,
}

/// Read and written as devices are; none of them keeps anything.
pub(super) const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Where there is a set of terminals of its own. The machine's hold what others type.
pub(super) const TERMINALS: [&str; 2] = ["/dev/ptmx", "/dev/pts"];

/// `/proc` of other processes is guarded by Landlock's own rule for tracing.
const SYSTEM: [&str; 17] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/proc",
    "/sys",
    "/nix/store",
    "/run/current-system",
    "/run/systemd/resolve",
    "/snap",
    "/var/lib/ca-certificates",
    "/var/cache/fontconfig",
    "/home/linuxbrew",
];

/// Of `/etc`, all but what a program of root's could read of others'.
const SECRET: [&str; 19] = [
    "NetworkManager",
    "wireguard",
    "letsencrypt",
    "kubernetes",
    "docker",
    "openvpn",
    "ipsec.secrets",
    "ipsec.d",
    "netplan",
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "sudoers",
    "sudoers.d",
    "ssh",
    "krb5.keytab",
    "security",
    "ppp",
];

/// Below a user's home.
const TOOLCHAINS: [&str; 34] = [
    ".asdf",
    ".bun/bin",
    ".bun/install",
    ".cargo/bin",
    ".cargo/config.toml",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".config/git/attributes",
    ".config/git/config",
    ".config/git/ignore",
    ".deno",
    ".dotnet",
    ".fnm",
    ".ghcup/bin",
    ".gitconfig",
    ".go",
    ".jdks",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/claude",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/uv",
    ".m2/repository",
    ".nvm",
    ".opam",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".sdkman",
    ".volta",
];

/// Rules are for what is there now: what is not can't be read later either.
pub(super) fn readable(program: &Program, confinement: &Confinement) -> Vec<PathBuf> {
    let mut readable: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let etc = fs::read_dir("/etc").into_iter().flatten().flatten();
    readable.extend(
        etc.filter(|entry| !SECRET.iter().any(|name| entry.file_name() == *name)).map(|entry| entry.path()),
    );
    for home in &confinement.homes {
        readable.extend(TOOLCHAINS.iter().map(|name| home.join(name)));
    }
    let folders = program.path.iter().flat_map(std::env::split_paths);
    readable.extend(folders.filter(|folder| folder.is_absolute() && !is_wide(folder, confinement)));
    readable.extend(installation(&program.file, confinement));
    readable.extend(interpreted_by(&program.file).iter().flat_map(|by| installation(by, confinement)));
    readable.extend(confinement.script.iter().flat_map(|script| installation(script, confinement)));
    readable
}

/// A file and what it needs beside it: its folder, the packages or the virtual environment that it is in.
fn installation(file: &Path, confinement: &Confinement) -> Vec<PathBuf> {
    let mut parts = Vec::new();
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for file in [Some(absolute.clone()), absolute.canonicalize().ok()].into_iter().flatten() {
        parts.push(file.clone());
        let Some(folder) = file.parent() else { continue };
        parts.push(folder.to_owned());
        parts.extend(file.ancestors().filter(|above| above.ends_with("node_modules")).map(Path::to_owned));
        let environment = folder.parent().filter(|above| above.join("pyvenv.cfg").is_file());
        if let Some(environment) = environment {
            parts.push(environment.to_owned());
            parts.extend(interpreter(environment));
        }
    }
    parts.retain(|part| part.is_file() || !is_wide(part, confinement));
    parts
}

/// What the first line of a script says that it is run by.
fn interpreted_by(file: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let read = fs::File::open(file).ok()?.read(&mut start).ok()?;
    let line = start[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).split_whitespace().next()?.into())
}

/// Where the Python that a virtual environment was made with is installed.
fn interpreter(environment: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let home = text.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='))?;
    Path::new(home.trim()).parent().filter(|prefix| *prefix != Path::new("/")).map(Path::to_owned)
}

/// Whether a folder holds more than tools: a home, or one above it, or one of all users.
fn is_wide(folder: &Path, confinement: &Confinement) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let narrow =
        confinement.homes.iter().chain(&confinement.hide).filter_map(|path| path.canonicalize().ok());
    narrow.chain([std::env::temp_dir()]).any(|narrow| narrow.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_not_readable_because_a_program_lies_in_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("tool");
        fs::write(&file, "").unwrap();
        let program = Program { file: file.clone(), ..Program::default() };
        let confinement = Confinement { homes: vec![home.path().to_owned()], ..Confinement::default() };
        let readable = readable(&program, &confinement);
        assert!(readable.contains(&file));
        assert!(!readable.contains(&home.path().to_owned()));
        assert!(!readable.contains(&home.path().join(".ssh")));
    }

    #[test]
    fn a_program_of_packages_has_them_all() {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join("node_modules");
        fs::create_dir_all(modules.join(".bin")).unwrap();
        fs::create_dir_all(modules.join("tool")).unwrap();
        fs::write(modules.join("tool/cli.js"), "").unwrap();
        std::os::unix::fs::symlink("../tool/cli.js", modules.join(".bin/tool")).unwrap();
        let parts = installation(&modules.join(".bin/tool"), &Confinement::default());
        assert!(parts.contains(&modules), "{parts:?}");
    }
}
