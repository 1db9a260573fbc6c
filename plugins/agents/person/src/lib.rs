//! Lets a person do the work: the task becomes a question, and the answer is the outcome.
//!
//! Configuration: `prefix`, put before the text of each question.
//!
//! The text is the task's title, then the input's `question`, then the rest of the input as JSON; the input's `choices` are
//! the possible answers. Until the answer the task waits without occupying its agent. The outcome is
//! `{"answer": text}`.

mod question;

use baton_sdk::agent::{Agent, Attempt, Attr, Config, Fault, Health, Outcome, people};

struct Person;

const KEYS: [&str; 1] = ["prefix"];

impl Agent for Person {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let config = Config(&attempt.config);
        config.only(&KEYS)?;
        let question = question::of(&attempt.task, config.get("prefix"))?;
        match people::ask(&question) {
            Some(answer) => Ok(question::outcome(&answer.text)),
            None => Err(Fault::stopped("the task waits for a person")),
        }
    }

    fn probe(config: Vec<Attr>) -> Health {
        match Config(&config).only(&KEYS) {
            Ok(()) => Health::Ready,
            Err(unusable) => Health::Unreachable(unusable.to_string()),
        }
    }
}

baton_sdk::agent!(Person);
