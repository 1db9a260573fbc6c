//! `baton answer QUESTION TEXT`: a person's answer; the task goes on with it.

use baton_app::operation::ANSWER;
use baton_app::runs::AnswerGiven;

use super::{Global, Outcome, done, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Such as q1; `baton questions` lists them
    question: String,
    /// One of the choices, or its number from 1; without choices, anything
    #[arg(required = true)]
    answer: Vec<String>,
    /// Who answers
    #[arg(long, env = "USER", default_value = "a person")]
    by: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (question, by) = (args.question.clone(), args.by.clone());
    let given = AnswerGiven { question, answer: args.answer.join(" "), by };
    done(global, &ANSWER, &given, |answered| {
        let next = if answered.hosted { "" } else { "; run the plan again to go on" };
        screen::line(&format!("{} is answered{next}", answered.question));
    })
}
