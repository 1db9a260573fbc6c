//! The plugins that come with the binary, handed in by whoever links them.

use std::sync::OnceLock;

use baton_core::kind::Kind;

/// A component that is part of the binary.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    pub name: &'static str,
    pub kind: Kind,
    pub wasm: &'static [u8],
}

/// All of them. They can't change while this process lives.
#[derive(Debug, Default)]
pub struct BundledPlugins {
    plugins: Vec<Bundled>,
    routers: OnceLock<Vec<(Bundled, String)>>,
}

impl BundledPlugins {
    #[must_use]
    pub fn new(plugins: Vec<Bundled>) -> Self {
        Self { plugins, routers: OnceLock::new() }
    }

    /// All of them, in the order in which they were handed in.
    pub fn all(&self) -> impl Iterator<Item = Bundled> + '_ {
        self.plugins.iter().copied()
    }

    /// Those of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = Bundled> + '_ {
        self.all().filter(move |plugin| plugin.kind == kind)
    }

    #[must_use]
    pub fn find(&self, name: &str, kind: Kind) -> Option<Bundled> {
        self.of(kind).find(|plugin| plugin.name == name)
    }

    /// The routers with their digests, which runs are pinned to.
    pub fn routers(&self) -> &[(Bundled, String)] {
        self.routers.get_or_init(|| {
            self.of(Kind::Router).map(|plugin| (plugin, super::digest(plugin.wasm))).collect()
        })
    }
}
