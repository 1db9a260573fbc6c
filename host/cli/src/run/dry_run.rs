//! `baton run --dry-run`: the live router decides, nothing is written.

use baton_app::submit::{DryRun, PlannedTask};

use super::super::{Done, Global, Outcome, screen};

pub(super) fn show(global: &Global, played: &DryRun) -> Outcome {
    if let Some(why) = &played.degraded {
        screen::note(&format!("the host decided by itself: {why}"));
    }
    if global.json {
        screen::json(&played.tasks);
    } else {
        let rows: Vec<Vec<String>> = played.tasks.iter().map(row).collect();
        screen::table(&["start", "end", "task", "agent", "why"], &rows);
    }
    let (undone, count) = (played.undone(), played.tasks.len());
    if undone == 0 {
        return Ok(Done::Well);
    }
    screen::note(&format!("{undone} of {count} tasks would not be done: the last rows say why"));
    Ok(Done::Failed)
}

fn row(task: &PlannedTask) -> Vec<String> {
    let none = || "-".to_owned();
    vec![
        task.start_ms.map_or_else(none, screen::span),
        task.end_ms.map_or_else(none, screen::span),
        task.task.clone(),
        task.agent.clone().unwrap_or_else(none),
        task.reason.clone(),
    ]
}
