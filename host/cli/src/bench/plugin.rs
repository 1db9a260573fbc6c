//! `baton bench plugin`: loading, instantiating and calling.

use baton_core::clock::Stopwatch;
use baton_plugin::conformance::snapshot;
use serde::Serialize;

use super::super::{Done, Global, Outcome, screen};
use super::{median, percentile};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 2000)]
    calls: usize,
    #[arg(long, default_value = "capability")]
    router: String,
}

#[derive(Serialize)]
struct Figures {
    router: String,
    /// From bytes to callable with the compiled code cached.
    load_ms: f64,
    /// A fresh instance and one call about one task and one agent.
    call_p50_us: f64,
    call_p99_us: f64,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let app = global.app()?;
    app.library_of(&[])?.router(&args.router)?;
    let mut loads = Vec::new();
    for _ in 0..10 {
        let library = app.library_of(&[])?;
        let watch = Stopwatch::start();
        library.router(&args.router)?;
        loads.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    let router = app.library_of(&[])?.router(&args.router)?;
    let asked = snapshot(1, 1, 1);
    let mut calls = Vec::new();
    for _ in 0..args.calls.max(1) {
        let watch = Stopwatch::start();
        router.route(&asked)?;
        calls.push(watch.elapsed().as_secs_f64() * 1e6);
    }
    let figures = Figures {
        router: args.router.clone(),
        load_ms: median(loads),
        call_p50_us: percentile(&mut calls, 0.5),
        call_p99_us: percentile(&mut calls, 0.99),
    };
    if global.json {
        screen::json(&figures);
    } else {
        screen::line(&format!(
            "{}: load from cache {:.2} ms, fresh instance and call {:.1} / {:.1} us (p50 / p99)",
            figures.router, figures.load_ms, figures.call_p50_us, figures.call_p99_us
        ));
    }
    Ok(Done::Well)
}
