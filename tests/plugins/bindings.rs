//! The SDK's bindings are what wit-bindgen makes of `wit/`. They are kept in the repository, so that neither this build
//! nor a plugin author's has to compile the generator. After a change of the contract:
//! `BATON_UPDATE=1 cargo test --test plugins bindings`.

use wit_bindgen_core::{Files, WorldGenerator as _, wit_parser};
use wit_bindgen_rust::{Opts, WithOption};
use wit_parser::{Resolve, WorldId, WorldItem};

use crate::support::root;

/// What a plugin of any kind may import, and the words that all kinds share.
const SHARED: &str = "
package baton:sdk;
world shared {
    import baton:types/core@0.1.0;
    import baton:host/log@0.1.0;
    import baton:host/process@0.1.0;
    import baton:host/progress@0.1.0;
    import baton:host/http@0.1.0;
    import baton:host/workspace@0.1.0;
    import baton:host/people@0.1.0;
    import baton:host/memory@0.1.0;
    import baton:router/words@0.1.0;
}
world learner {
    export baton:router/learning@0.1.0;
}";

/// Each module of `baton_sdk::bindings` and its world. All but the first take the interfaces that they import from it.
const MODULES: [(&str, &str); 6] = [
    ("shared", "baton:sdk/shared"),
    ("router", "baton:router/router@0.1.0"),
    ("learner", "baton:sdk/learner"),
    ("executor", "baton:executor/executor@0.1.0"),
    ("validator", "baton:validator/validator@0.1.0"),
    ("agent", "baton:agent/agent@0.1.0"),
];

fn options(module: &str, imported: Vec<String>) -> Opts {
    let mut options = Opts {
        format: true,
        generate_all: true,
        additional_derive_attributes: vec!["PartialEq".into()],
        pub_export_macro: true,
        runtime_path: Some("::baton_sdk::wit_bindgen::rt".into()),
        ..Opts::default()
    };
    if module == "shared" {
        options.generate_unused_types = true;
        return options;
    }
    let from_shared = |name: String| (name.clone(), WithOption::Path(shared(&name)));
    options.with = imported.into_iter().map(from_shared).collect();
    options.export_macro_name = Some(format!("export_{module}"));
    options.default_bindings_module = Some(format!("::baton_sdk::bindings::{module}"));
    options
}

/// `baton:types/core@0.1.0` is `crate::bindings::shared::baton::types::core`.
fn shared(interface: &str) -> String {
    let path = interface.split('@').next().unwrap_or_default().replace([':', '/'], "::");
    format!("crate::bindings::shared::{path}")
}

/// What the hostile guest `handle-flood` exports beside a router: a resource of its own.
const FLOOD: &str = "
package hostile:flood;
world flood {
    export tokens: interface {
        resource token { constructor(); }
    }
}";

fn flood() -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("flood.wit", FLOOD).expect("it can be parsed");
    let world = resolve.select_world(&[package], None).expect("there is one world");
    let options =
        Opts { format: true, runtime_path: Some("::baton_sdk::wit_bindgen::rt".into()), ..Opts::default() };
    source(options, &mut resolve, world)
}

fn source(options: Opts, resolve: &mut Resolve, world: WorldId) -> String {
    let mut files = Files::default();
    options.build().generate(resolve, world, &mut files).expect("wit-bindgen knows the contract");
    let (_, source) = files.iter().next().expect("one file is generated");
    String::from_utf8(source.to_vec()).expect("Rust is UTF-8")
}

fn generated(module: &str, world: &str) -> String {
    let mut resolve = Resolve::default();
    for package in ["types", "host", "router", "executor", "validator", "agent"] {
        resolve.push_path(root().join("wit").join(package)).expect("the contract can be parsed");
    }
    let sdk = resolve.push_str("sdk.wit", SHARED).expect("it can be parsed");
    let world = resolve.select_world(&[sdk], Some(world)).expect("there is such a world");
    let imported = resolve.worlds[world].imports.values().filter_map(|item| match item {
        WorldItem::Interface { id, .. } => resolve.id_of(*id),
        WorldItem::Function(_) | WorldItem::Type { .. } => None,
    });
    let options = options(module, imported.collect());
    source(options, &mut resolve, world)
}

#[test]
fn the_bindings_of_the_sdk_are_those_of_the_contract() {
    let sdk = |(module, world): (&str, &str)| {
        (format!("plugins/sdk/bindings/{module}.inc"), generated(module, world))
    };
    let guest = ("tests/guests/handle-flood/bindings.inc".to_owned(), flood());
    for (file, source) in MODULES.into_iter().map(sdk).chain([guest]) {
        let path = root().join(&file);
        if std::env::var_os("BATON_UPDATE").is_some() {
            std::fs::write(&path, source).expect("the SDK is writable");
        } else {
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == source, "{file} is stale: BATON_UPDATE=1 cargo test --test plugins bindings");
        }
    }
}
