//! Accessors of children, for executors and validators.

use crate::words::{Attr, Child, ErrorClass, Fault, TaskState};

impl Child {
    /// Whether its state is final.
    pub fn has_ended(&self) -> bool {
        match self.state {
            TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled | TaskState::Skipped => true,
            TaskState::Blocked
            | TaskState::Ready
            | TaskState::Running
            | TaskState::Waiting
            | TaskState::Backoff => false,
        }
    }

    /// Whether its outcome was accepted.
    pub fn has_succeeded(&self) -> bool {
        self.state == TaskState::Succeeded
    }

    /// Its output as JSON text; `null` without an outcome.
    pub fn output(&self) -> &str {
        self.outcome.as_ref().map_or("null", |outcome| &outcome.output)
    }

    /// A fact that the host states about it, by its name without `baton.`, such as `agent`.
    pub fn fact(&self, name: &str) -> Option<&str> {
        let of =
            |attrs: &'_ [Attr]| attrs.iter().position(|attr| attr.name.strip_prefix("baton.") == Some(name));
        let attrs: &[Attr] = match (&self.outcome, &self.fault) {
            (Some(outcome), _) => &outcome.attrs,
            (None, Some(fault)) => &fault.attrs,
            (None, None) => &[],
        };
        of(attrs).map(|index| attrs[index].value.as_str())
    }

    /// The mean score of its checks, 0.0 to 1.0; none if it was not checked.
    pub fn score(&self) -> Option<f64> {
        self.fact("score")?.parse().ok().filter(|score: &f64| score.is_finite())
    }

    /// The agent that worked on it last.
    pub fn agent(&self) -> Option<&str> {
        self.fact("agent")
    }

    /// When work on it started and ended, in Unix milliseconds.
    pub fn span(&self) -> Option<(u64, u64)> {
        let started = self.fact("started-ms")?.parse().ok()?;
        let ended = self.fact("ended-ms")?.parse().ok()?;
        (started <= ended).then_some((started, ended))
    }

    /// Its fault, with a message that names it as a `what`, such as a question or a part.
    pub fn given_up(&self, what: &str) -> Fault {
        match &self.fault {
            Some(fault) => Fault {
                message: format!("{what} {} failed: {}", self.name, fault.message),
                attrs: Vec::new(),
                ..fault.clone()
            },
            None => Fault::new(
                ErrorClass::Other(what.to_owned()),
                format!("{what} {} was {}", self.name, ending(self.state)),
            ),
        }
    }
}

fn ending(state: TaskState) -> &'static str {
    match state {
        TaskState::Cancelled => "cancelled",
        TaskState::Skipped => "skipped",
        TaskState::Failed
        | TaskState::Succeeded
        | TaskState::Blocked
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Waiting
        | TaskState::Backoff => "given up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{failed, running, succeeded, with_facts};
    use crate::words::Outcome;

    #[test]
    fn facts_come_from_outcomes_and_from_faults() {
        let done = with_facts(succeeded("a", Outcome::text("")), &[("agent", "x"), ("score", "0.25")]);
        assert_eq!((done.agent(), done.score()), (Some("x"), Some(0.25)));
        let given_up = failed("b", ErrorClass::Timeout, "late");
        let given_up = with_facts(given_up, &[("started-ms", "5"), ("ended-ms", "9"), ("score", "NaN")]);
        assert_eq!((given_up.span(), given_up.score()), (Some((5, 9)), None));
        assert_eq!(running("c").fact("agent"), None);
    }

    #[test]
    fn a_fault_names_who_failed() {
        let fault = failed("b", ErrorClass::Timeout, "late").given_up("part");
        assert_eq!(fault, Fault::new(ErrorClass::Timeout, "part b failed: late"));
        let skipped = Child { state: TaskState::Skipped, fault: None, ..failed("b", ErrorClass::Budget, "") };
        let class = ErrorClass::Other(String::from("part"));
        assert_eq!(skipped.given_up("part"), Fault::new(class, "part b was skipped"));
    }
}
