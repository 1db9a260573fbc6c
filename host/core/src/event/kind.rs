//! The names under which facts are stored and filtered.

use super::Fact;
use crate::fault::ErrorClass;

impl Fact {
    /// All kinds, in the order of the variants; what events can be filtered by.
    pub const KINDS: [&str; 57] = [
        "submitted",
        "readied",
        "assigned",
        "claimed",
        "delegated",
        "awaiting",
        "woken",
        "accepted",
        "retrying",
        "failed",
        "asked",
        "answered",
        "landed",
        "landing-stalled",
        "conflicted",
        "feedback",
        "charged",
        "released",
        "deferred",
        "held",
        "unheld",
        "cancel-requested",
        "cancelled",
        "skipped",
        "redriven",
        "dropped",
        "relinked",
        "amended",
        "removed",
        "run-submitted",
        "run-amended",
        "run-held",
        "run-unheld",
        "run-settled",
        "run-reopened",
        "budget-low",
        "budget-spent",
        "router-used",
        "router-degraded",
        "router-rolled-back",
        "router-judged",
        "router-promoted",
        "trial-started",
        "trial-moved",
        "trial-ended",
        "host-started",
        "host-stopped",
        "agent-registered",
        "agent-draining",
        "agent-resumed",
        "agent-removed",
        "breaker-moved",
        "plugin-added",
        "plugin-removed",
        "plugin-failed",
        "call-denied",
        "written",
    ];

    /// The serde tag, under which it is stored and filtered.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::Readied { .. } => "readied",
            Self::Assigned { .. } => "assigned",
            Self::Claimed => "claimed",
            Self::Delegated => "delegated",
            Self::Awaiting { .. } => "awaiting",
            Self::Woken => "woken",
            Self::Accepted { .. } => "accepted",
            Self::Retrying { .. } => "retrying",
            Self::Failed { .. } => "failed",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::Landed { .. } => "landed",
            Self::Feedback { .. } => "feedback",
            Self::Charged { .. } => "charged",
            Self::Conflicted { .. } => "conflicted",
            Self::LandingStalled { .. } => "landing-stalled",
            Self::Released { .. } => "released",
            Self::Deferred { .. } => "deferred",
            Self::Held => "held",
            Self::Unheld => "unheld",
            Self::CancelRequested => "cancel-requested",
            Self::Cancelled { .. } => "cancelled",
            Self::Skipped { .. } => "skipped",
            Self::Redriven => "redriven",
            Self::Dropped => "dropped",
            Self::Relinked { .. } => "relinked",
            Self::Amended { .. } => "amended",
            Self::Removed => "removed",
            Self::RunSubmitted { .. } => "run-submitted",
            Self::RunAmended { .. } => "run-amended",
            Self::RunHeld => "run-held",
            Self::RunUnheld => "run-unheld",
            Self::RunSettled { .. } => "run-settled",
            Self::RunReopened => "run-reopened",
            Self::BudgetLow { .. } => "budget-low",
            Self::BudgetSpent { .. } => "budget-spent",
            Self::RouterUsed { .. } => "router-used",
            Self::RouterDegraded { .. } => "router-degraded",
            Self::RouterRolledBack { .. } => "router-rolled-back",
            Self::RouterJudged { .. } => "router-judged",
            Self::RouterPromoted { .. } => "router-promoted",
            Self::TrialStarted { .. } => "trial-started",
            Self::TrialMoved { .. } => "trial-moved",
            Self::TrialEnded { .. } => "trial-ended",
            Self::HostStarted { .. } => "host-started",
            Self::HostStopped { .. } => "host-stopped",
            Self::AgentRegistered { .. } => "agent-registered",
            Self::AgentDraining { .. } => "agent-draining",
            Self::AgentResumed { .. } => "agent-resumed",
            Self::AgentRemoved { .. } => "agent-removed",
            Self::BreakerMoved { .. } => "breaker-moved",
            Self::PluginAdded { .. } => "plugin-added",
            Self::PluginRemoved { .. } => "plugin-removed",
            Self::PluginFailed { .. } => "plugin-failed",
            Self::CallDenied { .. } => "call-denied",
            Self::Written { .. } => "written",
        }
    }

    /// The class of the failed attempt that it reports, if it reports one.
    #[must_use]
    pub fn failure(&self) -> Option<ErrorClass> {
        match self {
            Self::Retrying { fault, .. } | Self::Failed { fault } => Some(fault.class),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// serde names every variant where it finds none of them.
    #[test]
    fn kinds_are_the_tags_of_all_variants() {
        let why = serde_json::from_str::<Fact>(r#"{"kind":"no-such-kind"}"#).unwrap_err().to_string();
        let list = why.split("expected one of ").nth(1).unwrap_or_default();
        let tags: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        assert_eq!(tags, Fact::KINDS, "{why}");
    }
}
