//! What an attempt is charged.

use std::time::Duration;

use baton_core::budget::price::Tariff;
use baton_core::budget::{Amount, Basis, Bill, Money};
use baton_core::fault::ErrorClass;
use baton_core::op::End;
use baton_core::usage::Usage;

use crate::attempt;

/// The bill of an attempt: what is known, or else what was set aside for it.
pub(super) fn bill(usage: Usage, tariff: Option<&Tariff>, reserved: Option<Amount>, took: Duration) -> Bill {
    let model = usage.model.clone().or_else(|| tariff?.model.clone());
    let usage = Usage { model, ..usage };
    let known = tariff.and_then(|tariff| tariff.cost(&usage));
    let capped = reserved.map(|amount| amount.money).filter(|money| *money > Money(0));
    let (cost, basis) = match (known, capped) {
        (Some(known), _) => known,
        (None, Some(money)) => (money, Basis::Reserved),
        (None, None) => (Money(0), Basis::Unknown),
    };
    Bill { usage, cost, basis, wall_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
}

/// By what the cost of an attempt that tells no usage could be known.
pub(super) struct Means {
    /// The operator says what an attempt costs, whatever becomes of it.
    pub(super) is_declared: bool,
    pub(super) is_set_aside: bool,
    /// It started a program or sent a request.
    pub(super) has_reached: bool,
}

impl Means {
    pub(super) fn is_free(&self, result: &attempt::Result) -> bool {
        match (self.has_reached, self.is_declared, self.is_set_aside) {
            (false, _, _) if never_worked(result) => true,
            (true | false, true, _) => false,
            (true | false, false, false) => true,
            (true, false, true) => was_turned_away(result),
            (false, false, true) => false,
        }
    }
}

/// Whether an attempt that reached nobody ended before it did any work.
fn never_worked(result: &attempt::Result) -> bool {
    match result {
        attempt::Result::Asked
        | attempt::Result::Over(
            End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. } | End::Accepted { .. },
        ) => true,
        attempt::Result::Over(End::Failed { .. }) => was_turned_away(result),
        attempt::Result::Claimed(_) => false,
    }
}

/// Whether it was turned away before any work was done.
fn was_turned_away(result: &attempt::Result) -> bool {
    match result {
        attempt::Result::Over(End::Failed { fault, .. }) => matches!(
            fault.class,
            ErrorClass::Environment
                | ErrorClass::Unauthorized
                | ErrorClass::InvalidInput
                | ErrorClass::RateLimited
        ),
        attempt::Result::Over(
            End::Released { .. } | End::Conflicted { .. } | End::Cancelled { .. } | End::Accepted { .. },
        )
        | attempt::Result::Claimed(_)
        | attempt::Result::Asked => false,
    }
}

#[cfg(test)]
mod tests {
    use baton_core::fault::Fault;

    use super::*;
    use baton_core::fault::Begun;

    fn failed(class: ErrorClass) -> attempt::Result {
        attempt::Result::Over(End::Failed { fault: Fault::new(class, "x"), checks: Vec::new() })
    }

    #[test]
    fn whoever_was_reached_may_cost_what_was_declared_or_set_aside() {
        let free = |has_reached, is_declared, is_set_aside, result: &attempt::Result| {
            Means { is_declared, is_set_aside, has_reached }.is_free(result)
        };
        let cancelled = attempt::Result::Over(End::Cancelled { why: "x".into() });
        let released = attempt::Result::Over(End::Released { why: "x".into(), begun: Begun::Yes });
        let turned_away = failed(ErrorClass::Environment);
        let over =
            [&attempt::Result::Asked, &cancelled, &released, &failed(ErrorClass::Timeout), &turned_away];
        for result in over {
            assert!(!free(true, true, false, result), "{result:?}: it costs what is declared");
            assert!(free(true, false, false, result), "{result:?}: nobody can say what");
        }
        for result in [&attempt::Result::Asked, &cancelled, &released, &failed(ErrorClass::Timeout)] {
            assert!(!free(true, false, true, result), "{result:?}: it costs what was set aside");
        }
        for result in [&attempt::Result::Asked, &cancelled, &released, &turned_away] {
            assert!(free(false, true, true, result), "{result:?}: nobody was asked to work");
        }
        assert!(free(true, false, true, &turned_away), "the server would not begin");
    }
}
