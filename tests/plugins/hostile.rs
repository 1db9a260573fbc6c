//! Hostile components and what becomes of each: a verdict that names it, within a bounded time, and a host that goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use baton_plugin::compile::Compiler;
use baton_plugin::conformance::snapshot;
use baton_plugin::grant::Grant;
use baton_plugin::library::{Installed, Library, PluginSettings, Sources};
use baton_plugin::limits::{LimitKind, Overrides};
use baton_plugin::{PluginError, digest};
use tempfile::TempDir;

use super::guests::guest;
use crate::support::{BATON, cache};

/// A library that has this component installed, with these settings.
fn library(
    name: &str,
    wasm: &[u8],
    config: &[(&str, &str)],
    grants: Vec<Grant>,
    limits: Overrides,
) -> Result<Library, PluginError> {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| TempDir::new().expect("a temporary folder can be made"));
    let digest = digest(wasm);
    std::fs::write(folder.path().join(format!("{}.wasm", digest.trim_start_matches("blake3:"))), wasm)
        .expect("writable");
    let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Library::open(Sources {
        bundled: baton_app::bundled::plugins(),
        folder: folder.path().to_owned(),
        cache: cache(),
        compiler: Compiler::Child(BATON.into()),
        installed: vec![Installed { name: name.to_owned(), digest, grants }],
        settings: BTreeMap::from([(name.to_owned(), PluginSettings { limits, config })]),
    })
}

/// What a hostile router's answer to an ordinary question comes to.
fn verdict(name: &str, config: &[(&str, &str)]) -> PluginError {
    ask(name, &guest(name), config).expect_err("a hostile router gives no usable answer")
}

fn ask(name: &str, wasm: &[u8], config: &[(&str, &str)]) -> Result<(), PluginError> {
    let library = library(name, wasm, config, Vec::new(), Overrides::default())?;
    let mut asked = snapshot(4, 3, 1);
    asked.config = config
        .iter()
        .map(|(name, value)| baton_plugin::router::Attr { name: (*name).into(), value: (*value).into() })
        .collect();
    library.router(name)?.route(&asked).map(|_| ())
}

fn over(error: &PluginError) -> Option<LimitKind> {
    match error {
        PluginError::OverLimit { limit, .. } => Some(*limit),
        PluginError::Incompatible { .. }
        | PluginError::NotGranted { .. }
        | PluginError::Refused { .. }
        | PluginError::Trapped { .. }
        | PluginError::InvalidAnswer { .. }
        | PluginError::Host { .. } => None,
    }
}

#[test]
fn an_endless_loop_is_stopped_by_its_computing_time() {
    let error = verdict("spin", &[]);
    assert!(matches!(over(&error), Some(LimitKind::Cpu | LimitKind::Fuel)), "{error}");
}

#[test]
fn fuel_is_a_reproducible_verdict() {
    let limits = Overrides { fuel: Some(100_000), ..Overrides::default() };
    let library = library("spin", &guest("spin"), &[], Vec::new(), limits).expect("it opens");
    let ask =
        || library.router("spin").and_then(|router| router.route(&snapshot(1, 1, 1))).expect_err("it spins");
    let error = ask();
    assert_eq!(over(&error), Some(LimitKind::Fuel));
    assert_eq!((ask(), ask()), (error.clone(), error.clone()));
    insta::assert_snapshot!(error, @"spin went over its fuel limit (100000): fix it, or set [plugins.spin.limits] fuel in baton.toml");
}

#[test]
fn memory_stops_at_its_limit() {
    assert_eq!(over(&verdict("memory-bomb", &[])), Some(LimitKind::Memory));
}

#[test]
fn a_table_stops_at_its_limit() {
    let module = guest_raw::table_bomb::module().expect("it is written");
    let wasm = baton_app::package::encode(&module).expect("it is a component");
    let error = ask("table-bomb", &wasm, &[]).expect_err("it grows a table without end");
    assert!(matches!(over(&error), Some(LimitKind::Table | LimitKind::Cpu | LimitKind::Fuel)), "{error}");
}

#[test]
fn recursion_ends_with_the_stack() {
    let error = verdict("recursion", &[]);
    assert!(
        over(&error) == Some(LimitKind::Stack) || matches!(error, PluginError::Trapped { .. }),
        "{error}"
    );
}

#[test]
fn a_giant_answer_is_refused_before_it_is_copied() {
    let error = verdict("giant-output", &[]);
    assert!(matches!(over(&error), Some(LimitKind::Copied | LimitKind::Memory)), "{error}");
    let module = guest_raw::alias_bomb::module().expect("it is written");
    let wasm = baton_app::package::encode(&module).expect("it is a component");
    let error = ask("alias-bomb", &wasm, &[]).expect_err("it claims 64 GiB");
    assert_eq!(over(&error), Some(LimitKind::Copied), "{error}");
}

#[test]
fn handles_stop_at_their_limit() {
    let error = verdict("handle-flood", &[]);
    assert_eq!(over(&error), Some(LimitKind::Handles), "{error}");
}

#[test]
fn a_log_flood_is_cut_and_the_answer_still_counts_or_fuel_ends_it() {
    match ask("log-flood", &guest("log-flood"), &[("lines", "5000")]) {
        Ok(()) => {}
        Err(error) => assert!(
            matches!(over(&error), Some(LimitKind::Fuel | LimitKind::Cpu | LimitKind::Copied)),
            "{error}"
        ),
    }
}

