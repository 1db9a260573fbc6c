//! The plugins that come with the binary.

use std::sync::LazyLock;

use baton_core::kind::Kind;
use baton_plugin::bundled::{Bundled, BundledPlugins};

/// All of them, by kind and name.
pub fn plugins() -> &'static BundledPlugins {
    static PLUGINS: LazyLock<BundledPlugins> =
        LazyLock::new(|| BundledPlugins::new(Kind::ALL.into_iter().flat_map(of).collect()));
    &PLUGINS
}

fn of(kind: Kind) -> impl Iterator<Item = Bundled> {
    let plugins = match kind {
        Kind::Router => baton_bundled::ROUTERS,
        Kind::Executor => baton_bundled::EXECUTORS,
        Kind::Validator => baton_bundled::VALIDATORS,
        Kind::Agent => baton_bundled::AGENTS,
    };
    plugins.iter().map(move |plugin| {
        let &baton_bundled::Plugin { name, digest, deflated } = plugin;
        Bundled { name, kind, digest, deflated }
    })
}
