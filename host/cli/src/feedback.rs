//! `baton feedback TASK --score 0.8`: a person's verdict, kept as a check like any other.

use baton_app::operation::FEEDBACK;
use baton_app::runs::Feedback;

use super::{Global, Outcome, done, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Such as ws-22 or r2/ws-22
    task: String,
    /// 0 (useless) to 1 (as it should be)
    #[arg(long)]
    score: f64,
    /// Why
    #[arg(long, default_value = "")]
    note: String,
    /// Who says so
    #[arg(long, env = "USER", default_value = "a person")]
    by: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (task, note, by) = (args.task.clone(), args.note.clone(), args.by.clone());
    done(global, &FEEDBACK, &Feedback { task, score: args.score, note, by }, |_| {
        screen::line(&format!("{}: {}, by {}", args.task, args.score, args.by));
    })
}
