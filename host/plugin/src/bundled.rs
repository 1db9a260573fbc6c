//! The plugins that are part of the binary. The crate that links them passes them in, so that this one compiles without
//! them.

use std::sync::OnceLock;

use baton_core::kind::Kind;

/// A bundled component.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Unique among the bundled plugins of its kind.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The component's bytes.
    pub wasm: &'static [u8],
}

/// All bundled plugins. They can't change while the process runs.
#[derive(Debug, Default)]
pub struct BundledPlugins {
    plugins: Vec<Bundled>,
    routers: OnceLock<Vec<(Bundled, String)>>,
}

impl BundledPlugins {
    /// Bundled plugins, in the order in which they are to be listed.
    #[must_use]
    pub fn new(plugins: Vec<Bundled>) -> Self {
        Self { plugins, routers: OnceLock::new() }
    }

    /// All of them, in the order in which they were passed to [`BundledPlugins::new`].
    pub fn all(&self) -> impl Iterator<Item = Bundled> + '_ {
        self.plugins.iter().copied()
    }

    /// Those of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = Bundled> + '_ {
        self.all().filter(move |plugin| plugin.kind == kind)
    }

    /// The plugin of this name and kind, if one is bundled.
    #[must_use]
    pub fn find(&self, name: &str, kind: Kind) -> Option<Bundled> {
        self.of(kind).find(|plugin| plugin.name == name)
    }

    /// The routers with their digests, to which runs are pinned. Digests are computed on the first call.
    pub fn routers(&self) -> &[(Bundled, String)] {
        self.routers.get_or_init(|| {
            self.of(Kind::Router).map(|plugin| (plugin, super::digest(plugin.wasm))).collect()
        })
    }
}
