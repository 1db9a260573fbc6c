//! `baton insights`: what the record teaches, each with the events that prove it.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_learn::anomaly::Metric;
use baton_learn::bottleneck::Load;
use baton_learn::{Anomaly, Insights};

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these
    #[arg(value_enum)]
    only: Vec<Section>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Section {
    Bottlenecks,
    Patterns,
    Anomalies,
    Pairs,
    Drift,
    Gaps,
    Teams,
}

impl Section {
    const ALL: [Self; 7] = [
        Self::Bottlenecks,
        Self::Patterns,
        Self::Anomalies,
        Self::Pairs,
        Self::Drift,
        Self::Gaps,
        Self::Teams,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Bottlenecks => "bottlenecks",
            Self::Patterns => "patterns",
            Self::Anomalies => "anomalies",
            Self::Pairs => "hand-offs that make a difference",
            Self::Drift => "agents that changed",
            Self::Gaps => "skills that are lacking",
            Self::Teams => "teams",
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    shown(global, &operation::INSIGHTS, &Nothing {}, |found| show(found, &args.only))?;
    Ok(Done::Well)
}

fn show(found: &Insights, only: &[Section]) {
    let sections = if only.is_empty() { Section::ALL.to_vec() } else { only.to_vec() };
    let mut silent = true;
    for section in sections {
        let lines = lines(found, section);
        if lines.is_empty() {
            continue;
        }
        silent = false;
        screen::line(section.title());
        lines.iter().for_each(|line| screen::line(&format!("  {line}")));
    }
    if silent {
        screen::line("nothing stands out so far");
    }
}

/// Such as `12, 40, 77 …`, for `baton events --after`.
pub(super) fn events(evidence: &[i64]) -> String {
    let named: Vec<String> = evidence.iter().take(5).map(ToString::to_string).collect();
    let more = if evidence.len() > named.len() { " …" } else { "" };
    format!("{}{more}", named.join(", "))
}

fn lines(found: &Insights, section: Section) -> Vec<String> {
    match section {
        Section::Bottlenecks => bottlenecks(found),
        Section::Patterns => patterns(found),
        Section::Anomalies => anomalies(found),
        Section::Pairs => pairs(found),
        Section::Drift => drift(found),
        Section::Gaps => gaps(found),
        Section::Teams => teams(found),
    }
}

/// How many are shown of what has no end.
const SHOWN: usize = 5;

fn bottlenecks(found: &Insights) -> Vec<String> {
    let said = |what: &str, load: &Load| {
        format!(
            "{what} {}: {:.0} % of the critical paths of {} runs ({:.0} % would be its part), {} working, {} waiting (events {})",
            load.name,
            load.share * 100.0,
            load.runs,
            load.usual * 100.0,
            screen::span(load.working_ms),
            screen::span(load.waiting_ms),
            events(&load.evidence)
        )
    };
    let of = |what: &'static str, loads: &[Load]| -> Vec<String> {
        loads.iter().filter(|load| load.stands_out).map(|load| said(what, load)).collect()
    };
    [of("kind", &found.bottlenecks.kinds), of("agent", &found.bottlenecks.agents)].concat()
}

fn patterns(found: &Insights) -> Vec<String> {
    let shown = found.patterns.patterns.iter().zip(1..).take(SHOWN);
    shown
        .map(|(pattern, number)| {
            let edges: Vec<String> = pattern
                .edges
                .iter()
                .map(|(from, to)| format!("{} → {}", pattern.kinds[*from], pattern.kinds[*to]))
                .collect();
            let unusual = if pattern.unusual { ", more often than chance makes it" } else { "" };
            format!(
                "{number}. {}: in {} runs, {} times{unusual}; {:.0} % accepted at once, {} (baton template save NAME --pattern {number})",
                edges.join(", "),
                pattern.runs,
                pattern.occurrences,
                pattern.first_try * 100.0,
                millis(pattern.duration_ms)
            )
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown to people")]
fn millis(ms: f64) -> String {
    screen::span(ms.max(0.0) as u64)
}

fn anomalies(found: &Insights) -> Vec<String> {
    let said = |one: &Anomaly| {
        let kind = one.kind.as_ref().map(|kind| format!(" on {kind}")).unwrap_or_default();
        let (what, before, now) = match one.measure {
            Metric::Latency => ("takes", millis(one.before), millis(one.now)),
            Metric::Cost => ("costs", format!("{:.4}", one.before / 1e6), format!("{:.4}", one.now / 1e6)),
            Metric::Failures => {
                ("fails in", format!("{:.0} %", one.before * 100.0), format!("{:.0} %", one.now * 100.0))
            }
        };
        format!(
            "{}{kind} {what} {now}, before {before}: {:.1} times as much over its last {} attempts (since event {})",
            one.agent, one.ratio, one.window, one.since
        )
    };
    found.anomalies.iter().map(said).collect()
}

fn pairs(found: &Insights) -> Vec<String> {
    let significant = found.pairs.iter().filter(|pair| pair.significant);
    significant
        .map(|pair| {
            format!(
                "{} → {}: {} of {} accepted, {:+.0} points [{:+.0}, {:+.0}] against what {} reaches otherwise (events {})",
                pair.giver,
                pair.taker,
                pair.accepted,
                pair.hand_offs,
                pair.lift * 100.0,
                pair.low * 100.0,
                pair.high * 100.0,
                pair.taker,
                events(&pair.evidence)
            )
        })
        .collect()
}

fn drift(found: &Insights) -> Vec<String> {
    let held = found.drifts.iter().filter(|drift| drift.held);
    held.map(|drift| {
        format!(
            "{} on {}: {:.0} % accepted before event {}, {:.0} % since (events {})",
            drift.agent,
            drift.skill,
            drift.before.rate() * 100.0,
            drift.from,
            drift.after.rate() * 100.0,
            events(&drift.evidence)
        )
    })
    .collect()
}

fn gaps(found: &Insights) -> Vec<String> {
    let lacking = found.gaps.iter().filter(|gap| gap.lacking);
    lacking
        .map(|gap| {
            let tried = if gap.agents.is_empty() { "nobody".to_owned() } else { gap.agents.join(", ") };
            format!(
                "{}: {} tasks asked for it, {} were accepted; {tried} tried; waiting {} (events {})",
                gap.skill,
                gap.demand,
                gap.met,
                millis(gap.waiting_ms),
                events(&gap.evidence)
            )
        })
        .collect()
}

fn teams(found: &Insights) -> Vec<String> {
    let said = |team: &baton_learn::teams::Team| {
        let bonds: Vec<String> =
            team.bonds.iter().take(SHOWN).map(|bond| bond.node.name().to_owned()).collect();
        format!(
            "{}: held together by {} ({:.0} % of their ties are among them, events {})",
            team.agents.join(", "),
            bonds.join(", "),
            team.inside * 100.0,
            events(&team.evidence)
        )
    };
    found.teams.teams.iter().map(said).collect()
}
