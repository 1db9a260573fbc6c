//! Reads what a component is from its bytes, without running any of it: kind, contract version, imports.

use baton_core::excerpt::{MESSAGE, excerpt};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

use super::grant::{FREE, FREE_FOR_AGENTS, GatedInterface};
use super::{PluginError, limits};
use baton_core::kind::Kind;

/// What a component's types say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentInfo {
    /// Its digest, as [`super::digest`] computes it.
    pub digest: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its kind, by the interface that it exports.
    pub kind: Kind,
    /// The version of the kind's contract that it was built for.
    pub contract: String,
    /// Imported interfaces with their versions, sorted.
    pub imports: Vec<String>,
    /// Exported interfaces with their versions, sorted.
    pub exports: Vec<String>,
}

/// The supported contract version: a plugin for another 0.x is refused.
const SUPPORTED: &str = "0.1";

/// Version and layer of a core module, which follow the magic number. A component has another layer.
const CORE: [u8; 4] = [1, 0, 0, 0];

impl ComponentInfo {
    /// Reads a component. `plugin` is its name, for errors.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`] if it is too large, no component, or of an unknown contract; the text says what it
    /// is instead.
    pub fn read(plugin: &str, bytes: &[u8]) -> Result<Self, PluginError> {
        let wrong =
            |why: String| PluginError::Incompatible { plugin: plugin.to_owned(), why: excerpt(why, MESSAGE) };
        if bytes.len() as u64 > limits::COMPONENT_CEILING {
            return Err(wrong(format!(
                "it has {} bytes, at most {} are allowed",
                bytes.len(),
                limits::COMPONENT_CEILING
            )));
        }
        if !bytes.starts_with(b"\0asm") {
            return Err(wrong("it is not WebAssembly".into()));
        }
        if bytes.get(4..8) == Some(&CORE) {
            return Err(wrong(
                "it is a core module, not a component: `baton plugin build` encodes it, and so does `jco new`".into(),
            ));
        }
        let (resolve, world) = match wit_component::decode(bytes) {
            Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
            Ok(DecodedWasm::WitPackage(..)) => {
                return Err(wrong("it is a WIT package, not a component".into()));
            }
            Err(why) => return Err(wrong(format!("it is not a component: {}", root(&why)))),
        };
        let world = &resolve.worlds[world];
        let imports = names(&resolve, world.imports.iter());
        let exports = names(&resolve, world.exports.iter());
        let (kind, contract) = contract(&exports).ok_or_else(|| {
            let expected: Vec<&str> = Kind::ALL.iter().map(|kind| kind.export()).collect();
            wrong(format!("it exports none of {}, only [{}]", expected.join(", "), exports.join(", ")))
        })?;
        if !is_supported(&contract) {
            return Err(wrong(format!(
                "it was built for {}@{contract}, and this baton speaks {SUPPORTED}.x",
                kind.export()
            )));
        }
        Ok(Self { digest: super::digest(bytes), size: bytes.len(), kind, contract, imports, exports })
    }

    /// Imported interfaces that no plugin of this kind can be linked with.
    #[must_use]
    pub fn unknown_imports(&self) -> Vec<&str> {
        let known = |import: &&String| {
            let (name, version) = import.split_once('@').unwrap_or((import, SUPPORTED));
            let agent = !self.kind.is_pure();
            let gated = GatedInterface::ALL.iter().any(|gated| gated.interface() == name);
            let linkable = FREE.contains(&name) || (agent && (FREE_FOR_AGENTS.contains(&name) || gated));
            linkable && is_supported(version)
        };
        self.imports.iter().filter(|import| !known(import)).map(String::as_str).collect()
    }

    /// Whether it imports this interface, in any version.
    #[must_use]
    pub fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|import| import.split('@').next() == Some(interface))
    }

    /// The imported interfaces that need a grant.
    #[must_use]
    pub fn wants(&self) -> Vec<GatedInterface> {
        GatedInterface::ALL.into_iter().filter(|gated| self.imports(gated.interface())).collect()
    }
}

fn root(why: &anyhow::Error) -> String {
    why.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}

fn is_supported(version: &str) -> bool {
    version == SUPPORTED || version.starts_with(&format!("{SUPPORTED}."))
}

fn names<'a>(resolve: &Resolve, items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Vec<String> {
    let mut names: Vec<String> = items.map(|(key, _)| resolve.name_world_key(key)).collect();
    names.sort();
    names
}

fn contract(exports: &[String]) -> Option<(Kind, String)> {
    exports.iter().find_map(|export| {
        let (name, version) = export.split_once('@')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.export() == name)?;
        Some((kind, version.to_owned()))
    })
}
