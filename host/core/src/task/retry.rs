//! Whether and when a failed task is tried again.

use std::time::Duration;

use super::Task;
use crate::clock::Time;
use crate::fault::{ErrorClass, Fault};
use crate::seed::Seed;
use crate::task::policy::Retry;

/// An uncharged retry is never sooner: a service that asks to wait for no time would be asked without end.
const SOONEST: Duration = Duration::from_millis(100);

/// A service may put a task off this often by its own word; from then on each time is charged as an attempt, so that the
/// task comes to an end. Attempts that were not charged for other reasons count as well.
const PUT_OFF: u32 = 48;

/// What becomes of a task whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    Retry { at: Time, charged: bool, crashed: bool },
    GiveUp,
}

/// `task.attempts` counts the attempt that failed.
#[must_use]
pub fn after_failure(task: &Task, retry: &Retry, fault: &Fault, now: Time, seed: Seed) -> RetryDecision {
    let delay = |spread: u32| {
        let draw = seed.of(task.id.0).of(i64::from(task.epoch.0)).fraction();
        let ceiling = retry.base.0.saturating_mul(2_u32.saturating_pow(spread)).min(retry.cap.0);
        now + ceiling.mul_f64(draw)
    };
    let again = |at, crashed| {
        if task.attempts >= retry.attempts {
            RetryDecision::GiveUp
        } else {
            RetryDecision::Retry { at, charged: true, crashed }
        }
    };
    let tries = task.attempts.saturating_sub(1);
    match fault.class {
        ErrorClass::Transient
        | ErrorClass::Timeout
        | ErrorClass::InvalidOutput
        | ErrorClass::Refused
        | ErrorClass::Unaccepted
        | ErrorClass::Other => {
            again(fault.retry_after().map_or_else(|| delay(tries), |after| now + after), false)
        }
        ErrorClass::Crashed | ErrorClass::Lost if task.crashes + 1 >= retry.crashes => RetryDecision::GiveUp,
        ErrorClass::Crashed | ErrorClass::Lost => again(delay(tries), true),
        ErrorClass::RateLimited => {
            let at = now + fault.retry_after().unwrap_or(retry.cap.0).max(SOONEST);
            if task.epoch.0.saturating_sub(task.attempts) < PUT_OFF {
                return RetryDecision::Retry { at, charged: false, crashed: false };
            }
            again(at, false)
        }
        ErrorClass::InvalidInput
        | ErrorClass::Unauthorized
        | ErrorClass::Environment
        | ErrorClass::Budget
        | ErrorClass::Deadline => RetryDecision::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, RunId, TaskId, TermsId};
    use crate::span::Span;
    use crate::task::State;

    fn task(attempts: u32, crashes: u32) -> Task {
        Task {
            id: TaskId(7),
            run: RunId(1),
            parent: None,
            terms: TermsId(1),
            state: State::Blocked,
            held: false,
            cancelling: false,
            epoch: Epoch(attempts),
            attempts,
            crashes,
            conflicts: 0,
            priority: 0,
            created: Time(0),
            deadline: None,
        }
    }

    fn after(attempts: u32, fault: &Fault) -> RetryDecision {
        after_failure(&task(attempts, 0), &Retry::default(), fault, Time(1000), Seed(1))
    }

    #[test]
    fn delays_stay_under_a_ceiling_that_doubles() {
        let retry = Retry { attempts: 40, cap: Span::from_secs(60), ..Retry::default() };
        for attempts in 1..40 {
            let fault = Fault::new(ErrorClass::Transient, "");
            let RetryDecision::Retry { at, charged: true, crashed: false } =
                after_failure(&task(attempts, 0), &retry, &fault, Time(0), Seed(3))
            else {
                panic!("attempt {attempts} should be tried again");
            };
            let ceiling = 1000_i64.saturating_mul(1_i64 << (attempts - 1).min(30)).min(60_000);
            assert!((0..=ceiling).contains(&at.0), "{at:?} after attempt {attempts}");
        }
    }

    #[test]
    fn attempts_run_out() {
        let fault = Fault::new(ErrorClass::Transient, "");
        assert!(matches!(after(2, &fault), RetryDecision::Retry { .. }));
        assert_eq!(after(3, &fault), RetryDecision::GiveUp);
    }

    #[test]
    fn a_rate_limit_honours_retry_after_and_costs_no_attempt() {
        let fault = Fault { retry_after_ms: Some(5000), ..Fault::new(ErrorClass::RateLimited, "") };
        assert_eq!(after(3, &fault), RetryDecision::Retry { at: Time(6000), charged: false, crashed: false });
    }

    #[test]
    fn what_can_not_change_is_not_tried_again() {
        for class in
            [ErrorClass::InvalidInput, ErrorClass::Unauthorized, ErrorClass::Environment, ErrorClass::Budget]
        {
            assert_eq!(after(1, &Fault::new(class, "")), RetryDecision::GiveUp, "{class}");
        }
    }

    #[test]
    fn crashes_count_to_the_poison_limit() {
        let retry = Retry { attempts: 100, crashes: 3, ..Retry::default() };
        let fault = Fault::new(ErrorClass::Crashed, "");
        let crashed = |before| after_failure(&task(before + 1, before), &retry, &fault, Time(0), Seed(1));
        assert!(matches!(crashed(0), RetryDecision::Retry { crashed: true, .. }));
        assert!(matches!(crashed(1), RetryDecision::Retry { .. }));
        assert_eq!(crashed(2), RetryDecision::GiveUp);
    }
}
