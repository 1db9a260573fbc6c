//! Compiles the bundled plugins to WebAssembly and embeds them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of `plugins/`, the kind, and the plugins of it.
const BUNDLED: [(&str, &str, &[&str]); 4] = [
    (
        "routers",
        "Router",
        &["adaptive", "capability", "least-loaded", "llm", "predictive", "random", "round-robin"],
    ),
    (
        "executors",
        "Executor",
        &["auto", "collaborative", "hedge", "hierarchical", "parallel", "plan", "sequential"],
    ),
    ("validators", "Validator", &["command", "diff-scope", "human", "rubric", "schema"]),
    (
        "agents",
        "Agent",
        &["a2a", "acp", "aider", "claude", "codex", "command", "mcp", "mock", "openai", "person"],
    ),
];

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    for watched in ["plugins", "wit", "Cargo.lock", "Cargo.toml", ".cargo"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let target = out.join("guests");
    compile(&root, &target);
    let mut source = String::from("pub const ALL: &[Bundled] = &[\n");
    for (folder, kind, names) in BUNDLED {
        for name in names {
            let module = target.join(format!(
                "wasm32-unknown-unknown/plugin/{}.wasm",
                package(folder, name).replace('-', "_")
            ));
            let component = out.join(format!("{}.wasm", package(folder, name)));
            encode(&module, &component);
            let _ = writeln!(
                source,
                "    Bundled {{ name: {name:?}, kind: Kind::{kind}, wasm: include_bytes!({:?}) }},",
                component.display()
            );
        }
    }
    source.push_str("];\n");
    fs::write(out.join("bundled.rs"), source).expect("OUT_DIR is writable");
}

/// `plugins/routers/capability` is the package `baton-router-capability`.
fn package(folder: &str, name: &str) -> String {
    format!("baton-{}-{}", folder.trim_end_matches('s'), name)
}

fn compile(root: &Path, target: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--profile", "plugin", "--target", "wasm32-unknown-unknown"]);
    cargo.arg("--target-dir").arg(target);
    for (folder, _, names) in BUNDLED {
        for name in names {
            cargo.arg("--package").arg(package(folder, name));
        }
    }
    // What is meant for the host's code must not reach the guests': their flags are in `.cargo/config.toml`.
    let host = [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
    ];
    for name in host {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "the bundled plugins could not be compiled; if the target is missing: rustup target add wasm32-unknown-unknown"
    );
}

fn encode(module: &Path, component: &Path) {
    let bytes = fs::read(module).unwrap_or_else(|why| panic!("{}: {why}", module.display()));
    let encoded = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .unwrap_or_else(|why| panic!("{}: {why:#}", module.display()));
    fs::write(component, encoded).expect("OUT_DIR is writable");
}
