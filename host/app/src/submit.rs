//! Submitting a plan: which run it is, who decides in it, and whether all that it names is there.

mod dry_run;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use baton_core::command::Command;
use baton_core::id::RunId;
use baton_core::op::Submission;
use baton_core::plan::{Plan, check};
use baton_core::seed::Seed;
use baton_engine::command::Reply;
use baton_plugin::library::Library;
use baton_store::Reader;
use baton_store::read::{self, routing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{self, Config};
use crate::host::Setup;
use crate::{App, AppError, routers};

pub use dry_run::{DryRun, PlannedTask};

/// A plan, and how it is to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// What is to be done.
    #[serde(deserialize_with = "crate::runs::sound")]
    pub plan: Plan,
    /// Where the plan is from, such as its path: the same plan of the same source finds the run that it opened; none = it
    /// always opens another.
    pub source: Option<String>,
    /// Open another run although this plan was run before.
    #[serde(default)]
    pub again: bool,
    /// The routing strategy of the run: a name, or the path of a component; none = the usual one.
    pub router: Option<String>,
    /// What all randomness of the run is derived from; none = from the plan.
    pub seed: Option<u64>,
}

/// A run that was opened or found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submitted {
    /// The run, such as `r1`.
    pub run: RunId,
    /// Whether it was opened now.
    pub fresh: bool,
    /// Who decides in it.
    pub router: String,
}

pub(crate) fn submit(app: &App, asked: &Submit) -> Result<Submitted, AppError> {
    submitted(app, prepared(app, asked)?.submission)
}

/// Hands a submission over. Where no host runs, the agents of the configuration are left with it.
///
/// # Errors
/// The plan changed since its key opened a run, or the store can't be written.
pub fn submitted(app: &App, submission: Submission) -> Result<Submitted, AppError> {
    let router = submission.router.name.clone();
    let (run, fresh) = opened(app.command(Command::Submit(Box::new(submission)))?)?;
    if !app.is_hosted() {
        for card in &app.config.agents {
            match app.command(Command::PutAgent { card: Box::new(card.clone()) }) {
                // Its adapter is not there: the host that carries the run out leaves it out as well, and says so.
                Ok(_) | Err(AppError::NotFound { .. }) => {}
                Err(why) => return Err(why),
            }
        }
    }
    Ok(Submitted { run, fresh, router })
}

/// The run of a submission, and whether it is new.
///
/// # Errors
/// The answer is of another command.
pub fn opened(reply: Reply) -> Result<(RunId, bool), AppError> {
    match reply {
        Reply::Run { run, fresh } => Ok((run, fresh)),
        other => Err(other.unexpected().into()),
    }
}

/// What is submitted for a request, and the plugins that it was held against.
pub struct Prepared {
    /// As it is handed to a host, or carried out by this process.
    pub submission: Submission,
    library: Arc<Library>,
}

impl Prepared {
    /// What a host of this process is to be started with, to carry it out.
    #[must_use]
    pub fn setup(self, config: &Config) -> Setup {
        Setup::of(config, self.library)
    }

    /// Who of the configuration's agents would do what, and when. Nothing is written.
    ///
    /// # Errors
    /// The router can't be loaded, or the store that is made in memory failed.
    pub fn dry_run(&self, config: &Config) -> Result<DryRun, AppError> {
        dry_run::play(&self.submission, config, &self.library)
    }
}

/// All that the plan names must be there before anything starts.
///
/// # Errors
/// A plugin that the plan or the request names is not there, or the store can't be read.
pub fn prepared(app: &App, asked: &Submit) -> Result<Prepared, AppError> {
    let library = app.library()?;
    let submission = submission(app, asked, &library)?;
    Ok(Prepared { submission, library })
}

fn submission(app: &App, asked: &Submit, library: &Library) -> Result<Submission, AppError> {
    check_plugins(&asked.plan, library)?;
    let conn = app.reader_if_any()?;
    let router = match &asked.router {
        Some(name) => routers::chosen(name, library)?,
        None => routers::usual(app, conn.as_ref(), library)?,
    };
    let key = asked.source.as_deref().map(|source| key(source, conn.as_ref(), asked.again)).transpose()?;
    let seed = Seed(asked.seed.unwrap_or_else(|| seed_of(&asked.plan)));
    Ok(Submission { plan: asked.plan.clone(), seed, router, key })
}

