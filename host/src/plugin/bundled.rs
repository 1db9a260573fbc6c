//! The plugins that come with the binary.

use std::sync::LazyLock;

use super::Kind;

#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    pub name: &'static str,
    pub kind: Kind,
    pub wasm: &'static [u8],
}

/// All of them, by kind and name.
pub fn all() -> impl Iterator<Item = Bundled> {
    Kind::ALL.into_iter().flat_map(of)
}

/// Those of a kind, by name.
pub fn of(kind: Kind) -> impl Iterator<Item = Bundled> {
    let plugins = match kind {
        Kind::Router => baton_bundled::ROUTERS,
        Kind::Executor => baton_bundled::EXECUTORS,
        Kind::Validator => baton_bundled::VALIDATORS,
        Kind::Agent => baton_bundled::AGENTS,
    };
    plugins.iter().map(move |plugin| Bundled { name: plugin.name, kind, wasm: plugin.wasm })
}

#[must_use]
pub fn find(name: &str, kind: Kind) -> Option<Bundled> {
    of(kind).find(|plugin| plugin.name == name)
}

/// The routers with their digests, which runs are pinned to. They can't change while this process lives.
pub fn routers() -> &'static [(Bundled, String)] {
    static ROUTERS: LazyLock<Vec<(Bundled, String)>> =
        LazyLock::new(|| of(Kind::Router).map(|plugin| (plugin, super::digest(plugin.wasm))).collect());
    &ROUTERS
}
