//! What every confined program may read: the system, its user's toolchains (but no credentials beside them), and its own
//! installation.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Confinement;

/// The program that is about to be executed.
#[derive(Clone, Debug, Default)]
pub struct Executable {
    /// Its file.
    pub file: PathBuf,
    /// Its environment variable PATH.
    pub path: Option<OsString>,
    /// Its folder for temporary files, which it may write.
    pub temporary: Option<PathBuf>,
}

/// Devices that may be read and written; none of them stores anything.
pub(super) const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Terminals, for a program with its own devpts. On the machine's it could read what other users type.
pub(super) const TERMINALS: [&str; 2] = ["/dev/ptmx", "/dev/pts"];

/// `/proc` is safe to read: Landlock denies the files of processes outside of its domain, as it denies tracing them.
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

/// Entries of `/etc` that stay unreadable: credentials that a program run by root could read.
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

/// Toolchains below a user's home.
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

/// The files and folders that `program` may read. Rules apply to files that exist now; one that is created later at the
/// same path can't be read.
pub(super) fn readable(program: &Executable, confinement: &Confinement) -> Vec<PathBuf> {
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

/// A file and what it needs: its folder, its `node_modules`, its Python virtual environment.
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

/// The interpreter that the first line of a script names.
fn interpreted_by(file: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let read = fs::File::open(file).ok()?.read(&mut start).ok()?;
    let line = start[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).split_whitespace().next()?.into())
}

/// The installation of the Python that a virtual environment was made with.
fn interpreter(environment: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let home = text.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='))?;
    Path::new(home.trim()).parent().filter(|prefix| *prefix != Path::new("/")).map(Path::to_owned)
}

/// Whether a folder is too wide to be readable for one tool in it: a home, a hidden folder or the folder for temporary
/// files, or an ancestor of one.
fn is_wide(folder: &Path, confinement: &Confinement) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let private =
        confinement.homes.iter().chain(&confinement.hide).filter_map(|path| path.canonicalize().ok());
    private.chain([std::env::temp_dir()]).any(|private| private.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_not_readable_because_a_program_lies_in_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("tool");
        fs::write(&file, "").unwrap();
        let program = Executable { file: file.clone(), ..Executable::default() };
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
