//! `baton bench plugin`: loading, instantiating and calling.

use baton_lab::bench::plugin::measure;

use super::super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 2000)]
    calls: usize,
    #[arg(long, default_value = "capability")]
    router: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let figures = measure(&global.app()?, &args.router, args.calls)?;
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
