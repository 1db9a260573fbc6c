//! The only `bindgen!`: one module per world. A WIT type that several worlds share is one Rust type.

#![expect(missing_docs, reason = "generated; the documentation is in the WIT")]

pub(super) mod shared {
    wasmtime::component::bindgen!({
        inline: "package baton:shared; world shared { import baton:types/core@0.1.0; import baton:host/log@0.1.0; import baton:router/words@0.1.0; }",
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:shared/shared",
        imports: { default: trappable },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub(super) mod router {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:router/router",
        imports: { default: trappable },
        with: {
            "baton:types/core@0.1.0": super::shared::baton::types::core,
            "baton:host/log@0.1.0": super::shared::baton::host::log,
            "baton:router/words@0.1.0": super::shared::baton::router::words,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// The second export of routers that learn.
pub(super) mod learner {
    wasmtime::component::bindgen!({
        inline: "package baton:host-learner; world learner { export baton:router/learning@0.1.0; }",
        path: ["../../wit/types", "../../wit/host", "../../wit/router"],
        world: "baton:host-learner/learner",
        imports: { default: trappable },
        with: {
            "baton:types/core@0.1.0": super::shared::baton::types::core,
            "baton:router/words@0.1.0": super::shared::baton::router::words,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub(super) mod executor {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/executor"],
        world: "baton:executor/executor",
        imports: { default: trappable },
        with: {
            "baton:types/core@0.1.0": super::shared::baton::types::core,
            "baton:host/log@0.1.0": super::shared::baton::host::log,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub(super) mod validator {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/validator"],
        world: "baton:validator/validator",
        imports: { default: trappable },
        with: {
            "baton:types/core@0.1.0": super::shared::baton::types::core,
            "baton:host/log@0.1.0": super::shared::baton::host::log,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub(super) mod agent {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/agent"],
        world: "baton:agent/agent",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "baton:types/core@0.1.0": super::shared::baton::types::core,
            "baton:host/log@0.1.0": super::shared::baton::host::log,
            "baton:host/http.response": crate::capability::http::Exchange,
            "baton:host/process.program": crate::capability::process::Program,
        },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}
