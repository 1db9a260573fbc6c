//! What a client may ask of a host: a closed set, checked before anything acts on it. The operations that carry it out
//! are the engine's own and never cross a wire, so that no client can end an attempt, charge for one or write a fact.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::agent::{Card, Standing};
use crate::event::TrialEnding;
use crate::id::{AgentId, QuestionId, RunId, TaskId};
use crate::op::{PluginRow, Rejection, RouterChoice, StoreError, Submission, TrialTerms};
use crate::plan::Plan;
use crate::plan::error::PlanErrors;
use crate::plan::load;
use crate::trial::TrialPhase;

/// The most bytes of one command, as JSON.
pub const MAX_BYTES: usize = 16 << 20;
/// The most bytes of a text that a person writes: a reason, an answer, a note.
const MAX_TEXT: usize = 64 << 10;
/// The most bytes of a name, and of a path that stands for one.
const MAX_NAME: usize = 4096;
/// The most entries of a list in an agent's card or a plugin's grants.
const MAX_LIST: usize = 1024;
/// The most attempts that one agent may be said to run at once.
const MAX_CAPACITY: u32 = 100_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens a run, or finds the one that the key opened before.
    Submit(Box<Submission>),
    /// Makes a run follow another version of its plan, as a whole or not at all.
    Amend {
        run: RunId,
        plan: Box<Plan>,
    },
    /// Starts nothing more of it; what runs may finish.
    Pause(Target),
    Resume(Target),
    Cancel {
        target: Target,
        why: String,
    },
    /// Runs an ended task again, with all of its attempts.
    Retry {
        task: TaskId,
    },
    /// Gives a dead letter up: what depends on it is skipped.
    Drop {
        task: TaskId,
    },
    Answer {
        question: QuestionId,
        text: String,
        by: String,
    },
    /// A person's verdict, 0 to 1, on a task's outcome.
    Feedback {
        task: TaskId,
        score: f64,
        note: String,
        by: String,
    },
    PutAgent {
        card: Box<Card>,
    },
    SetStanding {
        agent: AgentId,
        standing: Standing,
    },
    RemoveAgent {
        agent: AgentId,
    },
    PutPlugin(Box<PluginRow>),
    RemovePlugin {
        name: String,
    },
    /// Another router decides for a run from its next decision on.
    UseRouter {
        run: RunId,
        router: RouterChoice,
    },
    /// Tries a router against the one that each run has.
    StartTrial {
        router: RouterChoice,
        terms: Box<TrialTerms>,
    },
    MoveTrial {
        trial: i64,
        stage: TrialPhase,
    },
    EndTrial {
        trial: i64,
        ending: TrialEnding,
        why: String,
    },
    /// Makes a router the one that runs have; none brings the one before it back.
    Promote {
        router: Option<RouterChoice>,
        why: String,
    },
    /// Has the host make recorded decisions again with another router, and note which did better.
    Backtest(Backtest),
    /// Takes what is new in the record over into what the analyses read.
    Consolidate,
    /// Tells a note to nobody any more, also if it is taught again.
    ForgetNote {
        note: i64,
    },
    /// Ends the host once what runs has ended.
    Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Run(RunId),
    Task(TaskId),
}

/// What a router is tried on, and what counts as no worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    pub router: RouterChoice,
    /// Decisions of this run only.
    pub run: Option<RunId>,
    /// How far back, in milliseconds; none = all that is recorded.
    pub since_ms: Option<u64>,
    /// How many points of acceptance it may lose and still count as no worse, 0 to 100.
    pub margin: f64,
    /// Of the intervals, above 0.5 and below 1.
    pub level: f64,
    /// Whether the finding is recorded, for promotions that require one.
    pub recorded: bool,
}

