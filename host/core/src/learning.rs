//! Tracing spans around the parts of learning, so that benchmarks can measure their cost. Without a subscriber they
//! cost nothing.

use tracing::span::EnteredSpan;

/// Target of the spans.
pub const TARGET: &str = "baton::learning";

/// A part of learning whose cost is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Updating agents' statistics, in the transaction that ends an attempt.
    Statistics,
    /// Passing ended attempts to the routers that learn.
    Lessons,
    /// Turning events into the episodes that the analyses read.
    Consolidation,
}

impl Part {
    /// In the order in which reports list them.
    pub const ALL: [Self; 3] = [Self::Statistics, Self::Lessons, Self::Consolidation];

    /// The span's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Statistics => "statistics",
            Self::Lessons => "lessons",
            Self::Consolidation => "consolidation",
        }
    }

    /// Enters the span until the guard is dropped.
    pub fn begin(self) -> EnteredSpan {
        match self {
            Self::Statistics => tracing::trace_span!(target: TARGET, "statistics"),
            Self::Lessons => tracing::trace_span!(target: TARGET, "lessons"),
            Self::Consolidation => tracing::trace_span!(target: TARGET, "consolidation"),
        }
        .entered()
    }
}
