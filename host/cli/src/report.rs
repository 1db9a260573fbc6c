//! `baton report [RUN]`: the results of a run, as text, Markdown or JSON, or with charts in a folder.

use std::path::{Path, PathBuf};

use baton_app::operation;
use baton_app::view::report::{Chart, ReportQuery, RunReport, charts};

use super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run [default: the newest]
    run: Option<String>,
    /// Print Markdown
    #[arg(long)]
    md: bool,
    /// Write `report.md` and its charts into this folder
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let app = global.app()?;
    let report = app.call(&operation::REPORT, &ReportQuery { run: args.run.clone() })?;
    if let Some(folder) = &args.write {
        let charts = charts(&app, &report)?;
        write(folder, &report, &charts).map_err(|why| {
            Failure::Infrastructure(format!("{}: the report can't be written: {why}", folder.display()))
        })?;
        if !global.quiet {
            screen::line(&format!("{}: report.md and {} charts", folder.display(), charts.len()));
        }
    } else if global.json {
        screen::json(&report);
    } else if args.md {
        screen::block(markdown(&report).trim_end());
    } else {
        text(&report);
    }
    Ok(Done::Well)
}

fn write(folder: &Path, report: &RunReport, charts: &[Chart]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut text = markdown(report);
    for Chart { file, svg } in charts {
        std::fs::write(folder.join(file), svg)?;
        text += &format!("![{file}]({file})\n\n");
    }
    std::fs::write(folder.join("report.md"), text.trim_end().to_owned() + "\n")
}

fn headline(report: &RunReport) -> String {
    let totals = &report.totals;
    let mut parts = vec![format!("{} of {} accepted", totals.succeeded, totals.tasks)];
    if totals.unchanged > 0 {
        parts.push(format!("{} without a change", totals.unchanged));
    }
    for (count, word) in [
        (totals.failed, "failed"),
        (totals.cancelled, "cancelled"),
        (totals.skipped, "skipped"),
        (totals.unfinished, "not done"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

/// Tasks that the end of `baton run` names, of those that failed and of those that wait behind them.
const NAMED: usize = 10;

/// The end of `baton run`.
pub(super) fn summary(report: &RunReport) {
    let totals = &report.totals;
    screen::line(&format!(
        "{} {}: {} in {} ({} attempts, {} of work, {:.1} at once)",
        report.run.id,
        report.run.name,
        headline(report),
        screen::span(totals.elapsed_ms),
        totals.attempts,
        screen::span(totals.busy_ms),
        report.concurrency()
    ));
    for letter in report.dead.iter().take(NAMED) {
        let why = letter.fault.as_ref().map(ToString::to_string).unwrap_or_default();
        screen::line(&format!("  {} failed after {} attempts: {why}", letter.task, letter.attempts));
    }
    if report.dead.len() > NAMED {
        screen::line(&format!("  and {} more (baton dead list)", report.dead.len() - NAMED));
    }
    if !report.dead.is_empty() {
        screen::line("  once the cause is fixed: baton retry TASK");
    }
    let blocked: Vec<&str> = report.blocked().collect();
    if !blocked.is_empty() {
        screen::line(&format!(
            "  {} wait behind that: {}{} (baton why TASK)",
            blocked.len(),
            blocked[..blocked.len().min(NAMED)].join(", "),
            if blocked.len() > NAMED { " …" } else { "" }
        ));
    }
}

fn text(report: &RunReport) {
    let totals = &report.totals;
    screen::line(&format!("{} {} ({})", report.run.id, report.run.name, report.run.router.name));
    screen::line(&format!("  {}", headline(report)));
    screen::line(&format!("  elapsed    {}", screen::span(totals.elapsed_ms)));
    screen::line(&format!(
        "  work       {} in {} attempts, {} retries",
        screen::span(totals.busy_ms),
        totals.attempts,
        totals.retries
    ));
    screen::line(&format!("  at once    {:.2}", report.concurrency()));
    screen::line(&format!("  record     {} events, {} decisions", totals.events, totals.decisions));
    if totals.cut_handoffs > 0 {
        let cut = totals.cut_handoffs;
        screen::line(&format!("  hand-offs  {cut} shortened, because they were too long (baton show TASK)"));
    }
    if totals.input_tokens + totals.output_tokens > 0 {
        screen::line(&format!("  tokens     {} in, {} out", totals.input_tokens, totals.output_tokens));
    }
    screen::line("");
    screen::table(&["agent", "attempts", "accepted", "failed", "busy"], &shares(report));
    if !report.dead.is_empty() {
        screen::line("");
        screen::table(&["failed", "attempts", "why"], &dead(report));
    }
}

fn shares(report: &RunReport) -> Vec<Vec<String>> {
    let rows = report.agents.iter().map(|share| {
        let counts = [share.attempts, share.accepted, share.failed].map(|count| count.to_string());
        [vec![share.agent.clone()], counts.to_vec(), vec![screen::span(share.busy_ms)]].concat()
    });
    rows.collect()
}

fn dead(report: &RunReport) -> Vec<Vec<String>> {
    let rows = report.dead.iter().map(|letter| {
        let why = letter.fault.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![letter.task.clone(), letter.attempts.to_string(), why]
    });
    rows.collect()
}

fn markdown(report: &RunReport) -> String {
    let totals = &report.totals;
    let mut text = format!("# {}: {}\n\n", report.run.id, inline(&report.run.name));
    text += &format!("{}. Router: {}.\n\n", headline(report), inline(&report.run.router.name));
    let numbers = [
        ("elapsed", screen::span(totals.elapsed_ms)),
        ("work", screen::span(totals.busy_ms)),
        ("attempts", totals.attempts.to_string()),
        ("retries", totals.retries.to_string()),
        ("at once", format!("{:.2}", report.concurrency())),
        ("events", totals.events.to_string()),
        ("decisions", totals.decisions.to_string()),
    ];
    text += &table(&["what", "number"], &numbers.map(|(what, number)| vec![what.to_owned(), number]));
    text += &table(&["agent", "attempts", "accepted", "failed", "busy"], &shares(report));
    if !report.dead.is_empty() {
        text += &table(&["failed", "attempts", "why"], &dead(report));
    }
    let rows: Vec<Vec<String>> = report
        .tasks
        .iter()
        .map(|line| {
            vec![
                line.task.clone(),
                line.state.to_string(),
                line.agent.clone().unwrap_or_default(),
                line.attempts.to_string(),
            ]
        })
        .collect();
    text += &table(&["task", "state", "agent", "attempts"], &rows);
    text
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| inline(cell)).collect();
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text + "\n"
}

/// Text that came from elsewhere, as text of a Markdown document: no cell ends early, and there are no links, pictures
/// or HTML in it.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in screen::cell(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '<' | '[' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
