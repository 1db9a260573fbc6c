//! A backtest as people read it.

use baton_engine::replay::backtest::{Backtest, LeftOut};
use baton_stats::interval::Interval;
use baton_stats::offpolicy::Judgement;

/// What another router, under the name that was typed, would have meant for recorded decisions.
#[must_use]
pub fn backtest_lines(router: &str, found: &Backtest) -> Vec<String> {
    let mut lines =
        vec![format!("{router} on {} recorded decisions, {} assigned tasks", found.decisions, found.rows)];
    for (why, count) in &found.left_out {
        let why = match why {
            LeftOut::NoVerdict => "their attempts ended without a verdict",
            LeftOut::FellBack => "another agent than the chosen one was taken",
            LeftOut::NoPropensities => "the recorded answer does not say every candidate's chance",
            LeftOut::WouldWait => "this router would not have assigned them then",
        };
        lines.push(format!("  {count} left out: {why}"));
    }
    if let Some(why) = &found.first_failure {
        lines.push(format!("  {} decisions left out: no usable answer, first {why}", found.failures));
    }
    let points = |interval: Interval| scaled(interval, 100.0, " %");
    let parts: [(&str, _, &dyn Fn(Interval) -> String); 3] = [
        ("acceptance", &found.acceptance, &points),
        ("latency", &found.latency, &|interval| scaled(interval, 0.001, " s")),
        ("cost", &found.cost, &|interval| scaled(interval, 1e-6, "")),
    ];
    for (what, judged, shown) in parts {
        match judged {
            Some(Ok(judgement)) => lines.extend(part(what, judgement, shown)),
            Some(Err(why)) => lines.push(format!("  {what}: no estimate, {why}")),
            None => lines.push(format!("  {what}: not known of every attempt")),
        }
    }
    if let Some(Ok(judgement)) = &found.acceptance {
        lines.extend(ground(judgement));
    }
    lines
}

fn part(what: &str, judgement: &Judgement, shown: &dyn Fn(Interval) -> String) -> [String; 4] {
    let Judgement { logged, ips, snips, dr, difference, .. } = judgement;
    [
        format!("  {what}: {} was reached", shown(*logged)),
        format!("    would have been {} (doubly robust)", shown(*dr)),
        format!("    difference {}", shown(*difference)),
        format!("    IPS {}, self-normalised {}", shown(*ips), shown(*snips)),
    ]
}

/// What the estimates stand on.
fn ground(judgement: &Judgement) -> Vec<String> {
    let mut lines = vec![format!(
        "  agreement {:.0} %, support {:.1} %, effective sample {:.0} of {} tasks, heaviest weight {:.1}",
        judgement.agreement * 100.0,
        judgement.support.covered * 100.0,
        judgement.ess.least(),
        judgement.rows,
        judgement.support.heaviest
    )];
    if !judgement.support.weight.holds(judgement.support.covered) {
        lines.push(
            "  careful: choices were not drawn from the chances on record, as when agents fill up within one \
             decision; the figures may be off"
                .to_owned(),
        );
    }
    for change in judgement.skills.iter().take(5) {
        lines.push(match change.change {
            Ok(interval) => format!(
                "    {}: {} over {} tasks",
                change.skill,
                scaled(interval, 100.0, " points"),
                change.rows
            ),
            Err(why) => format!("    {}: {why}", change.skill),
        });
    }
    lines
}

/// Such as `74.1 [72.0, 76.3] %`.
fn scaled(interval: Interval, factor: f64, unit: &str) -> String {
    let [estimate, low, high] = interval.points().map(|value| value * factor);
    if factor < 1e-5 {
        return format!("{estimate:.4} [{low:.4}, {high:.4}]{unit}");
    }
    format!("{estimate:.1} [{low:.1}, {high:.1}]{unit}")
}
