//! `baton router status`: who decides, and how the router on trial does.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::view::router::{Agreement, ArmRecord, RouterStatus, TrialStatus};
use baton_core::trial::TrialPhase;

use super::super::{Done, Global, Outcome, screen, shown};

pub(super) fn run(global: &Global) -> Outcome {
    shown(global, &operation::ROUTER_STATUS, &Nothing {}, show)?;
    Ok(Done::Well)
}

fn show(status: &RouterStatus) {
    match &status.promoted {
        Some(promoted) => {
            screen::line(&format!("{promoted} decides (promoted; configured is {})", status.configured))
        }
        None => screen::line(&format!("{} decides (as configured)", status.configured)),
    }
    match &status.trial {
        Some(trial) => print(trial),
        None => screen::line("no router is on trial"),
    }
}

fn print(trial: &TrialStatus) {
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
    let row = |name: &str, side: &ArmRecord| {
        let share = side.accepted_at_once.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0));
        vec![name.to_owned(), side.attempts.to_string(), side.tasks.to_string(), share]
    };
    let rows = [row("baseline", &trial.baseline), row("candidate", &trial.candidate)];
    screen::table(&["arm", "attempts", "tasks", "accepted at once"], &rows);
    let [estimate, low, high] = trial.difference.points().map(|share| share * 100.0);
    screen::line(&format!("difference {estimate:+.1} points [{low:+.1}, {high:+.1}], {}", trial.standing));
}
