//! What a component is, read from its bytes before anything of it runs: its kind, its contract, what it asks for.

use baton_core::excerpt::{MESSAGE, excerpt};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

use super::grant::{FREE, FREE_FOR_AGENTS, Gated};
use super::{PluginError, limits};
use baton_core::kind::Kind;

/// A component as its types describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub digest: String,
    pub size: usize,
    pub kind: Kind,
    /// The version of the kind's contract that it was built for.
    pub contract: String,
    /// Interfaces with their versions, sorted.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// The contracts that this host speaks: a plugin for another 0.x is refused.
const SPOKEN: &str = "0.1";

/// Version and layer of a core module, after the magic number; a component's are others.
const CORE: [u8; 4] = [1, 0, 0, 0];

impl Component {
    /// # Errors
    /// [`PluginError::Incompatible`] says what it is instead.
    pub fn read(plugin: &str, bytes: &[u8]) -> Result<Self, PluginError> {
        let wrong =
            |why: String| PluginError::Incompatible { plugin: plugin.to_owned(), why: excerpt(why, MESSAGE) };
        if bytes.len() as u64 > limits::COMPONENT_CEILING {
            return Err(wrong(format!(
                "it has {} bytes, and {} are allowed",
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
        if !speaks(&contract) {
            return Err(wrong(format!(
                "it was built for {}@{contract}, and this baton speaks {SPOKEN}.x",
                kind.export()
            )));
        }
        Ok(Self { digest: super::digest(bytes), size: bytes.len(), kind, contract, imports, exports })
    }

    /// Interfaces that no plugin of this kind can be given.
    #[must_use]
    pub fn unknown_imports(&self) -> Vec<&str> {
        let known = |import: &&String| {
            let (name, version) = import.split_once('@').unwrap_or((import, SPOKEN));
            let agent = !self.kind.is_pure();
            let gated = Gated::ALL.iter().any(|gated| gated.interface() == name);
            let offered = FREE.contains(&name) || (agent && (FREE_FOR_AGENTS.contains(&name) || gated));
            offered && speaks(version)
        };
        self.imports.iter().filter(|import| !known(import)).map(String::as_str).collect()
    }

    #[must_use]
    pub fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|import| import.split('@').next() == Some(interface))
    }

    /// What it wants that nobody gets unasked.
    #[must_use]
    pub fn wants(&self) -> Vec<Gated> {
        Gated::ALL.into_iter().filter(|gated| self.imports(gated.interface())).collect()
    }
}

fn root(why: &anyhow::Error) -> String {
    why.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}

fn speaks(version: &str) -> bool {
    version == SPOKEN || version.starts_with(&format!("{SPOKEN}."))
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
