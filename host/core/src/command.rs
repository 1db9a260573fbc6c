//! Commands that clients may send to a host: a closed set, validated before anything acts on it. The store operations
//! that carry them out belong to the engine and never cross a wire, so that no client can end an attempt, bill one or
//! write a fact.

mod error;

pub use error::CommandError;

use serde::{Deserialize, Serialize};

use crate::agent::{Card, Standing};
use crate::event::TrialEnding;
use crate::excerpt::{MESSAGE, NAME, excerpt};
use crate::id::{AgentId, QuestionId, RunId, TaskId};
use crate::op::{PluginRow, RouterChoice, Submission, TrialTerms};
use crate::plan::Plan;
use crate::plan::error::PlanErrors;
use crate::plan::load;
use crate::trial::TrialPhase;

/// Maximum size of a command as JSON, in bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// Maximum size of a text that a person writes, such as a reason, an answer or a note, in bytes.
const MAX_TEXT: usize = 64 << 10;
/// Maximum number of entries of a list in an agent's card or in a plugin's grants.
const MAX_LIST: usize = 1024;
/// Maximum capacity of an agent, in concurrent attempts.
const MAX_CAPACITY: u32 = 100_000;

/// What clients may ask a host to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Opens a run, or returns the one that the same key opened before.
    Submit(Box<Submission>),
    /// Makes a run follow another version of its plan, entirely or not at all.
    Amend {
        /// The run.
        run: RunId,
        /// The whole new version.
        plan: Box<Plan>,
    },
    /// Starts nothing new of it; running attempts finish.
    Pause(Target),
    /// Ends a pause.
    Resume(Target),
    /// Cancels a run's or a task's work; running attempts are asked to stop.
    Cancel {
        /// The run or the task.
        target: Target,
        /// Recorded for people.
        why: String,
    },
    /// Runs a failed, cancelled or skipped task again, with its attempts reset.
    Retry {
        /// A failed, cancelled or skipped task.
        task: TaskId,
    },
    /// Gives up a dead letter: its dependents are skipped.
    Drop {
        /// The dead letter.
        task: TaskId,
    },
    /// Answers a question.
    Answer {
        /// The question's id.
        question: QuestionId,
        /// One of the question's choices, if it has any.
        text: String,
        /// A person's name.
        by: String,
    },
    /// Adds a person's rating of a task's outcome.
    Feedback {
        /// The task.
        task: TaskId,
        /// 0.0 to 1.0.
        score: f64,
        /// Free text; may be empty.
        note: String,
        /// A person's name.
        by: String,
    },
    /// Registers an agent, or replaces the card of that name.
    PutAgent {
        /// What its operator declares.
        card: Box<Card>,
    },
    /// Drains or resumes an agent.
    SetStanding {
        /// The agent.
        agent: AgentId,
        /// Whether it takes new work from now on.
        standing: Standing,
    },
    /// Takes an agent out of the registry.
    RemoveAgent {
        /// The agent.
        agent: AgentId,
    },
    /// Installs a plugin, or replaces the one of that name.
    PutPlugin(Box<PluginRow>),
    /// Uninstalls a plugin.
    RemovePlugin {
        /// The plugin's name.
        name: String,
    },
    /// Gives a run another router, from its next decision on.
    UseRouter {
        /// The run.
        run: RunId,
        /// The router.
        router: RouterChoice,
    },
    /// Starts a trial of a router against the one that each run uses.
    StartTrial {
        /// The candidate.
        router: RouterChoice,
        /// First phase, limits and error rates.
        terms: Box<TrialTerms>,
    },
    /// Takes a trial to another phase.
    MoveTrial {
        /// The trial's number.
        trial: i64,
        /// The phase from now on.
        stage: TrialPhase,
    },
    /// Ends a trial.
    EndTrial {
        /// The trial's number.
        trial: i64,
        /// Whether the candidate is promoted.
        ending: TrialEnding,
        /// Recorded for people.
        why: String,
    },
    /// Makes a router the default, or restores the one before.
    Promote {
        /// None = back to the one before.
        router: Option<RouterChoice>,
        /// Recorded for people.
        why: String,
    },
    /// Replays recorded decisions with another router and records which did better.
    Backtest(Backtest),
    /// Adds newly completed attempts to what the analyses read.
    Consolidate,
    /// Suppresses a note, also if the same refusals occur again.
    ForgetNote {
        /// The note's number.
        note: i64,
    },
    /// Stops the host once its running attempts have ended.
    Drain,
}

/// What a pause, a resumption or a cancellation applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Every task of a run.
    Run(RunId),
    /// One task.
    Task(TaskId),
}

/// The decisions to backtest a router on, and the criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    /// The router under test.
    pub router: RouterChoice,
    /// Only decisions of this run; none = of all runs.
    pub run: Option<RunId>,
    /// How far back, in milliseconds; none = all that is recorded.
    pub since_ms: Option<u64>,
    /// Tolerated loss of acceptance, in percentage points, 0 to 100.
    pub margin: f64,
    /// Level of the intervals, above 0.5 and below 1.
    pub level: f64,
    /// Whether the result is recorded, for promotions that require one.
    pub recorded: bool,
}

