//! Operations that say which router decides, and the way of a new one from deciding nothing to deciding everything.

use baton_core::command::{Backtest, Command};
use baton_core::event::{Fact, TrialEnding};
use baton_core::id::RunId;
use baton_core::op::RouterChoice;
use baton_core::span::Span;
use baton_core::trial::TrialPhase;
use baton_engine::command::Reply;
use baton_engine::replay::judged::Backtested;
use baton_plugin::library::Library;
use baton_plugin::router::LEAST_LOADED;
use baton_store::Reader;
use baton_store::read::routing::{self, TrialRow};
use baton_store::read::{self, history};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ladder::Ladder;
use crate::{App, AppError, target};

/// A router, and the run for which it is to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterUse {
    /// A bundled or installed router, or the path of a component.
    pub router: String,
    /// The run; none = the newest.
    pub run: Option<String>,
}

/// Who decides for a run from its next decision on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouterUsed {
    /// The run, such as `r1`.
    pub run: String,
    /// The router's name, or the absolute path of its component.
    pub router: String,
}

pub(crate) fn use_for_run(app: &App, asked: &RouterUse) -> Result<RouterUsed, AppError> {
    let conn = app.reader()?;
    let run = target::run(&conn, asked.run.as_deref())?;
    if read::run(&conn, run).map_err(AppError::unreadable)?.is_some_and(|run| run.settled.is_some()) {
        return Err(AppError::refused(format!("{run} has ended: there is nothing left to decide in it")));
    }
    let router = chosen(&asked.router, &*app.library()?)?;
    let name = router.name.clone();
    app.command(Command::UseRouter { run, router })?;
    Ok(RouterUsed { run: run.to_string(), router: name })
}

/// Whether this name stands for the choice that the host makes where no router decides: the least loaded agent.
#[must_use]
pub fn is_built_in(router: &str) -> bool {
    router == LEAST_LOADED
}

/// A router by name or file, pinned to its content. A component's path is made absolute, because hosts run elsewhere.
///
/// # Errors
/// There is no such router, or it can't be loaded.
pub fn chosen(name: &str, library: &Library) -> Result<RouterChoice, AppError> {
    let name = match std::path::absolute(name) {
        Ok(path) if name.ends_with(".wasm") => path.to_string_lossy().into_owned(),
        Ok(_) | Err(_) => name.to_owned(),
    };
    let router = library.router(&name)?;
    Ok(RouterChoice { digest: router.digest().to_owned(), name })
}

/// The router of runs that name none: the promoted one, or else the configured one.
///
/// # Errors
/// The store can't be read, or the configured router can't be loaded.
pub fn usual(app: &App, conn: Option<&Reader>, library: &Library) -> Result<RouterChoice, AppError> {
    let promoted = conn.map(routing::office).transpose().map_err(AppError::unreadable)?.flatten();
    match promoted {
        // It came with another binary, or its file is gone: its name stands for its successor, as in runs that go on.
        Some(RouterChoice { name, digest })
            if library.check_router(&name, &digest).is_err()
                && library.successor(&name, &digest).is_some() =>
        {
            chosen(&name, library)
        }
        Some(promoted) => Ok(promoted),
        None => chosen(&app.config.router, library),
    }
}

/// A router that is to be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterName {
    /// A bundled or installed router, or the path of a component.
    pub router: String,
}

/// A router that is to decide about a share of the tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterShare {
    /// A bundled or installed router, or the path of a component.
    pub router: String,
    /// The share of the tasks that it decides, above 0 and below 1; none = `[router] share` of the configuration.
    pub share: Option<f64>,
}

/// A router that is to decide everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// The router; none = the one on trial.
    pub router: Option<String>,
    /// Without probation.
    #[serde(default)]
    pub at_once: bool,
    /// Although it has not shown what the configuration requires.
    #[serde(default)]
    pub force: bool,
}

/// The end of a trial, or of a promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// For the record.
    pub why: String,
}

/// What a router decides from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum RouterMoved {
    /// Nothing: it is asked beside every decision.
    Shadow {
        /// Its name, or the absolute path of its component.
        router: String,
    },
    /// A share of the tasks.
    Split {
        /// Its name, or the absolute path of its component.
        router: String,
        /// Above 0 and below 1.
        share: f64,
    },
    /// All but the holdback, and everything after a number of attempts without a breach.
    Probation {
        /// Its name, or the absolute path of its component.
        router: String,
        /// The share that stays with the old router, above 0 and below 1.
        holdback: f64,
        /// That number.
        attempts: u64,
    },
    /// Everything, unless a run names another.
    Promoted {
        /// Its name, or the absolute path of its component.
        router: String,
    },
    /// Nothing any more: its trial has ended.
    RolledBack {
        /// Its name, or the absolute path of its component.
        router: String,
    },
    /// The router before the promoted one decides again.
    Restored,
}

