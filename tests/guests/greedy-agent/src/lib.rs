//! Asks a person one question after the other, whatever the answers. Expected: the attempt is stopped by its limit on
//! questions.

use baton_sdk::agent::people::{self, Purpose, Question};
use baton_sdk::agent::{Agent, Attempt, Fault, Outcome};

struct Greedy;

impl Agent for Greedy {
    fn run(_: Attempt) -> Result<Outcome, Fault> {
        for number in 0_u64.. {
            let question = Question {
                key: format!("q{number}"),
                purpose: Purpose::Question,
                text: format!("Is {number} enough?"),
                choices: vec![String::from("no")],
                resume: String::new(),
            };
            if people::ask(&question).is_none() {
                break;
            }
        }
        Err(Fault::stopped("nobody answers"))
    }
}

baton_sdk::agent!(Greedy);