impl Command {
    /// Validates a command from outside this process. Its plan, if it has one, is checked against the schema and the
    /// rules of plans.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] if the plan has errors or a value is out of its range.
    pub fn from_outside(mut self) -> Result<Self, CommandError> {
        if let Self::Submit(submission) = &mut self {
            submission.plan = sound(&submission.plan)?;
        }
        if let Self::Amend { plan, .. } = &mut self {
            **plan = sound(plan)?;
        }
        let command = self.checked()?;
        command.components()?;
        Ok(command)
    }

    /// A digest becomes part of a path, and a plugin's name of a table in the configuration: neither is taken from a wire
    /// as it comes.
    fn components(&self) -> Result<(), CommandError> {
        match self {
            Self::Submit(submission) => digest(&submission.router.digest),
            Self::UseRouter { router, .. } | Self::StartTrial { router, .. } => digest(&router.digest),
            Self::Promote { router, .. } => router.as_ref().map_or(Ok(()), |router| digest(&router.digest)),
            Self::Backtest(asked) => digest(&asked.router.digest),
            Self::PutPlugin(row) => {
                plugin_name(&row.name)?;
                digest(&row.digest)
            }
            Self::Amend { .. }
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Cancel { .. }
            | Self::Retry { .. }
            | Self::Drop { .. }
            | Self::Answer { .. }
            | Self::Feedback { .. }
            | Self::PutAgent { .. }
            | Self::SetStanding { .. }
            | Self::RemoveAgent { .. }
            | Self::RemovePlugin { .. }
            | Self::MoveTrial { .. }
            | Self::EndTrial { .. }
            | Self::Consolidate
            | Self::ForgetNote { .. }
            | Self::Drain => Ok(()),
        }
    }

    /// Whether it has the host look through the record, for minutes maybe.
    #[must_use]
    pub fn is_long(&self) -> bool {
        matches!(self, Self::Backtest(_) | Self::Consolidate)
    }

