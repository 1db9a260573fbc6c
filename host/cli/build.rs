//! The version that `baton --version` prints, with the commit it is built from.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for watched in ["../../.git/HEAD", "../../.git/logs/HEAD"] {
        if Path::new(watched).exists() {
            println!("cargo::rerun-if-changed={watched}");
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let version = match commit() {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=BATON_VERSION={version}");
}

/// Such as `6b138c3f5744 2026-11-22`; none where this is no checkout, or there is no git.
fn commit() -> Option<String> {
    let git =
        Command::new("git").args(["show", "--no-patch", "--format=%h %cs", "--abbrev=12", "HEAD"]).output();
    let said = git.ok().filter(|output| output.status.success())?.stdout;
    let said = String::from_utf8(said).ok()?.trim().to_owned();
    (!said.is_empty()).then_some(said)
}