#[test]
fn every_trap_names_its_plugin() {
    for way in ["unreachable", "panic", "bounds", "division"] {
        let error = verdict("trap", &[("in", way)]);
        assert!(matches!(&error, PluginError::Trapped { plugin, .. } if plugin == "trap"), "{way}: {error}");
    }
}

#[test]
fn a_panic_arrives_with_its_message_and_place() {
    let error = verdict("trap", &[("in", "panic")]);
    insta::assert_snapshot!(error, @"trap trapped: panicked at tests/guests/trap/src/lib.rs:15:24: told to panic");
    let error = verdict("trap", &[("in", "division")]);
    assert!(error.to_string().ends_with(": attempt to divide by zero"), "{error}");
    // One that does not come from a panic is what the engine says.
    let error = verdict("trap", &[("in", "unreachable")]);
    insta::assert_snapshot!(error, @"trap trapped: wasm `unreachable` instruction executed");
}

#[test]
fn nonsense_is_refused_and_named() {
    let cases = [
        ("wrong-index", "agent"),
        ("wrong-index", "request"),
        ("wrong-index", "fallback"),
        ("wrong-index", "score"),
        ("nan", "total"),
        ("nan", "propensity"),
        ("nan", "value"),
        ("outsider", ""),
        ("duplicate", ""),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|(name, place)| {
            let config: Vec<(&str, &str)> = if place.is_empty() { Vec::new() } else { vec![("in", place)] };
            let error = verdict(name, &config);
            assert!(matches!(error, PluginError::InvalidAnswer { .. }), "{name} {place}: {error}");
            error.to_string()
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn minus_zero_is_a_number() {
    ask("nan", &guest("nan"), &[("in", "weight")]).expect("-0.0 is finite");
}

#[test]
fn what_was_not_granted_is_not_even_linked() {
    let refused = |grants| {
        let library =
            library("ungranted", &guest("ungranted"), &[], grants, Overrides::default()).expect("it opens");
        library.agent("ungranted").map(|_| ())
    };
    let error = refused(Vec::new()).expect_err("nothing is granted");
    insta::assert_snapshot!(error, @"ungranted asks for baton:host/process, which is not granted: baton plugin add ungranted.wasm --grant process:PROFILE");
    refused(vec!["process:tool".parse().expect("a grant")]).expect("it is granted");
}

#[test]
fn an_unknown_import_is_named() {
    let module = guest_raw::unknown_import::module().expect("it is written");
    let wasm = baton_app::package::encode(&module).expect("it is a component");
    let error = ask("unknown-import", &wasm, &[]).expect_err("nobody has it");
    insta::assert_snapshot!(error, @"unknown-import asks for nobody:oracle/oracle@1.0.0, which is not granted: a router may import nothing but baton:host/log, so that it can be replayed");
}

#[test]
fn a_compile_bomb_is_compiled_in_a_child_that_can_be_stopped() {
    let module = guest_raw::compile_bomb::sized(300, 300).expect("it is written");
    let wasm = baton_app::package::encode(&module).expect("it is a component");
    let _ = ask("compile-bomb", &wasm, &[]);
    ask("spin-after", &guest("trap"), &[]).expect_err("the host goes on, and this one traps");
}

#[test]
fn a_compiled_file_that_was_truncated_or_altered_is_compiled_anew() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let open = || {
        Library::open(Sources {
            bundled: baton_app::bundled::plugins(),
            folder: folder.path().to_owned(),
            cache: folder.path().join("cache"),
            compiler: Compiler::Child(BATON.into()),
            installed: Vec::new(),
            settings: BTreeMap::new(),
        })
        .expect("it opens")
    };
    let works =
        || open().router("capability").and_then(|router| router.route(&snapshot(2, 2, 1))).map(|_| ());
    works().expect("it is bundled");
    let file = std::fs::read_dir(folder.path().join("cache"))
        .expect("there is a cache")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .expect("it holds what was compiled");
    let good = std::fs::read(&file).expect("readable");
    let mut altered = good.clone();
    altered[good.len() / 2] ^= 0xff;
    for bad in [&good[..good.len() / 2], &altered, b""] {
        std::fs::remove_file(&file).expect("it can be unlinked");
        std::fs::write(&file, bad).expect("writable");
        works().expect("it is compiled anew");
    }
    assert_eq!(std::fs::read(&file).expect("readable").len(), good.len());
}

#[test]
fn every_engine_has_a_clock() {
    // The agent's engine too: an attempt that computes for ever is interrupted.
    let library =
        Arc::new(library("trap", &guest("trap"), &[], Vec::new(), Overrides::default()).expect("it opens"));
    library.router("trap").expect("it loads");
    let limits = Overrides {
        cpu: Some("50ms".parse().expect("a span")),
        fuel: Some(u64::MAX),
        ..Overrides::default()
    };
    let spinning =
        super::hostile::library("spin", &guest("spin"), &[], Vec::new(), limits).expect("it opens");
    let error =
        spinning.router("spin").and_then(|router| router.route(&snapshot(1, 1, 1))).expect_err("it spins");
    assert_eq!(over(&error), Some(LimitKind::Cpu), "{error}");
}
