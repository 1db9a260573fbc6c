//! The contents of the binary that are compiled or copied by `build.rs`: the plugins of `plugins/` as components, and the
//! SDK and contract that `baton plugin new` writes into a project.

/// A component of `plugins/`.
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// The name of its folder.
    pub name: &'static str,
    /// `blake3:` and 64 hexadecimal digits, of the component.
    pub digest: &'static str,
    /// The component, deflated (RFC 1951).
    pub deflated: &'static [u8],
}

/// A file of the SDK or of the contract.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path inside of the repository.
    pub path: &'static str,
    /// Its content.
    pub text: &'static str,
}

// `ROUTERS`, `EXECUTORS`, `VALIDATORS` and `AGENTS`; `SDK` and `CONTRACT`, and `WORKSPACE`, the manifest that the SDK
// takes versions from.
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
