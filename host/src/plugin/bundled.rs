//! The plugins that come with the binary, compiled from `plugins/` when it was built.

use super::Kind;

pub struct Bundled {
    pub name: &'static str,
    pub kind: Kind,
    pub wasm: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

#[must_use]
pub fn find(name: &str, kind: Kind) -> Option<&'static Bundled> {
    ALL.iter().find(|plugin| plugin.name == name && plugin.kind == kind)
}