fn check_plugins(plan: &Plan, library: &Library) -> Result<(), AppError> {
    let executors: BTreeSet<&String> =
        plan.workstreams.iter().filter_map(|one| one.executor.as_ref()).collect();
    let validators: BTreeSet<&String> =
        plan.workstreams.iter().flat_map(|one| &one.validators).map(|one| &one.uses).collect();
    let executors = executors.into_iter().filter_map(|name| library.executor(name).err());
    let validators = validators.into_iter().filter_map(|name| library.validator(name).err());
    let wrong: Vec<String> = executors.chain(validators).map(|why| why.to_string()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(AppError::invalid(wrong.join("\n"))) }
}

/// The same source finds the run that it opened; `again` opens the next one.
fn key(source: &str, conn: Option<&Reader>, again: bool) -> Result<String, AppError> {
    let times = match conn {
        None => 0,
        Some(conn) => read::times_run(conn, source).map_err(AppError::unreadable)?,
    };
    Ok(numbered(source, times, again))
}

fn numbered(source: &str, times: usize, again: bool) -> String {
    format!("{source}#{}", if again { times + 1 } else { times.max(1) })
}

/// A plan file's or folder's path, as the source of its runs.
#[must_use]
pub fn source(plan: &Path) -> String {
    plan.canonicalize().unwrap_or_else(|_| plan.to_owned()).to_string_lossy().into_owned()
}

/// The default seed.
fn seed_of(plan: &Plan) -> u64 {
    let digest = plan.digest();
    u64::from_str_radix(digest.get(..16).unwrap_or("0"), 16).unwrap_or(0)
}

/// The run in which a router gave way before, and why: it is asked again now.
///
/// # Errors
/// The store can't be read.
pub fn gave_way(app: &App, submission: &Submission) -> Result<Option<String>, AppError> {
    let Some(conn) = app.reader_if_any()? else { return Ok(None) };
    let router = &submission.router;
    let found = routing::gave_way(&conn, &router.digest).map_err(AppError::unreadable)?;
    Ok(found
        .map(|(run, why)| format!("router {} failed in {run} and is asked again now: {why}", router.name)))
}

/// There must be agents. What none of them can do is returned as a warning to show before anything starts; the rest is done
/// all the same.
///
/// # Errors
/// There are no agents at all, or the store can't be read.
pub fn doubts(app: &App, plan: &Plan) -> Result<Option<String>, AppError> {
    let agents = app.agents()?;
    if agents.is_empty() {
        return Err(AppError::invalid(nobody(&app.config)));
    }
    let undoable = check::unassignable(plan, &agents);
    Ok(undoable.first().map(|(id, lacks)| {
        let more = match undoable.len() {
            1 => String::new(),
            count => format!(" (and {} more: `baton plan check` names them)", count - 1),
        };
        format!("no agent can do {id}{more}, and the run will wait for one: {lacks}")
    }))
}

fn nobody(config: &Config) -> String {
    let file = config.folder.join(config::NAME);
    if file.exists() {
        let file = file.display();
        return format!(
            "{file} has no [agents]: nobody would do the work; `baton init` in an empty folder shows one"
        );
    }
    format!(
        "there is no {} in or above {}, so nobody would do the work: `baton init` writes one with two agents",
        config::NAME,
        config.folder.display()
    )
}

/// Other runs that a host of the store carries out as well: those that are open and not paused.
///
/// # Errors
/// The store can't be read.
pub fn others(app: &App, own: RunId) -> Result<Vec<RunId>, AppError> {
    let runs = read::runs(&app.reader()?).map_err(AppError::unreadable)?.into_iter();
    let open = runs.filter(|run| run.id != own && run.settled.is_none() && !run.held);
    Ok(open.map(|run| run.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_finds_its_last_run_unless_another_is_asked_for() {
        let keys = [(0, false), (0, true), (3, false), (3, true)];
        let keys = keys.map(|(times, again)| numbered("/a/plan.json", times, again));
        assert_eq!(keys, ["/a/plan.json#1", "/a/plan.json#1", "/a/plan.json#3", "/a/plan.json#4"]);
    }
}
