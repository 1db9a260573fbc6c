//! Compiles the hostile guests and the example router, once for all tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::root;

/// Every guest crate that becomes a component.
pub const GUESTS: [&str; 16] = [
    "duplicate",
    "flaky-router",
    "giant-output",
    "greedy-agent",
    "greedy-executor",
    "greedy-router",
    "handle-flood",
    "liar",
    "log-flood",
    "memory-bomb",
    "nan",
    "outsider",
    "recursion",
    "spin",
    "trap",
    "ungranted",
];

fn compiled() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = root().join("target/guests");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root()).args([
            "build",
            "--profile",
            "plugin",
            "--target",
            "wasm32-unknown-unknown",
            "--target-dir",
        ]);
        cargo.arg(&target).args(["--package", "example-router-rust", "--package", "guest-wrong-index"]);
        cargo.args(["--package", "baton-router-random", "--package", "baton-router-round-robin"]);
        for guest in GUESTS {
            cargo.arg("--package").arg(format!("guest-{guest}"));
        }
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
        assert!(cargo.status().expect("cargo can be started").success(), "the guests do not compile");
        target.join("wasm32-unknown-unknown/plugin")
    })
}

/// A guest as a component.
pub fn component(krate: &str) -> Vec<u8> {
    let file = compiled().join(format!("{}.wasm", krate.replace('-', "_")));
    let module = std::fs::read(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    baton_app::package::encode(&module).unwrap_or_else(|why| panic!("{krate}: {why}"))
}

pub fn guest(name: &str) -> Vec<u8> {
    component(&format!("guest-{name}"))
}

#[test]
fn no_guest_is_forgotten() {
    let mut folders: Vec<String> = std::fs::read_dir(root().join("tests/guests"))
        .expect("there are guests")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "raw" && name != "wrong-index")
        .collect();
    folders.sort();
    assert_eq!(folders, GUESTS);
}
