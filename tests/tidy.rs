//! The rules of the house, as tests: who may use what, and that every file says what it is.

mod support;

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use support::root;

/// The crates of the binary.
fn crates() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("host")).expect("readable").filter_map(Result::ok);
    let mut crates: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    crates.sort();
    crates
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = crates().iter().map(|folder| folder.join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Production code without its inline tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// What each crate of the binary may stand on. The compiler holds it to its manifest; this holds the manifest.
const LAYERS: [(&str, &[&str]); 10] = [
    ("app", &["bundled", "core", "engine", "learn", "plugin", "stats", "store"]),
    ("bundled", &[]),
    ("cli", &["app", "core", "lab"]),
    ("core", &[]),
    ("engine", &["core", "learn", "plugin", "stats", "store"]),
    ("lab", &["app", "core", "engine", "learn", "plugin", "stats", "store"]),
    ("learn", &["core", "stats"]),
    ("plugin", &["core"]),
    ("stats", &[]),
    ("store", &["core"]),
];

/// Which crate alone may use what others wrote.
const OWNERS: [(&str, &str); 9] = [
    ("clap", "cli"),
    ("indicatif", "cli"),
    ("kuva", "stats"),
    ("landlock", "plugin"),
    ("oci-client", "plugin"),
    ("reqwest", "plugin"),
    ("rusqlite", "store"),
    ("seccompiler", "plugin"),
    ("wasmtime", "plugin"),
];

/// The names below `[dependencies]` of a crate's manifest.
fn dependencies(krate: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(krate.join("Cargo.toml")).expect("readable");
    let manifest: toml::Table = text.parse().expect("it is TOML");
    let table = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    table.keys().cloned().collect()
}

#[test]
fn each_layer_stands_on_those_below_it() {
    let found: Vec<String> = crates().iter().map(|path| name(path)).collect();
    assert_eq!(found, LAYERS.map(|(layer, _)| layer));
    for (krate, (layer, below)) in crates().iter().zip(LAYERS) {
        for dependency in dependencies(krate) {
            if let Some(other) = dependency.strip_prefix("baton-") {
                assert!(below.contains(&other), "{layer} stands on {other}, and may stand on {below:?}");
            }
            let owner = OWNERS.iter().find(|(owned, _)| *owned == dependency);
            assert!(
                owner.is_none_or(|(_, owner)| *owner == layer),
                "{layer} uses {dependency}, which only {owner:?} may"
            );
        }
    }
}

fn name(krate: &Path) -> String {
    krate.file_name().expect("it is a folder").to_string_lossy().into_owned()
}

/// Plans are read from files, and one function reads a file up to a limit; beside these the core does no input or output.
#[test]
fn the_core_does_no_input_or_output() {
    let core = root().join("host/core/src");
    for path in sources().iter().filter(|path| path.starts_with(&core)) {
        for word in ["std::net", "std::process", "std::fs"] {
            let reads = path.ends_with("plan/load.rs") || path.ends_with("src/file.rs");
            let allowed = word == "std::fs" && reads;
            assert!(allowed || !code(path).contains(word), "{} uses {word}", path.display());
        }
    }
}

/// Each of them is one place where what it does is looked at, and none may look past it.
#[test]
fn what_touches_the_system_is_in_one_place() {
    for (word, places) in [
        ("landlock::", &["plugin/src/confine/files.rs"] as &[&str]),
        ("seccompiler::", &["plugin/src/confine/calls.rs"]),
        ("kuva::", &["stats/src/plot.rs", "stats/src/plot/"]),
        ("SystemTime::now", &["core/src/clock.rs"]),
        ("Instant::now", &["core/src/clock.rs"]),
        ("tokio::process", &["plugin/src/capability/", "engine/src/workspace/git.rs"]),
    ] {
        for path in sources() {
            let inner =
                path.strip_prefix(root().join("host")).expect("a source").to_string_lossy().into_owned();
            let allowed = places.iter().any(|place| inner.starts_with(place));
            assert!(allowed || !code(&path).contains(word), "{inner} uses {word}, which only {places:?} may");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("readable");
        let said =
            text.starts_with("//! ") || text.lines().nth(1).is_some_and(|line| line.starts_with("    //! "));
        assert!(said, "{} has no header", path.display());
    }
}

#[test]
fn no_file_outgrows_its_purpose() {
    for path in sources() {
        let lines = code(&path).lines().count();
        assert!(lines <= 500, "{} has {lines} lines: split it", path.display());
    }
}

fn tracked() -> Vec<PathBuf> {
    let output = std::process::Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let output = output.expect("git is installed");
    assert!(output.status.success(), "this is no checkout: {}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec())))
        .collect()
}

/// A redirection that some awk misread once left 28 of them.
#[test]
fn no_tracked_name_holds_a_control_character() {
    let odd: Vec<PathBuf> = tracked()
        .into_iter()
        .filter(|path| path.as_os_str().as_bytes().iter().any(|byte| byte.is_ascii_control()))
        .collect();
    assert_eq!(odd, Vec::<PathBuf>::new());
}

/// Unsafe code is denied everywhere, and allowed by name with a reason where it can't be avoided.
#[test]
fn every_crate_has_the_lints_of_the_workspace() {
    let manifests =
        tracked().into_iter().filter(|path| path.ends_with("Cargo.toml") && path != Path::new("Cargo.toml"));
    for manifest in manifests {
        let text = std::fs::read_to_string(root().join(&manifest)).expect("readable");
        assert!(text.contains("[lints]\nworkspace = true\n"), "{} does not inherit them", manifest.display());
    }
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    assert!(workspace.contains("unsafe_code = \"deny\""));
}

/// The wasm tools that wasmtime uses are the ones that everything here uses: each family costs minutes of a cold build.
#[test]
fn there_is_one_family_of_wasm_tools() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("readable");
    for name in ["wasmparser", "wasm-encoder", "wit-parser", "wit-component"] {
        assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "{name}");
    }
}

/// Runs `.cargo/rustc` as cargo does first of all, with stand-ins for the compiler and for rustup.
fn wrapper(rustup: &str) -> support::Output {
    let env = support::Env::new();
    let program = |name: &str, script: &str| {
        let file = env.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("it is ours");
        file
    };
    let target = env.path("target-libdir");
    let rustc =
        program("rustc", &format!("case $1 in -vV) echo asked ;; *) echo {} ;; esac", target.display()));
    if !rustup.is_empty() {
        program("rustup", &rustup.replace("TARGET", &target.display().to_string()));
    }
    let mut command = std::process::Command::new(root().join(".cargo/rustc"));
    command.arg(rustc).arg("-vV").env("PATH", format!("{}:/usr/bin:/bin", env.path("bin").display()));
    support::output(command)
}

/// Before anything is compiled, the compiler's target for plugins is fetched, or the build says what to type.
#[test]
fn the_target_of_plugins_is_fetched_before_anything_is_compiled() {
    assert_eq!(wrapper("mkdir TARGET").ok(), "asked\n");
    for rustup in ["", "echo no network >&2; exit 1"] {
        let output = wrapper(rustup);
        assert_eq!(output.code, Some(1), "{rustup:?}");
        assert!(
            output.stderr.contains("type:   rustup target add wasm32-unknown-unknown"),
            "{}",
            output.stderr
        );
        assert_eq!(output.stdout, "", "the compiler was not asked for anything");
    }
}

/// The two commands of the README are what the gate runs.
#[test]
fn the_readme_and_the_gate_name_the_same_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let gate = std::fs::read_to_string(root().join(".ci/run")).expect("there is a gate");
    for command in ["cargo run -- run examples/workstreams/plan", "cargo test"] {
        assert!(
            readme.lines().any(|line| line.trim().trim_start_matches("$ ") == command),
            "README.md lacks `{command}`"
        );
        assert!(gate.lines().any(|line| line.trim().contains(command)), ".ci/run lacks `{command}`");
    }
}

#[test]
fn every_verb_in_the_readme_exists() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let env = support::Env::new();
    for line in readme.lines() {
        let Some(rest) = line.trim().strip_prefix("$ baton ") else { continue };
        let words: Vec<&str> = rest
            .split_whitespace()
            .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
            .take(2)
            .collect();
        let help = |words: &[&str]| env.baton(&[words, &["--help"]].concat()).code == Some(0);
        assert!(help(&words) || help(&words[..1]), "`baton {rest}` is no verb");
    }
}
