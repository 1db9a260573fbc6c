//! `baton questions`: what agents ask of people.

use baton_app::operation;
use baton_app::view::questions::QuestionQuery;
use baton_core::people::StoredQuestion;

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also those that were answered
    #[arg(long)]
    all: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    shown(global, &operation::QUESTIONS, &QuestionQuery { all: args.all }, |questions| list(questions))?;
    Ok(Done::Well)
}

fn list(questions: &[StoredQuestion]) {
    if questions.is_empty() {
        screen::line("nothing is asked");
    }
    questions.iter().for_each(show);
}

/// One question as people read it, with the command that answers it.
pub(super) fn show(asked: &StoredQuestion) {
    let question = &asked.question;
    screen::line(&format!(
        "{} {} of {}/{}: {}",
        asked.id, question.purpose, asked.run, asked.of, question.text
    ));
    match &asked.answer {
        Some(answer) => screen::line(&format!("   answered by {}: {}", answer.by, answer.text)),
        None => {
            let choices = if question.choices.is_empty() {
                "TEXT".into()
            } else {
                let quoted: Vec<String> =
                    question.choices.iter().map(|choice| format!("{choice:?}")).collect();
                quoted.join(" | ")
            };
            screen::line(&format!("   baton answer {} {choices}", asked.id));
            if let Some(until) = asked.until {
                screen::line(&format!("   the policy decides at {until}"));
            }
        }
    }
}
