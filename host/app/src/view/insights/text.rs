//! Insights as people read them, each with the events that prove it.

use baton_core::span::rounded;
use baton_learn::anomaly::Metric;
use baton_learn::bottleneck::Load;
use baton_learn::teams::Team;
use baton_learn::{Anomaly, Insights};

/// A sort of insight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What most of the critical paths is spent on.
    Bottlenecks,
    /// Shapes of work that come again.
    Patterns,
    /// Agents that are slower, dearer or fail more often than they did.
    Anomalies,
    /// Hand-offs between two agents that make a difference.
    Pairs,
    /// Agents whose share of accepted work changed for good.
    Drift,
    /// Skills that tasks ask for and nobody has.
    Gaps,
    /// Agents that are held together by what they did.
    Teams,
}

impl Section {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Bottlenecks,
        Self::Patterns,
        Self::Anomalies,
        Self::Pairs,
        Self::Drift,
        Self::Gaps,
        Self::Teams,
    ];

    /// The word that people type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bottlenecks => "bottlenecks",
            Self::Patterns => "patterns",
            Self::Anomalies => "anomalies",
            Self::Pairs => "pairs",
            Self::Drift => "drift",
            Self::Gaps => "gaps",
            Self::Teams => "teams",
        }
    }

    /// The one of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }

    /// The heading above its lines.
    #[must_use]
    pub fn title(self) -> &'static str {
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

    /// What stands out of these insights, a line each; empty if nothing does.
    #[must_use]
    pub fn lines(self, found: &Insights) -> Vec<String> {
        match self {
            Self::Bottlenecks => bottlenecks(found),
            Self::Patterns => patterns(found),
            Self::Anomalies => anomalies(found),
            Self::Pairs => pairs(found),
            Self::Drift => drift(found),
            Self::Gaps => gaps(found),
            Self::Teams => teams(found),
        }
    }
}

/// The first of the events that prove something, such as `12, 40, 77 …`, for `baton events --after`.
#[must_use]
pub fn evidence(events: &[i64]) -> String {
    let named: Vec<String> = events.iter().take(5).map(ToString::to_string).collect();
    let more = if events.len() > named.len() { " …" } else { "" };
    format!("{}{more}", named.join(", "))
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
            rounded(load.working_ms),
            rounded(load.waiting_ms),
            evidence(&load.evidence)
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
    rounded(ms.max(0.0) as u64)
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
                evidence(&pair.evidence)
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
            evidence(&drift.evidence)
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
                evidence(&gap.evidence)
            )
        })
        .collect()
}

fn teams(found: &Insights) -> Vec<String> {
    let said = |team: &Team| {
        let bonds: Vec<String> =
            team.bonds.iter().take(SHOWN).map(|bond| bond.node.name().to_owned()).collect();
        format!(
            "{}: held together by {} ({:.0} % of their ties are among them, events {})",
            team.agents.join(", "),
            bonds.join(", "),
            team.inside * 100.0,
            evidence(&team.evidence)
        )
    };
    found.teams.teams.iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_by_the_word_that_names_it() {
        assert_eq!(Section::ALL.map(|section| Section::named(section.name())), Section::ALL.map(Some));
        assert_eq!(Section::named("team"), None);
    }

    #[test]
    fn five_events_are_named_and_more_are_hinted_at() {
        assert_eq!(evidence(&[1, 2, 3, 4, 5]), "1, 2, 3, 4, 5");
        assert_eq!(evidence(&[1, 2, 3, 4, 5, 6]), "1, 2, 3, 4, 5 …");
        assert_eq!(evidence(&[]), "");
    }

    #[test]
    fn nothing_stands_out_of_an_empty_record() {
        let found = Insights::default();
        assert!(Section::ALL.into_iter().all(|section| section.lines(&found).is_empty()));
    }
}