/// The store, and the trial that goes on in it.
struct Trials<'a> {
    app: &'a App,
    conn: Reader,
    going_on: Option<TrialRow>,
}

impl<'a> Trials<'a> {
    fn of(app: &'a App) -> Result<Self, AppError> {
        let conn = app.reader()?;
        let going_on = routing::trial(&conn).map_err(AppError::unreadable)?;
        Ok(Self { app, conn, going_on })
    }

    /// The trial that goes on, if it is of this router.
    fn of_router(&self, router: &RouterChoice) -> Option<&TrialRow> {
        self.going_on.as_ref().filter(|row| row.router == *router)
    }

    /// Begins a stage for a router: of the trial that it has, or of a new one.
    fn enter(&self, router: RouterChoice, stage: TrialPhase, library: &Library) -> Result<(), AppError> {
        if usual(self.app, Some(&self.conn), library)? == router {
            return Err(AppError::refused(format!("{} decides already", router.name)));
        }
        self.app.command(match self.of_router(&router) {
            Some(row) => Command::MoveTrial { trial: row.id, stage },
            None => Command::StartTrial { router, terms: Box::new(self.app.config.ladder.terms(stage)) },
        })?;
        Ok(())
    }
}

pub(crate) fn shadow(app: &App, asked: &RouterName) -> Result<RouterMoved, AppError> {
    let (trials, library) = (Trials::of(app)?, app.library()?);
    trials.enter(chosen(&asked.router, &library)?, TrialPhase::Shadow, &library)?;
    Ok(RouterMoved::Shadow { router: asked.router.clone() })
}

pub(crate) fn split(app: &App, asked: &RouterShare) -> Result<RouterMoved, AppError> {
    let share = asked.share.unwrap_or(app.config.ladder.share);
    if !(share > 0.0 && share < 1.0) {
        return Err(AppError::invalid(format!("a share is above 0 and below 1, not {share}")));
    }
    let (trials, library) = (Trials::of(app)?, app.library()?);
    trials.enter(chosen(&asked.router, &library)?, TrialPhase::Split { share }, &library)?;
    Ok(RouterMoved::Split { router: asked.router.clone(), share })
}

pub(crate) fn promote(app: &App, asked: &Promotion) -> Result<RouterMoved, AppError> {
    let (trials, library) = (Trials::of(app)?, app.library()?);
    let router = match (&asked.router, &trials.going_on) {
        (Some(name), _) => chosen(name, &library)?,
        (None, Some(row)) => row.router.clone(),
        (None, None) => {
            return Err(AppError::invalid("no router is on trial: name the one to promote"));
        }
    };
    if !asked.force {
        Shown::of(&trials.conn, &router)?.suffices(&app.config.ladder, &router.name)?;
    }
    let name = router.name.clone();
    if !asked.at_once {
        let Ladder { holdback, probation, .. } = app.config.ladder;
        // A trial keeps the probation that it began with.
        let attempts = trials.of_router(&router).map_or(probation, |row| row.terms.probation);
        trials.enter(router, TrialPhase::Probation { holdback }, &library)?;
        return Ok(RouterMoved::Probation { router: name, holdback, attempts });
    }
    let why = "a person asked for it".to_owned();
    app.command(match trials.of_router(&router) {
        Some(row) => Command::EndTrial { trial: row.id, ending: TrialEnding::Promoted, why },
        None => Command::Promote { router: Some(router), why },
    })?;
    Ok(RouterMoved::Promoted { router: name })
}

/// What a router has shown so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    /// Whether it won its last backtest, and the text of that.
    backtest: Option<(bool, String)>,
    /// Decisions beside the ones that were followed.
    shadowed: u64,
}

