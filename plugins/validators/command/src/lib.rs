//! Accepts the outcome if an evidence task succeeds, usually one that runs a program.
//!
//! Configuration: `agent` (required), the agent that looks at the outcome, usually one that runs a program; `title`,
//! `input` (a JSON object for the task) and `estimate_ms`.

use std::collections::BTreeMap;

use baton_sdk::config::Unusable;
use baton_sdk::validator::{
    Check, Child, Config, NewTask, Outcome, Request, TaskState, ValidationError, Validator, Verdict,
};
use serde_json::json;
use serde_json::value::RawValue;

struct Command;

/// The name of the evidence and of the check.
const NAME: &str = "command";

impl Validator for Command {
    fn validate(request: Request) -> Result<Verdict, ValidationError> {
        validate(&request)
    }
}

fn validate(request: &Request) -> Result<Verdict, ValidationError> {
    Ok(match request.evidence.iter().rfind(|child| child.name == NAME) {
        None => Verdict::Gather(vec![evidence(request)?]),
        Some(child) => Verdict::Checks(vec![check(child)]),
    })
}

fn evidence(request: &Request) -> Result<NewTask, Unusable> {
    let config = Config(&request.config);
    config.only(&["agent", "title", "input", "estimate_ms"])?;
    let title = match config.get("title") {
        Some(title) => title.to_owned(),
        None => format!("Check {}", request.task.title),
    };
    Ok(NewTask {
        agent: Some(config.required("agent")?.to_owned()),
        estimate: config.parse("estimate_ms", "a whole number of milliseconds")?,
        ..NewTask::new(NAME, title, input(config, &request.task.id, &request.outcome)?)
    })
}

/// The configured input, with what is being validated added to it.
fn input(config: Config<'_>, task: &str, outcome: &Outcome) -> Result<String, Unusable> {
    let unusable = |why: String| Unusable::new("input", why);
    let configured = config.get("input").unwrap_or("{}");
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(configured)
        .map_err(|error| unusable(format!("is not a JSON object: {error}")))?;
    let claim = format!(r#"{{"summary":{},"output":{}}}"#, json!(outcome.summary), outcome.output);
    let added = [("validating", json!(task).to_string()), ("outcome", claim)];
    for (key, text) in added {
        let value =
            RawValue::from_string(text).map_err(|error| unusable(format!("can't hold `{key}`: {error}")))?;
        fields.insert(key.to_owned(), value);
    }
    serde_json::to_string(&fields).map_err(|error| unusable(error.to_string()))
}

fn check(evidence: &Child) -> Check {
    match (&evidence.state, &evidence.outcome, &evidence.fault) {
        (TaskState::Succeeded, Some(outcome), _) => Check::passed(NAME, &outcome.summary),
        (TaskState::Succeeded, None, _) => Check::passed(NAME, "the evidence succeeded"),
        (_, _, Some(fault)) => Check::refused(NAME, &fault.message),
        (_, _, None) => Check::refused(NAME, "the evidence did not come to an end of its own"),
    }
}

baton_sdk::validator!(Command);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture;
    use baton_sdk::validator::{Attr, ErrorClass, Fault};

    use super::*;

    fn request(config: Vec<Attr>, evidence: Vec<Child>) -> Request {
        Request {
            task: fixture::task("null"),
            outcome: Outcome::raw("Built.", String::from("[1.50]")),
            contract: None,
            evidence,
            now: 0,
            config,
        }
    }

    #[test]
    fn evidence_is_gathered_first() {
        let config = vec![
            Attr::new("agent", "tests"),
            Attr::new("input", r#"{"suite": "all"}"#),
            Attr::new("estimate_ms", "500"),
        ];
        let task = NewTask {
            agent: Some(String::from("tests")),
            estimate: Some(500),
            ..NewTask::new(
                "command",
                "Check Title",
                r#"{"outcome":{"summary":"Built.","output":[1.50]},"suite":"all","validating":"t"}"#,
            )
        };
        assert_eq!(validate(&request(config, vec![])), Ok(Verdict::Gather(vec![task])));
    }

    #[test]
    fn evidence_that_succeeded_is_a_check_that_passed() {
        let evidence = fixture::succeeded("command", Outcome::text("40 tests pass."));
        assert_eq!(
            validate(&request(vec![], vec![evidence])),
            Ok(Verdict::Checks(vec![Check::passed("command", "40 tests pass.")]))
        );
    }

    #[test]
    fn evidence_that_failed_says_why() {
        let evidence = Child {
            name: String::from("command"),
            state: TaskState::Failed,
            outcome: None,
            fault: Some(Fault::new(ErrorClass::InvalidInput, "3 tests fail")),
        };
        assert_eq!(
            validate(&request(vec![], vec![evidence])),
            Ok(Verdict::Checks(vec![Check::refused("command", "3 tests fail")]))
        );
    }

    #[test]
    fn what_the_configuration_lacks_is_named() {
        let bad = |name: &str, why: &str| Err(ValidationError::BadConfig(Attr::new(name, why)));
        assert_eq!(validate(&request(vec![], vec![])), bad("agent", "is required"));
        assert_eq!(
            validate(&request(vec![Attr::new("agnet", "tests")], vec![])),
            bad("agnet", "is unknown; the nearest is `agent`")
        );
    }
}
