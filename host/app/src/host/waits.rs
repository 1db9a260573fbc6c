//! What a run waits for, and when that is worth saying.

use baton_engine::waits::Wait;
use baton_engine::why::Why;

/// What a run waits for at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunWaits(pub(crate) Vec<Wait>);

/// What was said to be waited for, so that each cause is said once.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<Wait>);

impl Said {
    /// Those that began since last time. What ends by itself is said only when nothing else goes on.
    pub(super) fn fresh(&mut self, now: RunWaits, stands_still: bool) -> Vec<Wait> {
        // What can't land is an event, and said as such.
        let is_event = |wait: &Wait| matches!(wait.why, Why::Landing { .. });
        let counts = |wait: &Wait| !is_event(wait) && (stands_still || wait.why.needs_somebody());
        let now: Vec<Wait> = now.0.into_iter().filter(counts).collect();
        let is_known = |wait: &Wait| self.0.iter().any(|before| before.why.is_same_cause(&wait.why));
        let fresh = now.iter().filter(|wait| !is_known(wait)).cloned().collect();
        self.0 = now;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use baton_core::id::TaskId;

    use super::*;

    fn wait(why: Why) -> Wait {
        Wait { why, task: TaskId(1), tasks: 1 }
    }

    fn nobody() -> Wait {
        wait(Why::NoCapableAgent { agents: Vec::new(), missing: vec!["rust".into()] })
    }

    fn busy() -> Wait {
        wait(Why::Limit { of: "running".into(), cap: 1 })
    }

    #[test]
    fn a_cause_is_said_once_for_as_long_as_it_lasts() {
        let mut said = Said::default();
        assert_eq!(said.fresh(RunWaits(vec![nobody()]), false), [nobody()]);
        assert_eq!(said.fresh(RunWaits(vec![nobody()]), false), []);
        assert_eq!(said.fresh(RunWaits::default(), false), []);
        assert_eq!(said.fresh(RunWaits(vec![nobody()]), false), [nobody()], "it came back");
    }

    #[test]
    fn what_ends_by_itself_is_said_only_when_nothing_else_goes_on() {
        let mut said = Said::default();
        assert_eq!(said.fresh(RunWaits(vec![busy()]), false), []);
        assert_eq!(said.fresh(RunWaits(vec![busy()]), true), [busy()]);
    }

    #[test]
    fn what_can_not_land_is_an_event_and_no_wait() {
        let landing = wait(Why::Landing { why: "the target is dirty".into() });
        assert_eq!(Said::default().fresh(RunWaits(vec![landing]), true), []);
    }
}
