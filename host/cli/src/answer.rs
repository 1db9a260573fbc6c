//! `baton answer QUESTION TEXT`: a person's answer; the task goes on with it.

use baton_app::door::Door;
use baton_core::id::QuestionId;
use baton_core::op::Op;
use baton_store::read::people;

use super::{Done, Failure, Global, Outcome, screen, unreadable};

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
    let id: QuestionId = args.question.parse().map_err(Failure::Usage)?;
    let (_, home) = global.here()?;
    let asked = people::question(&global.reader()?, id)
        .map_err(unreadable)?
        .ok_or_else(|| Failure::Usage(format!("there is no question {id}: `baton questions` lists them")))?;
    let text = chosen(&asked.question.choices, &args.answer.join(" "));
    asked.question.takes(&text).map_err(|why| Failure::Usage(format!("{id}: {why}")))?;
    let mut door = Door::open(&home)?;
    door.apply(Op::Answer { question: id, text, by: args.by.clone() })?;
    if !global.quiet {
        let hosted = door.is_host();
        let next = if hosted { String::new() } else { "; run the plan again to go on".into() };
        screen::line(&format!("{id} is answered{next}"));
    }
    Ok(Done::Well)
}

/// A choice may be named by its number, unless that is a choice itself.
fn chosen(choices: &[String], said: &str) -> String {
    let numbered =
        || said.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?).cloned());
    if choices.iter().any(|choice| choice == said) {
        return said.to_owned();
    }
    let folded = choices.iter().find(|choice| choice.eq_ignore_ascii_case(said)).cloned();
    folded.or_else(numbered).unwrap_or_else(|| said.to_owned())
}
