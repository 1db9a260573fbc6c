//! Lets a person decide.
//!
//! Configuration: `agent` (required), the agent that stands for a person (its adapter is `person`); `question`; `choices`
//! between commas (`accept,refuse`); `accepts`, which of them let the outcome stand (`accept`).
//!
//! The agent is given `{"question", "choices", "outcome": {"summary", "output"}}` and answers `{"answer", "note"?}`. What
//! is none of the choices, or no answer, refuses the outcome.

use baton_sdk::config::Unusable;
use baton_sdk::executor::{Keys, raw, with_member};
use baton_sdk::validator::{Check, Child, Config, NewTask, Request, ValidationError, Validator, Verdict};
use serde_json::json;

struct Human;

/// The name of the evidence and of the check.
const NAME: &str = "human";

const KEYS: [&str; 4] = ["agent", "question", "choices", "accepts"];

struct Poll<'a> {
    agent: &'a str,
    question: Option<&'a str>,
    choices: Vec<&'a str>,
    accepts: Vec<&'a str>,
}

impl Validator for Human {
    fn validate(request: Request) -> Result<Verdict, ValidationError> {
        validate(&request)
    }
}

fn validate(request: &Request) -> Result<Verdict, ValidationError> {
    let poll = Poll::read(Config(&request.config))?;
    Ok(match request.evidence.iter().rfind(|child| child.name == NAME) {
        None => Verdict::Gather(vec![poll.question(request)]),
        Some(child) => Verdict::Checks(vec![poll.check(child)]),
    })
}

impl<'a> Poll<'a> {
    fn read(config: Config<'a>) -> Result<Self, Unusable> {
        config.only(&KEYS)?;
        let choices = words(config.get("choices").unwrap_or("accept,refuse"));
        let accepts = words(config.get("accepts").unwrap_or("accept"));
        if choices.len() < 2 {
            return Err(Unusable::new("choices", "must hold at least two"));
        }
        match accepts.iter().find(|word| !choices.contains(word)) {
            Some(word) => {
                Err(Unusable::new("accepts", format!("holds `{word}`, which is none of the choices")))
            }
            None if accepts.is_empty() => Err(Unusable::new("accepts", "must hold at least one")),
            None => Ok(Self {
                agent: config.required("agent")?,
                question: config.get("question"),
                choices,
                accepts,
            }),
        }
    }

    fn question(&self, request: &Request) -> NewTask {
        let (task, outcome) = (&request.task, &request.outcome);
        let question = match self.question {
            Some(question) => question.to_owned(),
            None => format!("May the outcome of “{}” stand?", task.title),
        };
        let claim = Keys::from([
            (String::from("summary"), raw(&json!(outcome.summary).to_string())),
            (String::from("output"), raw(&outcome.output)),
        ]);
        let claim = serde_json::to_string(&claim).unwrap_or_else(|_| String::from("{}"));
        let input = json!({"question": question, "choices": self.choices}).to_string();
        let contract = json!({
            "type": "object", "required": ["answer"],
            "properties": {"answer": {"enum": self.choices}, "note": {"type": "string"}},
        });
        let title = format!("Decide on {}", task.title);
        let ask = NewTask::new(NAME, title, with_member(&input, "outcome", &claim));
        NewTask { agent: Some(self.agent.to_owned()), ..ask }.question(contract.to_string())
    }

