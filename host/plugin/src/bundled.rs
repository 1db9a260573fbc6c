//! The plugins that are part of the binary. The crate that links them passes them in, so that this one compiles without
//! them.

use std::io::Read as _;

use baton_core::kind::Kind;
use flate2::read::DeflateDecoder;

use crate::PluginError;

/// A bundled component.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Unique among the bundled plugins of its kind.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Of the component: `blake3:` and 64 hexadecimal digits.
    pub digest: &'static str,
    /// The component, deflated.
    pub deflated: &'static [u8],
}

impl Bundled {
    /// The component's bytes.
    ///
    /// # Errors
    /// The binary is damaged.
    pub fn wasm(&self) -> Result<Vec<u8>, PluginError> {
        let mut wasm = Vec::new();
        let read = DeflateDecoder::new(self.deflated).read_to_end(&mut wasm);
        read.map_err(|why| PluginError::Host {
            plugin: self.name.to_owned(),
            why: format!("this binary is damaged: {why}"),
        })?;
        Ok(wasm)
    }
}

/// All bundled plugins. They can't change while the process runs.
#[derive(Debug, Default)]
pub struct BundledPlugins(Vec<Bundled>);

impl BundledPlugins {
    /// Bundled plugins, in the order in which they are to be listed.
    #[must_use]
    pub fn new(plugins: Vec<Bundled>) -> Self {
        Self(plugins)
    }

    /// All of them, in the order in which they were passed to [`BundledPlugins::new`].
    pub fn all(&self) -> impl Iterator<Item = Bundled> + '_ {
        self.0.iter().copied()
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

    /// The router with this digest, to which runs are pinned, if it is bundled.
    #[must_use]
    pub fn router_at(&self, digest: &str) -> Option<Bundled> {
        self.of(Kind::Router).find(|plugin| plugin.digest == digest)
    }
}
