//! What the verbs that move a router on its way share: from deciding nothing to deciding everything.

use baton_app::config::Config;
use baton_app::door::Door;
use baton_core::op::{Op, RouterChoice};
use baton_core::trial::TrialPhase;
use baton_store::Reader;
use baton_store::read::routing::{self, TrialRow};

use super::super::{Done, Failure, Global, Outcome, library, run as run_verb, screen, unreadable};
use super::{named, status};

/// What a verb works with.
pub(super) struct Bench {
    pub(super) config: Config,
    pub(super) conn: Reader,
    pub(super) door: Door,
    pub(super) going_on: Option<TrialRow>,
}

impl Bench {
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        let (config, home) = global.here()?;
        let conn = global.reader()?;
        let going_on = routing::trial(&conn).map_err(unreadable)?;
        Ok(Self { config, conn, door: Door::open(&home)?, going_on })
    }

    pub(super) fn chosen(&self, name: &str) -> Result<RouterChoice, Failure> {
        run_verb::chosen(&named(name), &library(&self.config, Some(&self.conn))?)
    }

    /// The trial that goes on, if it is of this router.
    pub(super) fn trial_of(&self, router: &RouterChoice) -> Option<&TrialRow> {
        self.going_on.as_ref().filter(|row| row.router == *router)
    }

    /// Begins a stage for a router: of the trial that it has, or of a new one.
    pub(super) fn enter(&mut self, router: RouterChoice, stage: TrialPhase) -> Result<(), Failure> {
        let decides = match routing::office(&self.conn).map_err(unreadable)? {
            Some(office) => office,
            None => self.chosen(&self.config.router)?,
        };
        if decides == router {
            return Err(Failure::Refused(format!("{} decides already", router.name)));
        }
        let op = match self.trial_of(&router) {
            Some(row) => Op::MoveTrial { trial: row.id, stage },
            None => Op::StartTrial { router, terms: Box::new(self.config.ladder.terms(stage)) },
        };
        self.door.apply(op)?;
        Ok(())
    }
}

/// What was done, in a sentence; as JSON, where routers stand now.
pub(super) fn said(global: &Global, text: &str) -> Outcome {
    if global.json {
        return status::run(global);
    }
    if !global.quiet {
        screen::line(text);
    }
    Ok(Done::Well)
}