/// Why a command was not carried out, by what its sender does next.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error")]
pub enum CommandError {
    /// Correct the command.
    #[error("{what}")]
    Invalid { what: String },
    /// Name something that exists.
    #[error("there is no {what}")]
    NotFound { what: String },
    /// It is not allowed as things stand: do what the remedy says first, where there is one.
    #[error("{}", with_remedy(why, remedy.as_deref()))]
    Refused { why: String, remedy: Option<String> },
    /// What is stored is not what the command takes for granted: look at both, and choose.
    #[error("{}", with_remedy(why, Some(remedy)))]
    Conflict { why: String, remedy: String },
    /// Send it again later.
    #[error("{why}")]
    Busy { why: String },
    /// Nobody can carry it out at the moment. Whether it was carried out may be unknown: look before it is sent again.
    #[error("{why}")]
    Unavailable { why: String },
}

fn with_remedy(why: &str, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{why}\n{remedy}"),
        None => why.to_owned(),
    }
}

impl From<Rejection> for CommandError {
    fn from(why: Rejection) -> Self {
        match why {
            Rejection::NotFound(what) => Self::NotFound { what },
            Rejection::Invalid(what) => Self::Invalid { what },
            Rejection::Refused(_) => Self::Refused { why: why.to_string(), remedy: None },
            Rejection::PlanChanged { run, diff } => Self::Conflict {
                why: format!("the plan changed since {run} was opened:\n{diff}"),
                remedy: format!(
                    "`baton plan amend {run} PLAN` takes the change over, `baton run PLAN --again` starts anew"
                ),
            },
            Rejection::HeldElsewhere { .. } | Rejection::Store(StoreError::Busy(_)) => {
                Self::Busy { why: why.to_string() }
            }
            Rejection::Store(
                StoreError::Corrupt(_)
                | StoreError::Failed(_)
                | StoreError::Fenced { .. }
                | StoreError::Closed,
            )
            | Rejection::Host(_) => Self::Unavailable { why: why.to_string() },
        }
    }
}

impl CommandError {
    /// More than [`MAX_BYTES`].
    #[must_use]
    pub fn too_long() -> Self {
        let most = MAX_BYTES >> 20;
        let what = format!(
            "a request to a host has at most {most} MiB: submit a larger plan while no host runs, or divide it"
        );
        Self::Invalid { what }
    }
}

impl Command {
    /// A command that came over a wire: its plan, if it has one, was never read from a file, and is held against the
    /// schema and the rules of plans.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] says what was expected.
    pub fn from_outside(mut self) -> Result<Self, CommandError> {
        if let Self::Submit(submission) = &mut self {
            submission.plan = sound(&submission.plan)?;
        }
        if let Self::Amend { plan, .. } = &mut self {
            **plan = sound(plan)?;
        }
        self.checked()
    }

    /// The same command if its values are within their ranges.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] says what was expected.
    pub fn checked(self) -> Result<Self, CommandError> {
        match &self {
            Self::Submit(submission) => {
                router(&submission.router)?;
                submission.key.as_deref().map_or(Ok(()), |key| text("key", key, MAX_NAME + 32))?;
            }
            Self::Cancel { why, .. } | Self::EndTrial { why, .. } => text("reason", why, MAX_TEXT)?,
            Self::Answer { text: answer, by, .. } => {
                text("answer", answer, MAX_TEXT)?;
                text("name", by, MAX_NAME)?;
            }
            Self::Feedback { score, note, by, .. } => {
                within("score", *score, 0.0..=1.0)?;
                text("note", note, MAX_TEXT)?;
                text("name", by, MAX_NAME)?;
            }
            Self::PutAgent { card: new } => card(new)?,
            Self::PutPlugin(row) => {
                name("plugin", &row.name)?;
                text("digest", &row.digest, MAX_NAME)?;
                list("grants", &row.grants)?;
            }
            Self::RemovePlugin { name: plugin } => name("plugin", plugin)?,
            Self::UseRouter { router: choice, .. } => router(choice)?,
            Self::StartTrial { router: choice, terms } => {
                router(choice)?;
                trial(terms)?;
            }
            Self::MoveTrial { stage, .. } => shares(*stage)?,
            Self::Promote { router: choice, why } => {
                choice.as_ref().map_or(Ok(()), router)?;
                text("reason", why, MAX_TEXT)?;
            }
            Self::Backtest(asked) => {
                router(&asked.router)?;
                within("margin", asked.margin, 0.0..=100.0)?;
                if !(asked.level > 0.5 && asked.level < 1.0) {
                    return invalid(format!("a level is above 0.5 and below 1, not {}", asked.level));
                }
            }
            Self::Amend { .. }
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Retry { .. }
            | Self::Drop { .. }
            | Self::SetStanding { .. }
            | Self::RemoveAgent { .. }
            | Self::Consolidate
            | Self::ForgetNote { .. }
            | Self::Drain => {}
        }
        Ok(self)
    }
}

