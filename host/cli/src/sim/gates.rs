//! `baton sim gates`: what is claimed of routing, measured.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use baton_core::clock::Stopwatch;
use baton_lab::gate::{Bench, Finding, Gate, Scale, measure};

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these, such as G1
    #[arg(value_parser = gate)]
    only: Vec<Gate>,
    /// A look at it: too few worlds for the claims
    #[arg(long)]
    quick: bool,
    /// Write the table as Markdown, and the pictures beside it
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn gate(text: &str) -> Result<Gate, String> {
    let named = |gate: &Gate| gate.to_string().eq_ignore_ascii_case(text);
    Gate::ALL.into_iter().find(named).ok_or_else(|| format!("expected G1 to G9, not {text:?}"))
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let library = global.app()?.library_of(&[])?;
    let scale = if args.quick { Scale::QUICK } else { Scale::FULL };
    let bench = Bench { library: &library, scale };
    let gates = if args.only.is_empty() { Gate::ALL.to_vec() } else { args.only.clone() };
    let mut findings = Vec::new();
    for gate in gates {
        let watch = Stopwatch::start();
        let finding = measure(&bench, gate).map_err(|why| Failure::Refused(why.to_string()))?;
        if !global.json {
            print(&finding);
            screen::note(&format!("{gate} took {}", screen::span(watch.millis())));
        }
        findings.push(finding);
    }
    if global.json {
        screen::json(&findings);
    }
    if let Some(file) = &args.write {
        fs::write(file, markdown(&findings, scale))?;
        let folder = file.parent().unwrap_or(file);
        for (name, svg) in findings.iter().flat_map(|finding| &finding.plots) {
            fs::write(folder.join(name), svg)?;
        }
    }
    let passed = findings.iter().all(|finding| finding.passed);
    Ok(if passed { Done::Well } else { Done::Failed })
}

fn word(finding: &Finding) -> &'static str {
    if finding.passed { "holds" } else { "does not hold" }
}

fn print(finding: &Finding) {
    screen::line(&format!("{} {}: {}", finding.gate, word(finding), finding.gate.claim()));
    let rows: Vec<Vec<String>> =
        finding.figures.iter().map(|(what, value)| vec![format!("  {what}"), value.clone()]).collect();
    screen::table(&["  measured", "came to"], &rows);
    match finding.losing.len() {
        0 => {}
        count => screen::line(&format!("  {count} runs against it: {}", shortened(&finding.losing, 4))),
    }
}

fn shortened(losing: &[String], most: usize) -> String {
    let more = if losing.len() > most { "; …" } else { "" };
    format!("{}{more}", losing.iter().take(most).cloned().collect::<Vec<_>>().join("; "))
}

fn markdown(findings: &[Finding], scale: Scale) -> String {
    let mut out = format!(
        "Measured by `baton sim gates`, {} worlds a comparison, seeds that nothing was tuned on.\n\n| gate | claim | |\n|---|---|---|\n",
        scale.worlds
    );
    for finding in findings {
        let _ = writeln!(out, "| {} | {} | {} |", finding.gate, finding.gate.claim(), word(finding));
    }
    for finding in findings {
        let _ = write!(
            out,
            "\n## {}: {}\n\n{}.\n\n| measured | came to |\n|---|---|\n",
            finding.gate,
            word(finding),
            finding.gate.claim()
        );
        for (what, value) in &finding.figures {
            let _ = writeln!(out, "| {what} | {value} |");
        }
        for (name, _) in &finding.plots {
            let _ = write!(out, "\n![{name}]({name})\n");
        }
        if !finding.losing.is_empty() {
            let _ = write!(out, "\nRuns against it ({}):\n\n", finding.losing.len());
            finding.losing.iter().for_each(|run| {
                let _ = writeln!(out, "- {run}");
            });
        }
    }
    out
}
