//! What wit-bindgen makes of the contract. Plugins meet it through the modules of their kind.
//!
//! `pub_export_macro` keeps the exports of a world out of every component that does not call that world's macro; the
//! imports that are not called are dropped when the component is encoded.

#![allow(clippy::all)]

/// The shared words and everything that can be imported.
pub mod shared {
    wit_bindgen::generate!({
        inline: "
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
        ",
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:sdk/shared",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}

pub mod router {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:router/router@0.1.0",
        with: {
            "baton:types/core@0.1.0": crate::bindings::shared::baton::types::core,
            "baton:host/log@0.1.0": crate::bindings::shared::baton::host::log,
            "baton:router/words@0.1.0": crate::bindings::shared::baton::router::words,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_router",
        default_bindings_module: "::baton_sdk::bindings::router",
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}

/// What a router exports beside [`router`] if it learns: the component is encoded with both worlds.
pub mod learner {
    wit_bindgen::generate!({
        inline: "package baton:sdk; world learner { export baton:router/learning@0.1.0; }",
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:sdk/learner",
        with: {
            "baton:types/core@0.1.0": crate::bindings::shared::baton::types::core,
            "baton:router/words@0.1.0": crate::bindings::shared::baton::router::words,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_learner",
        default_bindings_module: "::baton_sdk::bindings::learner",
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}

pub mod executor {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/executor"],
        world: "baton:executor/executor@0.1.0",
        with: {
            "baton:types/core@0.1.0": crate::bindings::shared::baton::types::core,
            "baton:host/log@0.1.0": crate::bindings::shared::baton::host::log,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_executor",
        default_bindings_module: "::baton_sdk::bindings::executor",
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}

pub mod validator {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/validator"],
        world: "baton:validator/validator@0.1.0",
        with: {
            "baton:types/core@0.1.0": crate::bindings::shared::baton::types::core,
            "baton:host/log@0.1.0": crate::bindings::shared::baton::host::log,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_validator",
        default_bindings_module: "::baton_sdk::bindings::validator",
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}

pub mod agent {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/agent"],
        world: "baton:agent/agent@0.1.0",
        with: {
            "baton:types/core@0.1.0": crate::bindings::shared::baton::types::core,
            "baton:host/log@0.1.0": crate::bindings::shared::baton::host::log,
            "baton:host/process@0.1.0": crate::bindings::shared::baton::host::process,
            "baton:host/progress@0.1.0": crate::bindings::shared::baton::host::progress,
            "baton:host/http@0.1.0": crate::bindings::shared::baton::host::http,
            "baton:host/workspace@0.1.0": crate::bindings::shared::baton::host::workspace,
            "baton:host/people@0.1.0": crate::bindings::shared::baton::host::people,
            "baton:host/memory@0.1.0": crate::bindings::shared::baton::host::memory,
        },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_agent",
        default_bindings_module: "::baton_sdk::bindings::agent",
        runtime_path: "::baton_sdk::wit_bindgen::rt",
    });
}
