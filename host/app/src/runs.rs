//! Operations on runs and tasks.

use baton_core::command::{Command, Target};
use baton_core::id::{QuestionId, RunId, TaskId};
use baton_core::plan::diff::Diff;
use baton_core::plan::{Plan, load};
use baton_engine::command::Reply;
use baton_store::Reader;
use baton_store::read::{self, history, people};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::target::{self, run, target, task};
use crate::{App, AppError};

/// Runs and tasks by what people call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Runs (`r1`) or tasks (`ws-22`, `r1/ws-22`).
    pub what: Vec<String>,
}

/// Tasks by what people call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// Such as `ws-22` or `r1/ws-22`.
    pub tasks: Vec<String>,
}

/// A run or a task that an operation changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// What it was called in the request; of a run's tasks, their own names.
    pub name: String,
    /// The run, where a run was named.
    pub run: Option<RunId>,
    /// The task, where a task was named.
    pub task: Option<TaskId>,
}

impl Changed {
    fn of(name: &str, target: Target) -> Self {
        let name = name.to_owned();
        match target {
            Target::Run(run) => Self { name, run: Some(run), task: None },
            Target::Task(task) => Self { name, run: None, task: Some(task) },
        }
    }
}

/// Everything that is named is looked up before anything is changed.
fn named(conn: &Reader, targets: &Targets) -> Result<Vec<(String, Target)>, AppError> {
    targets.what.iter().map(|name| Ok((name.clone(), target(conn, name)?))).collect()
}

fn each(
    app: &App,
    targets: Vec<(String, Target)>,
    command: impl Fn(Target) -> Command,
) -> Result<Vec<Changed>, AppError> {
    let mut changed = Vec::with_capacity(targets.len());
    for (name, target) in targets {
        app.command(command(target))?;
        changed.push(Changed::of(&name, target));
    }
    Ok(changed)
}

/// What is paused stays paused.
pub(crate) fn pause(app: &App, targets: &Targets) -> Result<Vec<Changed>, AppError> {
    each(app, unfinished(app, targets, "pause")?, Command::Pause)
}

/// What is not paused goes on.
pub(crate) fn resume(app: &App, targets: &Targets) -> Result<Vec<Changed>, AppError> {
    each(app, unfinished(app, targets, "resume")?, Command::Resume)
}

/// A finished task can't be paused or resumed; a finished run may, because its tasks can be run again.
fn unfinished(app: &App, targets: &Targets, verb: &str) -> Result<Vec<(String, Target)>, AppError> {
    let conn = app.reader()?;
    let targets = named(&conn, targets)?;
    for (name, target) in &targets {
        if let Target::Task(_) = target {
            goes_on(&conn, name, *target, verb)?;
        }
    }
    Ok(targets)
}

pub(crate) fn cancel(app: &App, targets: &Targets) -> Result<Vec<Changed>, AppError> {
    let conn = app.reader()?;
    let targets = named(&conn, targets)?;
    for (name, target) in &targets {
        goes_on(&conn, name, *target, "cancel")?;
    }
    let why = "a person cancelled it".to_owned();
    each(app, targets, |target| Command::Cancel { target, why: why.clone() })
}

/// Refuses what is over, and says how it ended.
fn goes_on(conn: &Reader, name: &str, target: Target, verb: &str) -> Result<(), AppError> {
    let over = |how: &str| Err(AppError::refused(format!("{name} {how}: there is nothing to {verb}")));
    match target {
        Target::Run(run) => match read::run(conn, run).map_err(AppError::unreadable)? {
            Some(run) if run.settled.is_some() => over("has ended"),
            Some(_) | None => Ok(()),
        },
        Target::Task(task) => match read::task(conn, task).map_err(AppError::unreadable)? {
            Some(task) if task.state.is_terminal() => over(&format!("is {} already", task.state.name())),
            Some(_) | None => Ok(()),
        },
    }
}

pub(crate) fn retry(app: &App, targets: &Targets) -> Result<Vec<Changed>, AppError> {
    let conn = app.reader()?;
    let mut tasks = Vec::new();
    for (name, target) in named(&conn, targets)? {
        let of_target = match target {
            Target::Task(task) => vec![task],
            Target::Run(run) => {
                let dead = history::dead(&conn, Some(run)).map_err(AppError::unreadable)?;
                dead.into_iter().map(|letter| letter.id).collect()
            }
        };
        if of_target.is_empty() {
            return Err(AppError::refused(format!("{name} has no failed tasks")));
        }
        tasks.extend(of_target);
    }
    let mut changed = Vec::with_capacity(tasks.len());
    for task in tasks {
        app.command(Command::Retry { task })?;
        let name = read::name(&conn, task).map_err(AppError::unreadable)?;
        changed.push(Changed { name, run: None, task: Some(task) });
    }
    Ok(changed)
}

