//! What learning costs: the processor time inside the spans of its parts, added up by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::learning;
use rustix::time::{ClockId, Timespec, clock_gettime};
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Of this process; it measures from when it is installed on.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Mutex<BTreeMap<&'static str, Duration>>>);

struct Entered(Duration);

/// What the process had used up by then.
#[derive(Clone, Copy)]
pub(super) struct Start(Duration);

impl Start {
    pub(super) fn now() -> Self {
        Self(used(ClockId::ProcessCPUTime))
    }
}

fn used(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or(0))
}

impl Meter {
    /// In place of the log, which would count its own work.
    pub(super) fn install() -> Self {
        let meter = Self::default();
        let learning = Targets::new().with_target(learning::TARGET, LevelFilter::TRACE);
        tracing_subscriber::registry().with(meter.clone().with_filter(learning)).init();
        meter
    }

    /// The share of each part in what the process used from `start` on, since this was last asked.
    pub(super) fn take(&self, start: Start) -> BTreeMap<&'static str, f64> {
        let sums = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let all = used(ClockId::ProcessCPUTime).saturating_sub(start.0).as_secs_f64();
        sums.into_iter().map(|(name, sum)| (name, sum.as_secs_f64() / all)).collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Meter {
    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Entered(used(ClockId::ThreadCPUTime)));
        }
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let entered = span.extensions_mut().remove::<Entered>();
        if let Some(Entered(before)) = entered {
            let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *sums.entry(span.name()).or_default() += used(ClockId::ThreadCPUTime).saturating_sub(before);
        }
    }
}
