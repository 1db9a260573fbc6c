//! A backtest that a client asked for, and what it says of the router.

use baton_core::clock::Time;
use baton_core::command::{self, CommandError};
use baton_plugin::PluginError;
use baton_plugin::library::Library;
use baton_plugin::router::attrs;
use baton_stats::interval::Interval;
use baton_stats::offpolicy::{Judgement, Refusal};
use baton_store::Reader;
use baton_store::read::routing::Excerpt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::backtest::{Backtest, Trial, backtest};

/// What another router would have meant for recorded decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backtested {
    /// The router, as it was named.
    pub router: String,
    pub finding: Finding,
    /// The finding in words.
    pub text: String,
    pub backtest: Backtest,
}

/// What a backtest shows of a router's share of accepted work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    Better,
    NoWorse,
    Worse,
    /// The interval leaves all of it open.
    NotShown,
    /// The record can't tell.
    Refused,
}

impl Finding {
    /// `margin` is the share of acceptance that may be lost, 0 to 1.
    fn of(judged: Option<&Result<Judgement, Refusal>>, margin: f64) -> Self {
        match judged {
            Some(Ok(judgement)) => Self::of_difference(judgement.difference, margin),
            Some(Err(_)) | None => Self::Refused,
        }
    }

    /// `difference` is what the router would gain, in shares of acceptance.
    fn of_difference(difference: Interval, margin: f64) -> Self {
        match difference {
            Interval { low, .. } if low > 0.0 => Self::Better,
            Interval { low, .. } if low > -margin => Self::NoWorse,
            Interval { high, .. } if high < 0.0 => Self::Worse,
            Interval { .. } => Self::NotShown,
        }
    }

    /// Whether it counts for a promotion that requires a backtest.
    #[must_use]
    pub fn is_won(self) -> bool {
        match self {
            Self::Better | Self::NoWorse => true,
            Self::Worse | Self::NotShown | Self::Refused => false,
        }
    }

    /// `margin` is in points.
    fn text(self, margin: f64) -> String {
        match self {
            Self::Better => "better: more would have been accepted".into(),
            Self::NoWorse => format!("no worse by more than {margin} points"),
            Self::Worse => "worse: less would have been accepted".into(),
            Self::NotShown => format!("not shown to be within {margin} points: log more, or allow for more"),
            Self::Refused => "refused: the record can't tell".into(),
        }
    }
}

/// Makes recorded decisions again with the router that is asked about.
///
/// # Errors
/// The router can't be loaded, or the store can't be read.
pub fn judged(
    conn: &Reader,
    library: &Library,
    asked: &command::Backtest,
    now: Time,
) -> Result<Backtested, CommandError> {
    let name = asked.router.name.clone();
    let router = library.router_at(&name, &asked.router.digest).map_err(unloadable)?;
    let back = asked.since_ms.map(|millis| i64::try_from(millis).unwrap_or(i64::MAX));
    let since = back.map_or(Time(0), |back| Time(now.0.saturating_sub(back)));
    let trial = Trial {
        reader: conn,
        router: &router,
        config: attrs(&library.settings(&name).config),
        span: Excerpt { run: asked.run, since, followed: true },
        level: asked.level,
    };
    let found = backtest(&trial)
        .map_err(|why| CommandError::Unavailable { why: format!("the store can't be read: {why}") })?;
    let finding = Finding::of(found.acceptance.as_ref(), asked.margin / 100.0);
    Ok(Backtested { router: name, finding, text: finding.text(asked.margin), backtest: found })
}

fn unloadable(why: PluginError) -> CommandError {
    let text = why.to_string();
    match why {
        PluginError::Host { .. } => CommandError::Unavailable { why: text },
        PluginError::Incompatible { .. }
        | PluginError::NotGranted { .. }
        | PluginError::Refused { .. }
        | PluginError::Trapped { .. }
        | PluginError::OverLimit { .. }
        | PluginError::InvalidAnswer { .. } => CommandError::Invalid { what: text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_by_where_the_interval_of_the_difference_lies() {
        for (low, high, finding) in [
            (0.001, 0.2, Finding::Better),
            (0.0, 0.2, Finding::NoWorse),
            (-0.019, 0.2, Finding::NoWorse),
            // Certainly worse, and by less than may be lost.
            (-0.019, -0.001, Finding::NoWorse),
            (-0.02, 0.2, Finding::NotShown),
            (-0.02, 0.0, Finding::NotShown),
            (-0.3, -0.001, Finding::Worse),
        ] {
            let difference = Interval { estimate: f64::midpoint(low, high), low, high };
            assert_eq!(Finding::of_difference(difference, 0.02), finding, "{low} to {high}");
        }
    }

    #[test]
    fn what_the_record_can_not_tell_is_refused_and_counts_for_no_promotion() {
        let found = [None, Some(Err(Refusal::NoRows))].map(|judged| Finding::of(judged.as_ref(), 1.0));
        assert_eq!(found, [Finding::Refused; 2]);
        use Finding::{Better, NoWorse, NotShown, Refused, Worse};
        assert_eq!(
            [Better, NoWorse, Worse, NotShown, Refused].map(Finding::is_won),
            [true, true, false, false, false]
        );
    }
}
