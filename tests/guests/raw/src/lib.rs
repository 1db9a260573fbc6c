//! Hostile routers that no compiler emits: core modules in text, with the type of a router embedded, ready to be
//! encoded like any other. The expected verdict is with each of them.

pub mod alias_bomb;
pub mod compile_bomb;
pub mod table_bomb;
pub mod unknown_import;

use std::path::Path;

use anyhow::Result;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A router whose `route` has this body. It has one page of memory, an allocator that never frees, and `more` for what
/// else the body needs.
fn router(more: &str, locals: &str, body: &str) -> Result<Vec<u8>> {
    let text = include_str!("router.wat")
        .replace(";; MORE", more)
        .replace(";; LOCALS", locals)
        .replace(";; BODY", body);
    typed(&text, None)
}

/// A module with its type embedded: that of a router, or of a world in the package `other` that includes it.
fn typed(text: &str, other: Option<&str>) -> Result<Vec<u8>> {
    let mut module = wat::parse_str(text)?;
    let mut resolve = Resolve::default();
    let wit = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit"));
    for package in ["types", "host"] {
        resolve.push_path(wit.join(package))?;
    }
    let (router, _) = resolve.push_path(wit.join("router"))?;
    let world = match other {
        None => resolve.select_world(&[router], Some("router"))?,
        Some(source) => {
            let package = resolve.push_str("other.wit", source)?;
            resolve.select_world(&[package], None)?
        }
    };
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

#[cfg(test)]
mod tests {
    use wit_component::ComponentEncoder;

    fn encoded(module: anyhow::Result<Vec<u8>>) -> usize {
        let encoder = ComponentEncoder::default().validate(true);
        encoder.module(&module.unwrap()).unwrap().encode().unwrap().len()
    }

    #[test]
    fn bombs_are_small_and_valid_components() {
        assert!(encoded(crate::alias_bomb::module()) < 8 << 10);
        assert!(encoded(crate::table_bomb::module()) < 8 << 10);
        assert!(encoded(crate::compile_bomb::module()) < 32 << 10);
        assert!(encoded(crate::unknown_import::module()) < 8 << 10);
    }
}