pub(crate) fn drop(app: &App, tasks: &Tasks) -> Result<Vec<Changed>, AppError> {
    let conn = app.reader()?;
    let tasks: Vec<(String, Target)> = tasks
        .tasks
        .iter()
        .map(|name| Ok((name.clone(), Target::Task(task(&conn, name)?))))
        .collect::<Result<_, AppError>>()?;
    let mut changed = Vec::with_capacity(tasks.len());
    for (name, target) in tasks {
        if let Target::Task(task) = target {
            app.command(Command::Drop { task })?;
        }
        changed.push(Changed::of(&name, target));
    }
    Ok(changed)
}

/// A version of a run's plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// The run, such as `r1`.
    pub run: String,
    /// The plan that it is to follow from now on.
    #[serde(deserialize_with = "sound")]
    pub plan: Plan,
}

/// A plan that was not read from a file is held against the schema and the rules of plans as if it had been.
pub(crate) fn sound<'de, D: Deserializer<'de>>(from: D) -> Result<Plan, D::Error> {
    load::sound(&Plan::deserialize(from)?).map_err(D::Error::custom)
}

/// What an amendment changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Amended {
    /// The run that follows the plan.
    #[serde(skip)]
    pub run: RunId,
    /// How the plan differs from the one before.
    #[serde(flatten)]
    pub diff: Diff,
}

pub(crate) fn amend(app: &App, amendment: &Amendment) -> Result<Amended, AppError> {
    let run = run(&app.reader()?, Some(&amendment.run))?;
    match app.command(Command::Amend { run, plan: Box::new(amendment.plan.clone()) })? {
        Reply::Amended(diff) => Ok(Amended { run, diff }),
        other => Err(other.unexpected().into()),
    }
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerGiven {
    /// The question, such as `q1`.
    pub question: String,
    /// One of its choices, or its number from 1; without choices, anything.
    pub answer: String,
    /// Who answers.
    pub by: String,
}

/// A question that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// Its number, such as `q1`.
    pub question: QuestionId,
    /// The answer as it counts: the choice in full.
    pub answer: String,
    /// Whether a host goes on with the task at once.
    pub hosted: bool,
}

pub(crate) fn answer(app: &App, given: &AnswerGiven) -> Result<Answered, AppError> {
    let question = given.question.parse::<QuestionId>()?;
    let asked = people::question(&app.reader()?, question).map_err(AppError::unreadable)?;
    let asked = asked.ok_or_else(|| {
        AppError::not_found(format!("there is no question {question}: `baton questions` lists them"))
    })?;
    let text = chosen(&asked.question.choices, &given.answer);
    asked
        .question
        .takes(&text)
        .map_err(|why| AppError::Invalid { what: format!("{question}: {why}"), source: Some(why.into()) })?;
    app.command(Command::Answer { question, text: text.clone(), by: given.by.clone() })?;
    Ok(Answered { question, answer: text, hosted: app.is_hosted() })
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

/// A person's rating of a task's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// Such as `ws-22` or `r2/ws-22`.
    pub task: String,
    /// 0 (useless) to 1 (as it should be).
    pub score: f64,
    /// Why.
    #[serde(default)]
    pub note: String,
    /// Who says so.
    pub by: String,
}

pub(crate) fn feedback(app: &App, given: &Feedback) -> Result<Changed, AppError> {
    let task = target::task(&app.reader()?, &given.task)?;
    let Feedback { score, note, by, .. } = given.clone();
    app.command(Command::Feedback { task, score, note, by })?;
    Ok(Changed { name: given.task.clone(), run: None, task: Some(task) })
}

/// Takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A host that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draining {
    /// Its process.
    pub pid: u32,
}

pub(crate) fn drain(app: &App, _: &Nothing) -> Result<Draining, AppError> {
    let Some(mut host) = app.host()? else {
        return Err(AppError::refused("no host is running, so there is none to end"));
    };
    host.command(Command::Drain)?;
    Ok(Draining { pid: host.pid() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_named_by_its_words_or_its_number() {
        let choices = ["yes".to_owned(), "no".to_owned()];
        let named = ["yes", "No", "2", "3", "perhaps"].map(|said| chosen(&choices, said));
        assert_eq!(named, ["yes", "no", "no", "3", "perhaps"]);
        assert_eq!(chosen(&["2".to_owned(), "1".to_owned()], "2"), "2", "a choice may itself be a number");
    }
}
