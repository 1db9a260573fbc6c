//! Turns the bytes of a component into something that can be called: inspect, check grants, compile, link.

use std::sync::Arc;

use baton_core::excerpt::{MESSAGE, excerpt};
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::bindings::{agent, shared};
use super::cache::Cache;
use super::compile::Compiler;
use super::grant::{GatedInterface, Grant};
use super::inspect::ComponentInfo;
use super::limits::Limits;
use super::sandbox::{Identity, Sandbox};
use super::{Engines, PluginError};
use baton_core::kind::Kind;

/// A compiled and linked component, ready to be instantiated.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) identity: Identity,
    pub(super) component: Arc<ComponentInfo>,
    pub(super) pre: InstancePre<Sandbox>,
}

pub(super) struct Loader {
    pub(super) engines: Engines,
    pub(super) cache: Cache,
    pub(super) compiler: Compiler,
}

impl Loader {
    pub(super) fn load(
        &self,
        name: &str,
        bytes: &[u8],
        limits: impl FnOnce(Kind) -> Limits,
        grants: &[Grant],
    ) -> Result<Loaded, PluginError> {
        let component = ComponentInfo::read(name, bytes)?;
        let wrong =
            |why: String| PluginError::Incompatible { plugin: name.to_owned(), why: excerpt(why, MESSAGE) };
        if let Some(import) = component.unknown_imports().first() {
            let remedy = match component.kind {
                Kind::Agent => "no plugin can have it".to_owned(),
                kind => format!("a {kind} may import nothing but baton:host/log, so that it can be replayed"),
            };
            return Err(PluginError::NotGranted {
                plugin: name.to_owned(),
                import: excerpt(*import, MESSAGE),
                remedy,
            });
        }
        let granted = |gated: &GatedInterface| grants.iter().any(|grant| grant.opens() == *gated);
        if let Some(wanted) = component.wants().into_iter().find(|gated| !granted(gated)) {
            return Err(PluginError::NotGranted {
                plugin: name.to_owned(),
                import: wanted.interface().to_owned(),
                remedy: format!("baton plugin add {name}.wasm --grant {}", wanted.example()),
            });
        }
        let engine = self.engines.of(component.kind);
        let compiled = self
            .cache
            .component(engine, component.kind, &component.digest, bytes, &self.compiler)
            .map_err(|why| wrong(why.to_string()))?;
        let linker = linker(engine, &component).map_err(|why| wrong(why.to_string()))?;
        let pre = linker.instantiate_pre(&compiled).map_err(|why| wrong(format!("{why:#}")))?;
        let identity = Identity { name: name.to_owned(), limits: limits(component.kind) };
        Ok(Loaded { identity, component: Arc::new(component), pre })
    }
}

/// A linker with the interfaces that the component's kind may import, and no others. Of those that need a grant, only the
/// imported ones, which [`Loader::load`] has checked.
fn linker(engine: &wasmtime::Engine, component: &ComponentInfo) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    shared::baton::types::core::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox)?;
    shared::baton::host::log::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox)?;
    match component.kind {
        Kind::Agent => {
            use agent::baton::host;
            host::progress::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox)?;
            host::workspace::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox)?;
            host::people::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| sandbox)?;
            for wanted in component.wants() {
                match wanted {
                    GatedInterface::Process => {
                        host::process::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| {
                            sandbox
                        })?;
                    }
                    GatedInterface::Http => {
                        host::http::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| {
                            sandbox
                        })?;
                    }
                    GatedInterface::Memory => {
                        host::memory::add_to_linker::<Sandbox, HasSelf<Sandbox>>(&mut linker, |sandbox| {
                            sandbox
                        })?;
                    }
                }
            }
        }
        Kind::Router | Kind::Executor | Kind::Validator => {}
    }
    Ok(linker)
}

impl shared::baton::types::core::Host for Sandbox {}
