//! `baton router status`: who decides, and how the router on trial does.

use baton_core::trial::TrialPhase;
use baton_engine::{decide, trial_ledger};
use baton_learn::guard::Breach;
use baton_learn::trial::TrialProgress;
use baton_plugin::router::Choice;
use baton_stats::arm::Arm;
use baton_stats::interval::Interval;
use baton_store::Reader;
use baton_store::read::routing::{self, TrialRow};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen, unreadable};

/// Where a router on trial stands.
#[derive(Serialize)]
struct Shown {
    router: String,
    digest: String,
    stage: TrialPhase,
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

fn side(ledger: &TrialProgress, arm: Arm) -> Side {
    let tally = ledger.test().totals(arm);
    Side { attempts: ledger.attempts(arm), tasks: tally.count, accepted_at_once: tally.mean() }
}

fn shown(conn: &Reader, row: &TrialRow) -> Result<Shown, Failure> {
    let ledger = trial_ledger::ledger(conn, row).map_err(unreadable)?;
    let agreement = match row.terms.stage {
        TrialPhase::Shadow => Some(agreement(conn, row)?),
        TrialPhase::Split { .. } | TrialPhase::Probation { .. } => None,
    };
    Ok(Shown {
        router: row.router.name.clone(),
        digest: row.router.digest.clone(),
        stage: row.terms.stage,
        since: row.moved.to_string(),
        agreement,
        baseline: side(&ledger, Arm::Baseline),
        candidate: side(&ledger, Arm::Candidate),
        difference: ledger.test().difference(),
        standing: ledger.status().to_string(),
        breach: ledger.breach(),
    })
}

fn agreement(conn: &Reader, row: &TrialRow) -> Result<Agreement, Failure> {
    let mut found = Agreement { decisions: 0, tasks: 0, same: 0 };
    for (shadow, followed) in routing::shadows(conn, row.id).map_err(unreadable)? {
        let [shadow, followed] = [shadow, followed].map(|id| {
            let decided = routing::decision(conn, id).ok()?;
            let (snapshot, answer) = decide::recorded(&decided.input, &decided.answer).ok()?;
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

pub(super) fn run(global: &Global) -> Outcome {
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
        TrialPhase::Shadow => "decides in the shadow".to_owned(),
        TrialPhase::Split { share } => format!("decides about {:.0} % of the tasks", share * 100.0),
        TrialPhase::Probation { holdback } => {
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
