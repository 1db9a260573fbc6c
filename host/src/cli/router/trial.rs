//! `baton router shadow|ab|promote|rollback|status`: a router on its way from deciding nothing to deciding everything.

use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, library, run as run_verb, screen, unreadable};
use super::named;
use crate::config::Config;
use crate::door::Door;
use crate::event::{Fact, TrialEnding};
use crate::lab::guard::Breach;
use crate::lab::interval::Interval;
use crate::lab::trial::{Arm, Ledger, Stage};
use crate::op::{Op, RouterChoice};
use crate::plugin::router::{Answer, Choice, Snapshot};
use crate::scheduler::contest;
use crate::store::Reader;
use crate::store::read::history;
use crate::store::read::routing::{self, TrialRow};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Ab {
    /// A bundled or installed router, or the path of a component
    router: String,
    /// The share of the tasks that it decides [default: [router] share, or 0.1]
    #[arg(long)]
    share: Option<f64>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Promote {
    /// The router [default: the one on trial]
    router: Option<String>,
    /// Without probation: it decides everything from now on
    #[arg(long)]
    at_once: bool,
    /// Although it has not shown what the configuration requires
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rollback {
    /// For the record
    #[arg(long, default_value = "a person asked for it")]
    why: String,
}

/// What a verb works with.
struct Bench {
    config: Config,
    conn: Reader,
    door: Door,
    going_on: Option<TrialRow>,
}

impl Bench {
    fn open(global: &Global) -> Result<Self, Failure> {
        let (config, home) = global.here()?;
        let conn = global.reader()?;
        let going_on = routing::trial(&conn).map_err(unreadable)?;
        Ok(Self { config, conn, door: Door::open(&home)?, going_on })
    }

    fn chosen(&self, name: &str) -> Result<RouterChoice, Failure> {
        run_verb::chosen(&named(name), &library(&self.config, Some(&self.conn))?)
    }

    /// The trial that goes on, if it is of this router.
    fn trial_of(&self, router: &RouterChoice) -> Option<&TrialRow> {
        self.going_on.as_ref().filter(|row| row.router == *router)
    }

    /// Begins a stage for a router: of the trial that it has, or of a new one.
    fn enter(&mut self, router: RouterChoice, stage: Stage) -> Result<(), Failure> {
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

fn said(global: &Global, text: &str) -> Outcome {
    if !global.quiet {
        screen::line(text);
    }
    Ok(Done::Well)
}

pub(super) fn shadow(global: &Global, name: &str) -> Outcome {
    let mut bench = Bench::open(global)?;
    let router = bench.chosen(name)?;
    bench.enter(router, Stage::Shadow)?;
    said(global, &format!("{name} is asked beside every decision from now on, and nothing follows from it"))
}

pub(super) fn ab(global: &Global, args: &Ab) -> Outcome {
    let mut bench = Bench::open(global)?;
    let share = args.share.unwrap_or(bench.config.ladder.share);
    if !(share > 0.0 && share < 1.0) {
        return Err(Failure::Usage(format!("a share is above 0 and below 1, not {share}")));
    }
    let router = bench.chosen(&args.router)?;
    bench.enter(router, Stage::Split { share })?;
    let percent = share * 100.0;
    said(global, &format!("{} decides about {percent:.0} % of the tasks from now on", args.router))
}

pub(super) fn promote(global: &Global, args: &Promote) -> Outcome {
    let mut bench = Bench::open(global)?;
    let router = match (&args.router, &bench.going_on) {
        (Some(name), _) => bench.chosen(name)?,
        (None, Some(row)) => row.router.clone(),
        (None, None) => return Err(Failure::Usage("no router is on trial: name the one to promote".into())),
    };
    if !args.force {
        required(&bench, &router)?;
    }
    let name = router.name.clone();
    if !args.at_once {
        let holdback = bench.config.ladder.holdback;
        bench.enter(router, Stage::Probation { holdback })?;
        let attempts = bench.config.ladder.probation;
        return said(
            global,
            &format!(
                "{name} decides about all but {:.0} % of the tasks, and about all after {attempts} attempts without a breach",
                holdback * 100.0
            ),
        );
    }
    let why = "a person asked for it".to_owned();
    let op = match bench.trial_of(&router) {
        Some(row) => Op::EndTrial { trial: row.id, ending: TrialEnding::Promoted, why },
        None => Op::Promote { router: Some(router), why },
    };
    bench.door.apply(op)?;
    said(global, &format!("{name} decides from now on, unless a run names another"))
}

pub(super) fn rollback(global: &Global, args: &Rollback) -> Outcome {
    let mut bench = Bench::open(global)?;
    let why = args.why.clone();
    let (op, what) = match &bench.going_on {
        Some(row) => {
            let op = Op::EndTrial { trial: row.id, ending: TrialEnding::RolledBack, why };
            (op, format!("{} decides nothing any more", row.router.name))
        }
        None => (Op::Promote { router: None, why }, "the router before is back".to_owned()),
    };
    bench.door.apply(op)?;
    said(global, &what)
}

/// What the configuration wants a router to have shown before it is promoted.
fn required(bench: &Bench, router: &RouterChoice) -> Result<(), Failure> {
    let ladder = bench.config.ladder;
    let refuse = |why: String| Err(Failure::Refused(why));
    if ladder.require_backtest {
        match judged(&bench.conn, &router.digest)? {
            Some((true, _)) => {}
            Some((false, why)) => {
                return refuse(format!("{} did not win its last backtest: {why}", router.name));
            }
            None => {
                return refuse(format!(
                    "[router] require-backtest: baton router backtest {} comes first",
                    router.name
                ));
            }
        }
    }
    let shadowed = shadowed(&bench.conn, router)?;
    if shadowed < ladder.require_shadow {
        return refuse(format!(
            "[router] require-shadow = {}: it has decided {shadowed} times in the shadow so far (baton router shadow {})",
            ladder.require_shadow, router.name
        ));
    }
    Ok(())
}

/// What the last backtest of exactly this component said.
fn judged(conn: &Reader, digest: &str) -> Result<Option<(bool, String)>, Failure> {
    let events = history::of_kind(conn, "router-judged").map_err(unreadable)?;
    Ok(events.into_iter().rev().find_map(|event| match event.fact {
        Fact::RouterJudged { digest: judged, won, why, .. } if judged == digest => Some((won, why)),
        _ => None,
    }))
}

fn shadowed(conn: &Reader, router: &RouterChoice) -> Result<u64, Failure> {
    let mut count = 0;
    for row in routing::trials(conn).map_err(unreadable)?.iter().filter(|row| row.router == *router) {
        count += routing::shadows(conn, row.id).map_err(unreadable)?.len() as u64;
    }
    Ok(count)
}

/// Where a router on trial stands.
#[derive(Serialize)]
struct Shown {
    router: String,
    digest: String,
    stage: Stage,
    since: String,
    /// How often it chose the same as the one that was followed; in its shadow only.
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
    baseline: Side,
    candidate: Side,
    /// Of the shares of accepted first attempts, candidate less baseline; it holds at any time.
    difference: Interval,
    standing: String,
    breach: Option<Breach>,
}

#[derive(Serialize)]
struct Agreement {
    decisions: u64,
    tasks: u64,
    same: u64,
}

#[derive(Serialize)]
struct Side {
    attempts: u64,
    tasks: u64,
    accepted_at_once: Option<f64>,
}

fn side(ledger: &Ledger, arm: Arm) -> Side {
    let tally = ledger.race().tally(arm);
    Side { attempts: ledger.attempts(arm), tasks: tally.count, accepted_at_once: tally.mean() }
}

fn shown(conn: &Reader, row: &TrialRow) -> Result<Shown, Failure> {
    let ledger = contest::ledger(conn, row).map_err(unreadable)?;
    let agreement = match row.terms.stage {
        Stage::Shadow => Some(agreement(conn, row)?),
        Stage::Split { .. } | Stage::Probation { .. } => None,
    };
    Ok(Shown {
        router: row.router.name.clone(),
        digest: row.router.digest.clone(),
        stage: row.terms.stage,
        since: row.moved.to_string(),
        agreement,
        baseline: side(&ledger, Arm::Baseline),
        candidate: side(&ledger, Arm::Candidate),
        difference: ledger.race().difference(),
        standing: ledger.standing().to_string(),
        breach: ledger.breach(),
    })
}

fn agreement(conn: &Reader, row: &TrialRow) -> Result<Agreement, Failure> {
    let mut found = Agreement { decisions: 0, tasks: 0, same: 0 };
    for (shadow, followed) in routing::shadows(conn, row.id).map_err(unreadable)? {
        let [shadow, followed] = [shadow, followed].map(|id| {
            let decided = routing::decision(conn, id).ok()?;
            let snapshot: Snapshot = serde_json::from_str(&decided.input).ok()?;
            let answer: Answer = serde_json::from_str(&decided.answer).ok()?;
            Some((snapshot.requests.len(), answer))
        });
        let (Some((requests, shadow)), Some((_, followed))) = (shadow, followed) else { continue };
        found.decisions += 1;
        found.tasks += requests as u64;
        let chosen = |choice: &Choice| match choice {
            Choice::Assign(assignment) => Some(assignment.agent),
            Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => None,
        };
        let pairs = shadow.decisions.iter().zip(&followed.decisions);
        let same = pairs.filter(|(one, other)| chosen(&one.choice) == chosen(&other.choice)).count();
        found.same += same as u64;
    }
    Ok(found)
}

pub(super) fn status(global: &Global) -> Outcome {
    let (config, _) = global.here()?;
    let conn = global.reader()?;
    let office = routing::office(&conn).map_err(unreadable)?;
    let trial = routing::trial(&conn).map_err(unreadable)?.map(|row| shown(&conn, &row)).transpose()?;
    if global.json {
        let office = office.map(|office| office.name);
        screen::json(&serde_json::json!({ "configured": config.router, "promoted": office, "trial": trial }));
        return Ok(Done::Well);
    }
    match office {
        Some(office) => {
            screen::line(&format!("{} decides (promoted; configured is {})", office.name, config.router))
        }
        None => screen::line(&format!("{} decides (as configured)", config.router)),
    }
    match &trial {
        Some(trial) => print(trial),
        None => screen::line("no router is on trial"),
    }
    Ok(Done::Well)
}

fn print(trial: &Shown) {
    let stage = match trial.stage {
        Stage::Shadow => "decides in the shadow".to_owned(),
        Stage::Split { share } => format!("decides about {:.0} % of the tasks", share * 100.0),
        Stage::Probation { holdback } => {
            format!("is on probation with all but {:.0} % of the tasks", holdback * 100.0)
        }
    };
    screen::line(&format!("{} {stage} since {}", trial.router, trial.since));
    if let Some(Agreement { decisions, tasks, same }) = &trial.agreement {
        screen::line(&format!("  {decisions} decisions about {tasks} tasks, {same} of them the same"));
        return;
    }
    let row = |name: &str, side: &Side| {
        let share = side.accepted_at_once.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0));
        vec![name.to_owned(), side.attempts.to_string(), side.tasks.to_string(), share]
    };
    let rows = [row("baseline", &trial.baseline), row("candidate", &trial.candidate)];
    screen::table(&["arm", "attempts", "tasks", "accepted at once"], &rows);
    let Interval { estimate, low, high } = trial.difference;
    screen::line(&format!(
        "difference {:+.1} points [{:+.1}, {:+.1}], {}",
        estimate * 100.0,
        low * 100.0,
        high * 100.0,
        trial.standing
    ));
}