/// Errors of a plan that are told.
const TOLD: usize = 20;

fn sound(plan: &Plan) -> Result<Plan, CommandError> {
    let errors = match load::sound(plan) {
        Ok(plan) => return Ok(plan),
        Err(PlanErrors(errors)) => errors,
    };
    let told: Vec<String> = errors.iter().take(TOLD).map(ToString::to_string).collect();
    let count = errors.len();
    let more = if count > TOLD { format!("\nthe plan has {count} errors") } else { String::new() };
    invalid(told.join("\n") + &more)
}

fn invalid<T>(what: String) -> Result<T, CommandError> {
    Err(CommandError::Invalid { what })
}

fn text(what: &str, text: &str, most: usize) -> Result<(), CommandError> {
    if text.len() <= most {
        return Ok(());
    }
    invalid(format!("a {what} has at most {most} bytes, not {}", text.len()))
}

fn name(what: &str, text: &str) -> Result<(), CommandError> {
    if text.is_empty() {
        return invalid(format!("a {what} needs a name"));
    }
    self::text("name", text, MAX_NAME)
}

fn list(what: &str, entries: &[String]) -> Result<(), CommandError> {
    if entries.len() > MAX_LIST {
        return invalid(format!("at most {MAX_LIST} {what}, not {}", entries.len()));
    }
    entries.iter().try_for_each(|entry| text("name", entry, MAX_NAME))
}

fn within(what: &str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<(), CommandError> {
    if range.contains(&value) {
        return Ok(());
    }
    invalid(format!("a {what} is {:.1} to {:.1}, not {value}", range.start(), range.end()))
}

fn router(choice: &RouterChoice) -> Result<(), CommandError> {
    name("router", &choice.name)?;
    text("digest", &choice.digest, MAX_NAME)
}

fn card(card: &Card) -> Result<(), CommandError> {
    name("agent", &card.name)?;
    name("adapter", &card.adapter)?;
    list("skills", &card.skills)?;
    list("tracks", &card.tracks)?;
    if card.config.len() > MAX_LIST {
        return invalid(format!("at most {MAX_LIST} settings, not {}", card.config.len()));
    }
    for (key, value) in &card.config {
        text("name", key, MAX_NAME)?;
        text("setting", value, MAX_TEXT)?;
    }
    if card.capacity <= MAX_CAPACITY && card.capacity > 0 {
        return Ok(());
    }
    invalid(format!("agent {} needs a capacity of 1 to {MAX_CAPACITY}, not {}", card.name, card.capacity))
}

fn trial(terms: &TrialTerms) -> Result<(), CommandError> {
    shares(terms.stage)?;
    if !(terms.alpha > 0.0 && terms.alpha < 0.5) {
        return invalid(format!("alpha is above 0 and below 0.5, not {}", terms.alpha));
    }
    let guards = [terms.guards.acceptance, terms.guards.latency, terms.guards.cost];
    for guard in guards {
        within("tolerance of a guard", guard.tolerance, 0.0..=1000.0)?;
        within("alpha of a guard", guard.alpha, 0.0..=0.5)?;
    }
    if terms.probation == 0 {
        return invalid("a probation has at least 1 attempt".to_owned());
    }
    Ok(())
}

fn shares(stage: TrialPhase) -> Result<(), CommandError> {
    let share = match stage {
        TrialPhase::Shadow => return Ok(()),
        TrialPhase::Split { share } => share,
        TrialPhase::Probation { holdback } => holdback,
    };
    if share > 0.0 && share < 1.0 {
        return Ok(());
    }
    invalid(format!("a share is above 0 and below 1, not {share}"))
}