impl Shown {
    /// Of exactly this component.
    fn of(conn: &Reader, router: &RouterChoice) -> Result<Self, AppError> {
        let events = history::of_kind(conn, "router-judged").map_err(AppError::unreadable)?;
        let backtest = events.into_iter().rev().find_map(|event| match event.fact {
            Fact::RouterJudged { digest, won, why, .. } if digest == router.digest => Some((won, why)),
            _ => None,
        });
        let mut shadowed = 0;
        let trials = routing::trials(conn).map_err(AppError::unreadable)?;
        for row in trials.iter().filter(|row| row.router == *router) {
            shadowed += routing::shadows(conn, row.id).map_err(AppError::unreadable)?.len() as u64;
        }
        Ok(Self { backtest, shadowed })
    }

    /// Whether the configuration lets it be promoted.
    fn suffices(&self, ladder: &Ladder, router: &str) -> Result<(), AppError> {
        if ladder.require_backtest {
            match &self.backtest {
                Some((true, _)) => {}
                Some((false, why)) => {
                    return Err(AppError::refused(format!("{router} did not win its last backtest: {why}")));
                }
                None => {
                    return Err(AppError::refused(format!(
                        "[router] require-backtest: baton router backtest {router} comes first"
                    )));
                }
            }
        }
        let (shadowed, required) = (self.shadowed, ladder.require_shadow);
        if shadowed < required {
            return Err(AppError::refused(format!(
                "[router] require-shadow = {required}: it has decided {shadowed} times in the shadow so far (baton router shadow \
                 {router})"
            )));
        }
        Ok(())
    }
}

pub(crate) fn rollback(app: &App, asked: &Rollback) -> Result<RouterMoved, AppError> {
    let why = asked.why.clone();
    let (command, moved) = match Trials::of(app)?.going_on {
        Some(row) => (
            Command::EndTrial { trial: row.id, ending: TrialEnding::RolledBack, why },
            RouterMoved::RolledBack { router: row.router.name },
        ),
        None => (Command::Promote { router: None, why }, RouterMoved::Restored),
    };
    app.command(command)?;
    Ok(moved)
}

/// What a router is tried on, and what counts as no worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestQuery {
    /// A bundled or installed router, or the path of a component.
    pub router: String,
    /// How far back, such as `7d`; none = all that is recorded.
    pub since: Option<Span>,
    /// Decisions of this run only.
    pub run: Option<String>,
    /// How many points of acceptance it may lose and still count as no worse.
    pub margin: f64,
    /// Of the intervals, above 0.5 and below 1.
    pub level: f64,
    /// Do not note the finding for promotions.
    #[serde(default)]
    pub dry: bool,
}

pub(crate) fn backtest(app: &App, asked: &BacktestQuery) -> Result<Backtested, AppError> {
    if !(asked.level > 0.5 && asked.level < 1.0) {
        return Err(AppError::invalid(format!("a level is above 0.5 and below 1, not {}", asked.level)));
    }
    let conn = app.reader()?;
    let run: Option<RunId> = asked.run.as_deref().map(|run| target::run(&conn, Some(run))).transpose()?;
    let backtest = Backtest {
        router: chosen(&asked.router, &*app.library()?)?,
        run,
        since_ms: asked.since.map(Span::millis),
        margin: asked.margin,
        level: asked.level,
        recorded: !asked.dry,
    };
    match app.command(Command::Backtest(backtest))? {
        Reply::Backtested(found) => Ok(Backtested { router: asked.router.clone(), ..*found }),
        other => Err(other.unexpected().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(require_backtest: bool, require_shadow: u64) -> Ladder {
        Ladder { require_backtest, require_shadow, ..Ladder::default() }
    }

    fn refused(ladder: &Ladder, shown: &Shown) -> String {
        match shown.suffices(ladder, "new") {
            Err(AppError::Refused { why, .. }) => why,
            other => panic!("expected a refusal, not {other:?}"),
        }
    }

    #[test]
    fn a_router_is_promoted_once_it_has_shown_what_is_required() {
        let nothing = Shown { backtest: None, shadowed: 0 };
        assert!(nothing.suffices(&required(false, 0), "new").is_ok());
        assert_eq!(
            refused(&required(true, 0), &nothing),
            "[router] require-backtest: baton router backtest new comes first"
        );
        let lost = Shown { backtest: Some((false, "worse".into())), shadowed: 9 };
        assert_eq!(refused(&required(true, 5), &lost), "new did not win its last backtest: worse");
        let won = Shown { backtest: Some((true, "better".into())), shadowed: 4 };
        assert_eq!(
            refused(&required(true, 5), &won),
            "[router] require-shadow = 5: it has decided 4 times in the shadow so far (baton router shadow new)"
        );
        assert!(won.suffices(&required(true, 4), "new").is_ok());
    }
}
