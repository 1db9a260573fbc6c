//! What learning is made of, for whoever measures what it costs: each part works inside a span of its own, which is
//! nothing unless somebody listens.

use tracing::span::EnteredSpan;

/// The target of the spans.
pub const TARGET: &str = "baton::learning";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of agents' work, in the transaction that ends an attempt.
    Statistics,
    /// Of routers.
    Lessons,
    /// From the record to what the analyses read.
    Consolidation,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Statistics, Self::Lessons, Self::Consolidation];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Statistics => "statistics",
            Self::Lessons => "lessons",
            Self::Consolidation => "consolidation",
        }
    }

    /// It is at work until this is dropped.
    pub fn begin(self) -> EnteredSpan {
        match self {
            Self::Statistics => tracing::trace_span!(target: TARGET, "statistics"),
            Self::Lessons => tracing::trace_span!(target: TARGET, "lessons"),
            Self::Consolidation => tracing::trace_span!(target: TARGET, "consolidation"),
        }
        .entered()
    }
}
