//! Loading, instantiating and calling a router.

use baton_app::{App, AppError};
use baton_core::clock::Stopwatch;
use baton_plugin::conformance::snapshot;
use serde::Serialize;

use super::{median, percentile};

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// A bundled router.
    pub router: String,
    /// From bytes to callable with the compiled code cached, in milliseconds.
    pub load_ms: f64,
    /// A fresh instance and one call about one task and one agent, in microseconds.
    pub call_p50_us: f64,
    /// The same; one call of a hundred takes longer.
    pub call_p99_us: f64,
}

/// Times that it is loaded.
const LOADS: usize = 10;

/// Measures a router over this many calls, at least one.
///
/// # Errors
/// There is no such router, it failed, or this machine can't run plugins.
pub fn measure(app: &App, router: &str, calls: usize) -> Result<Figures, AppError> {
    // Compiled code is in the cache from here on.
    app.library_of(&[])?.router(router)?;
    let mut loads = Vec::new();
    for _ in 0..LOADS {
        let library = app.library_of(&[])?;
        let watch = Stopwatch::start();
        library.router(router)?;
        loads.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    let loaded = app.library_of(&[])?.router(router)?;
    let asked = snapshot(1, 1, 1);
    let mut times = Vec::new();
    for _ in 0..calls.max(1) {
        let watch = Stopwatch::start();
        loaded.route(&asked)?;
        times.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Figures {
        router: router.to_owned(),
        load_ms: median(loads),
        call_p50_us: percentile(&mut times, 0.5),
        call_p99_us: percentile(&mut times, 0.99),
    })
}