    fn check(&self, asked: &Child) -> Check {
        let Some((answer, note)) = answer(asked) else {
            let fault = asked.fault.as_ref().map_or("there was no answer", |fault| &fault.message);
            return Check { label: String::from("no answer"), ..Check::refused(NAME, fault) };
        };
        let said = match note.is_empty() {
            true => format!("a person answered {answer}"),
            false => format!("a person answered {answer}: {note}"),
        };
        match self.accepts.contains(&answer.as_str()) {
            true => Check { label: answer, ..Check::passed(NAME, said) },
            false if self.choices.contains(&answer.as_str()) => {
                Check { label: answer, ..Check::refused(NAME, said) }
            }
            false => {
                let explanation = format!("{said}, which is none of {}", self.choices.join(", "));
                Check { label: String::from("no choice"), ..Check::refused(NAME, explanation) }
            }
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn answer(asked: &Child) -> Option<(String, String)> {
    if !asked.has_succeeded() {
        return None;
    }
    let fields: Keys = serde_json::from_str(asked.output()).ok()?;
    let text = |key: &str| -> Option<String> { serde_json::from_str(fields.get(key)?.get()).ok() };
    Some((text("answer")?.trim().to_owned(), text("note").unwrap_or_default()))
}

baton_sdk::validator!(Human);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture;
    use baton_sdk::validator::{Attr, ErrorClass, Outcome};

    use super::*;

    fn ask(config: &[(&str, &str)], evidence: Vec<Child>) -> Result<Verdict, ValidationError> {
        let config = config.iter().map(|(key, value)| Attr::new(*key, *value)).collect();
        let outcome = Outcome::raw("Built.", String::from("[1.50]"));
        let request =
            Request { task: fixture::task("null"), outcome, contract: None, evidence, now: 0, config };
        let answer = validate(&request);
        assert_eq!(answer, validate(&request));
        answer
    }

    fn check(config: &[(&str, &str)], evidence: Child) -> Check {
        match ask(config, vec![evidence]) {
            Ok(Verdict::Checks(checks)) => checks[0].clone(),
            answer => panic!("{answer:?}"),
        }
    }

    fn answered(output: &str) -> Child {
        fixture::succeeded("human", Outcome::raw("", output.to_owned()))
    }

    const ANNA: [(&str, &str); 1] = [("agent", "anna")];

    #[test]
    fn a_person_is_asked_with_the_outcome_before_them() {
        let Ok(Verdict::Gather(tasks)) = ask(&ANNA, vec![]) else {
            panic!("nobody was asked");
        };
        assert_eq!((tasks[0].name.as_str(), tasks[0].agent.as_deref()), ("human", Some("anna")));
        assert_eq!(
            tasks[0].input,
            "{\"choices\":[\"accept\",\"refuse\"],\"outcome\":{\"output\":[1.50],\"summary\":\"Built.\"},\
             \"question\":\"May the outcome of “Title” stand?\"}"
        );
        let contract = r#""answer":{"enum":["accept","refuse"]}"#;
        assert!(tasks[0].attrs.iter().any(|attr| attr.value.contains(contract)));
    }

    #[test]
    fn the_answer_is_the_check() {
        let accepted = check(&ANNA, answered(r#"{"answer": "accept", "by": "anna"}"#));
        let expected = Check::passed("human", "a person answered accept");
        assert_eq!(accepted, Check { label: String::from("accept"), ..expected });
        let refused = check(&ANNA, answered(r#"{"answer": "refuse", "note": "wrong colour"}"#));
        assert_eq!((refused.passed, refused.label.as_str()), (false, "refuse"));
        assert_eq!(refused.explanation, "a person answered refuse: wrong colour");
    }

    #[test]
    fn what_is_no_choice_is_no_acceptance() {
        for output in [r#"{"answer": "well…"}"#, r#"{"answer": 1}"#, "null", "{}"] {
            assert!(!check(&ANNA, answered(output)).passed, "{output}");
        }
        let failed = check(&ANNA, fixture::failed("human", ErrorClass::Timeout, "nobody answered for a day"));
        assert_eq!((failed.passed, failed.explanation.as_str()), (false, "nobody answered for a day"));
    }

    #[test]
    fn choices_may_be_others() {
        let config = [("agent", "anna"), ("choices", "ship, hold, redo"), ("accepts", "ship,hold")];
        assert!(check(&config, answered(r#"{"answer": "hold"}"#)).passed);
        assert!(!check(&config, answered(r#"{"answer": "redo"}"#)).passed);
    }

    #[test]
    fn what_the_configuration_gets_wrong_is_named() {
        let bad = |key: &str, why: &str| Err(ValidationError::BadConfig(Attr::new(key, why)));
        assert_eq!(ask(&[], vec![]), bad("agent", "is required"));
        assert_eq!(ask(&[("choices", "yes")], vec![]), bad("choices", "must hold at least two"));
        let config = [("choices", "yes,no")];
        assert_eq!(ask(&config, vec![]), bad("accepts", "holds `accept`, which is none of the choices"));
    }
}
