//! The rules of the house, as tests: who may use what, and that every file says what it is.

mod support;

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use support::root;

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("host/src")];
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

fn module(path: &Path) -> String {
    let inner = path.strip_prefix(root().join("host/src")).expect("a source").to_string_lossy().into_owned();
    inner.trim_end_matches(".rs").to_owned()
}

fn belongs(module: &str, to: &[&str]) -> bool {
    to.iter().any(|top| module == *top || module.starts_with(&format!("{top}/")))
}

/// Production code without its inline tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// What only some modules may mention.
const PRIVILEGES: [(&str, &[&str]); 13] = [
    ("landlock::", &["confine/files"]),
    ("seccompiler::", &["confine/calls"]),
    ("kuva::", &["lab/plot"]),
    ("rusqlite::", &["store"]),
    ("wasmtime::", &["plugin"]),
    ("println!", &["cli"]),
    ("SystemTime::now", &["clock"]),
    ("Instant::now", &["clock"]),
    ("tokio::process", &["plugin/capability", "workspace/git"]),
    ("reqwest::", &["plugin/capability/http", "plugin/source", "config/offer"]),
    ("oci_client::", &["plugin/source"]),
    ("indicatif::", &["cli"]),
    ("clap::", &["cli"]),
];

#[test]
fn each_layer_keeps_to_itself() {
    for path in sources() {
        let (module, code) = (module(&path), code(&path));
        for (word, allowed) in PRIVILEGES {
            assert!(
                !code.contains(word) || belongs(&module, allowed),
                "{module} uses {word}, which only {allowed:?} may"
            );
        }
    }
}

/// The pure core, and what it may import of this crate.
const CORE: [&str; 18] = [
    "id",
    "clock",
    "excerpt",
    "seed",
    "span",
    "size",
    "fault",
    "scope",
    "plan",
    "task",
    "agent",
    "event",
    "outcome",
    "budget",
    "people",
    "knowledge",
    "lab",
    "insight",
];

#[test]
fn the_core_does_no_input_or_output() {
    let forbidden = [
        "crate::store",
        "crate::plugin",
        "crate::scheduler",
        "crate::cli",
        "crate::door",
        "crate::config",
        "tokio::",
        "std::net",
        "std::process",
    ];
    for path in sources() {
        let (module, code) = (module(&path), code(&path));
        if belongs(&module, &CORE) {
            for word in forbidden {
                assert!(!code.contains(word), "{module} is core and uses {word}");
            }
            assert!(!code.contains("std::fs") || module == "plan/load", "{module} is core and uses files");
        }
    }
}

#[test]
fn the_store_and_the_plugins_meet_only_in_the_scheduler() {
    for path in sources() {
        let (module, code) = (module(&path), code(&path));
        if belongs(&module, &["store"]) {
            for word in ["crate::plugin", "crate::scheduler", "crate::cli"] {
                assert!(!code.contains(word), "{module} uses {word}");
            }
        }
        if belongs(&module, &["plugin"]) {
            for word in ["crate::store", "crate::scheduler", "crate::cli"] {
                assert!(!code.contains(word), "{module} uses {word}");
            }
        }
        if belongs(&module, &["scheduler"]) {
            assert!(!code.contains("crate::cli"), "{module} uses the command line");
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
        assert!(lines <= 750, "{} has {lines} lines: split it", path.display());
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