    /// Whether carrying it out twice is the same as once, so that it may be sent again when the answer was lost.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Submit(submission) => submission.key.is_some(),
            Self::Amend { .. }
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::PutAgent { .. }
            | Self::SetStanding { .. }
            | Self::PutPlugin(_)
            | Self::UseRouter { .. }
            | Self::Consolidate => true,
            Self::Cancel { .. }
            | Self::Retry { .. }
            | Self::Drop { .. }
            | Self::Answer { .. }
            | Self::Feedback { .. }
            | Self::RemoveAgent { .. }
            | Self::RemovePlugin { .. }
            | Self::StartTrial { .. }
            | Self::MoveTrial { .. }
            | Self::EndTrial { .. }
            | Self::Promote { .. }
            | Self::Backtest(_)
            | Self::ForgetNote { .. }
            | Self::Drain => false,
        }
    }

    /// Validates the command's values.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] for the first value that is out of its range.
    pub fn checked(self) -> Result<Self, CommandError> {
        match &self {
            Self::Submit(submission) => {
                router(&submission.router)?;
                submission.key.as_deref().map_or(Ok(()), |key| text("key", key, NAME + 32))?;
            }
            Self::Cancel { why, .. } | Self::EndTrial { why, .. } => text("reason", why, MAX_TEXT)?,
            Self::Answer { text: answer, by, .. } => {
                text("answer", answer, MAX_TEXT)?;
                text("name", by, NAME)?;
            }
            Self::Feedback { score, note, by, .. } => {
                within("score", *score, 0.0..=1.0)?;
                text("note", note, MAX_TEXT)?;
                text("name", by, NAME)?;
            }
            Self::PutAgent { card: new } => card(new)?,
            Self::PutPlugin(row) => {
                name("plugin", &row.name)?;
                text("digest", &row.digest, NAME)?;
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

/// Maximum number of a plan's errors that are reported.
const MAX_ERRORS: usize = 20;

fn sound(plan: &Plan) -> Result<Plan, CommandError> {
    let errors = match load::sound(plan) {
        Ok(plan) => return Ok(plan),
        Err(PlanErrors(errors)) => errors,
    };
    let shown: Vec<String> = errors.iter().take(MAX_ERRORS).map(ToString::to_string).collect();
    let count = errors.len();
    let more = if count > MAX_ERRORS { format!("\nthe plan has {count} errors") } else { String::new() };
    invalid(excerpt(shown.join("\n"), MESSAGE) + &more)
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
    if text.chars().any(char::is_control) {
        return invalid(format!("a name has no control characters: {:?}", excerpt(text, 64)));
    }
    self::text("name", text, NAME)
}

/// A name that can be part of a file's name and of a table's in the configuration.
///
/// # Errors
/// [`CommandError::Invalid`] for any other.
pub fn plugin_name(name: &str) -> Result<(), CommandError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_plain) && name.len() <= 64
    {
        return Ok(());
    }
    let expected = "expected at most 64 letters, digits, dashes and underscores, the first a letter or digit";
    invalid(format!("{:?} is no name for a plugin: {expected}", excerpt(name, 64)))
}

fn digest(digest: &str) -> Result<(), CommandError> {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    match digest.strip_prefix("blake3:") {
        Some(hex) if hex.len() == 64 && hex.chars().all(is_hex) => Ok(()),
        Some(_) | None => {
            let expected = "expected blake3: and 64 hexadecimal digits";
            invalid(format!("{:?} is no digest of a component: {expected}", excerpt(digest, 80)))
        }
    }
}

fn list(what: &str, entries: &[String]) -> Result<(), CommandError> {
    if entries.len() > MAX_LIST {
        return invalid(format!("at most {MAX_LIST} {what}, not {}", entries.len()));
    }
    entries.iter().try_for_each(|entry| text("name", entry, NAME))
}

fn within(what: &str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<(), CommandError> {
    if range.contains(&value) {
        return Ok(());
    }
    invalid(format!("a {what} is {:.1} to {:.1}, not {value}", range.start(), range.end()))
}

fn router(choice: &RouterChoice) -> Result<(), CommandError> {
    name("router", &choice.name)?;
    text("digest", &choice.digest, NAME)
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
        text("name", key, NAME)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn what(command: Command) -> String {
        match command.from_outside() {
            Err(CommandError::Invalid { what }) => what,
            other => panic!("expected a command that is not valid, not {other:?}"),
        }
    }

    #[test]
    fn a_value_out_of_its_range_is_refused_with_the_range() {
        let feedback =
            |score: f64| Command::Feedback { task: TaskId(1), score, note: String::new(), by: String::new() };
        assert_eq!(what(feedback(1.5)), "a score is 0.0 to 1.0, not 1.5");
        assert_eq!(what(feedback(f64::NAN)), "a score is 0.0 to 1.0, not NaN");
        assert!(feedback(1.0).from_outside().is_ok());
        let share = |share: f64| Command::MoveTrial { trial: 1, stage: TrialPhase::Split { share } };
        assert_eq!(what(share(1.0)), "a share is above 0 and below 1, not 1");
        assert!(share(0.5).from_outside().is_ok());
        let why = "x".repeat(MAX_TEXT + 1);
        let cancel = Command::Cancel { target: Target::Run(RunId(1)), why };
        assert_eq!(what(cancel), "a reason has at most 65536 bytes, not 65537");
    }

    #[test]
    fn components_are_named_by_what_can_be_part_of_a_path() {
        let choice = |digest: &str| RouterChoice { name: "r".into(), digest: digest.to_owned() };
        let chosen = |digest: &str| Command::UseRouter { run: RunId(1), router: choice(digest) };
        for odd in ["../../etc/passwd", "blake3:00", &format!("blake3:{}", "G".repeat(64))] {
            assert!(what(chosen(odd)).ends_with("expected blake3: and 64 hexadecimal digits"));
        }
        let sound = format!("blake3:{}", "0".repeat(64));
        assert!(chosen(&sound).from_outside().is_ok());
        let row = |name: &str| {
            let (name, kind) = (name.to_owned(), crate::kind::Kind::Router);
            Command::PutPlugin(Box::new(PluginRow { name, kind, digest: sound.clone(), grants: Vec::new() }))
        };
        for odd in ["", "-x", "a/b", "evil\0", "x.y"] {
            assert!(matches!(row(odd).from_outside(), Err(CommandError::Invalid { .. })), "{odd:?}");
        }
        assert!(row("my-router_2").from_outside().is_ok());
    }

    #[test]
    fn a_plan_from_outside_is_put_in_order_or_refused() {
        let plan = |ids: &[&str]| Plan {
            name: "p".into(),
            workstreams: ids.iter().map(|id| crate::plan::Workstream::named(*id)).collect(),
        };
        let amend = |plan: Plan| Command::Amend { run: RunId(1), plan: Box::new(plan) };
        assert_eq!(amend(plan(&["b", "a"])).from_outside(), Ok(amend(plan(&["a", "b"]))));
        assert_eq!(
            what(amend(plan(&["a", "a"]))),
            "the plan#/workstreams/1/id: the id \"a\" is taken (the first is in the plan/workstreams/0)"
        );
        assert!(what(amend(plan(&[]))).contains("expected at least one workstream"));
    }

    /// What a host reads is what this says: an old client's command is understood, or refused, for what it is.
    #[test]
    fn the_form_of_a_command_is_its_name_and_its_members() {
        let json = |command: &Command| serde_json::to_string(command).expect("plain data");
        assert_eq!(json(&Command::Drain), "\"drain\"");
        assert_eq!(json(&Command::Pause(Target::Task(TaskId(7)))), "{\"pause\":{\"task\":7}}");
        let unknown = serde_json::from_str::<Command>("{\"finish\":{\"task\":7}}");
        assert!(unknown.is_err_and(|why| why.to_string().starts_with("unknown variant `finish`")));
        let more = serde_json::from_str::<Command>("{\"retry\":{\"task\":7,\"epoch\":1}}");
        assert!(more.is_err_and(|why| why.to_string().starts_with("unknown field `epoch`")));
    }
}
