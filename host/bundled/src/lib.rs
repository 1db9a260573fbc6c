//! What comes with the binary: the plugins of `plugins/` as components, and the files that a plugin's project starts
//! with.

/// A component of `plugins/`.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    pub name: &'static str,
    pub wasm: &'static [u8],
}

/// A file of the SDK or of the contract, by its path inside the repository.
#[derive(Clone, Copy, Debug)]
pub struct File {
    pub path: &'static str,
    pub text: &'static str,
}

// `ROUTERS`, `EXECUTORS`, `VALIDATORS` and `AGENTS`; `SDK` and `CONTRACT`, and `WORKSPACE`, the manifest that the SDK
// takes versions from.
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
