//! Compiles `plugins/` to WebAssembly and embeds it, with the SDK and the contract that a plugin's project needs.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Each folder of `plugins/` becomes a list of the name beside it.
const KINDS: [(&str, &str); 4] =
    [("routers", "ROUTERS"), ("executors", "EXECUTORS"), ("validators", "VALIDATORS"), ("agents", "AGENTS")];

const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    for watched in ["plugins", "wit", "Cargo.lock", "Cargo.toml", ".cargo"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    require_target(&root);
    let modules = compile(&root, &guests(&out));
    let mut source = String::new();
    for (folder, list) in KINDS {
        let _ = writeln!(source, "pub const {list}: &[Plugin] = &[");
        for name in names(&root, folder) {
            let package = package(folder, &name);
            let component = encode(&modules.join(format!("{}.wasm", package.replace('-', "_"))));
            let digest = format!("blake3:{}", blake3::hash(&component).to_hex());
            let file = out.join(format!("{package}.wasm.deflated"));
            fs::write(&file, deflated(&component)).expect("OUT_DIR is writable");
            let _ = writeln!(
                source,
                "    Plugin {{ name: {name:?}, digest: {digest:?}, deflated: include_bytes!({:?}) }},",
                file.display()
            );
        }
        source.push_str("];\n");
    }
    embed(&mut source, "SDK", &root, "plugins/sdk");
    embed(&mut source, "CONTRACT", &root, "wit");
    let workspace = root.join("Cargo.toml");
    let _ = writeln!(source, "pub const WORKSPACE: &str = include_str!({:?});", workspace.display());
    fs::write(out.join("embedded.rs"), source).expect("OUT_DIR is writable");
}

/// Fetches the compiler's target for plugins where it is missing. Cargo has mostly done so before the first crate: see
/// `.cargo/rustc`, which this runs again for who sets another wrapper.
fn require_target(root: &Path) {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status =
        Command::new(root.join(".cargo/rustc")).arg(rustc).arg("-vV").stdout(std::io::stderr()).status();
    let there = status.is_ok_and(|status| status.success());
    assert!(there, "the compiler's target for plugins is missing, type: rustup target add {TARGET}");
}

/// One folder for the plugins of all builds, debug or release, beside those builds.
fn guests(out: &Path) -> PathBuf {
    out.ancestors().nth(4).expect("OUT_DIR is target/PROFILE/build/PACKAGE/out").join("guests")
}

fn names(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join("plugins").join(folder)).expect("it is a folder of the repository");
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// `plugins/routers/capability` is the package `baton-router-capability`.
fn package(folder: &str, name: &str) -> String {
    format!("baton-{}-{name}", folder.trim_end_matches('s'))
}

/// The folder of the core modules.
fn compile(root: &Path, target: &Path) -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--profile", "plugin", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    cargo.arg("--config").arg(without_paths(root));
    for (folder, _) in KINDS {
        for name in names(root, folder) {
            cargo.arg("--package").arg(package(folder, &name));
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
    assert!(status.success(), "the plugins of plugins/ could not be compiled: the compiler says above why");
    target.join(TARGET).join("plugin")
}

/// Components name source files where they panic. Without the folders of this machine they have the same digest wherever
/// they are built, so that a recorded decision is verified by any build of the same commit.
fn without_paths(root: &Path) -> String {
    let root = fs::canonicalize(root).expect("it is the repository");
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let mut flags = vec![format!("'--remap-path-prefix={}=baton'", root.display())];
    flags.extend(home.map(|home| format!("'--remap-path-prefix={}=cargo'", home.display())));
    format!("target.{TARGET}.rustflags=[{}]", flags.join(", "))
}

/// The component of a core module.
fn encode(module: &Path) -> Vec<u8> {
    let bytes = fs::read(module).unwrap_or_else(|why| panic!("{}: {why}", module.display()));
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .unwrap_or_else(|why| panic!("{}: {why:#}", module.display()))
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes it")
}

/// Every file below a folder of the repository, as a list of this name.
fn embed(source: &mut String, list: &str, root: &Path, folder: &str) {
    let _ = writeln!(source, "pub const {list}: &[File] = &[");
    for path in files(&root.join(folder)) {
        let name = path.strip_prefix(root).expect("it is inside").display().to_string();
        let _ = writeln!(source, "    File {{ path: {name:?}, text: include_str!({:?}) }},", path.display());
    }
    source.push_str("];\n");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is a folder of the repository").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
