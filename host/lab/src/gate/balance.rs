//! Idle capacity while work waits, in worlds where two agents are four times as slow.

use super::{Bench, Finding, Gate, GateError, over};
use crate::play::Demand;
use crate::score::{Reference, Score, score};
use crate::world::{Config, Skew};

const CUT: f64 = 0.8;

/// For an operator to whom waiting is expensive; tuned in worlds with seeds from 10,000 on.
const BRISK: &[(&str, &str)] = &[("wait", "0.2")];

pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G8);
    let worlds = bench.worlds(&Config { skew: Skew { slow: 2, factor: 4.0 }, ..Config::default() });
    let idle = |scores: &[Score]| over(scores, |score| score.idle_while_queued_s).estimate;
    let turns: Vec<Score> =
        worlds.iter().map(|world| score(world, &Reference::RoundRobin.play(world))).collect();
    let learner = bench.scored_with(&worlds, "adaptive", Demand::Preferred, BRISK)?;
    let cut = 1.0 - idle(&learner) / idle(&turns);
    finding.demand(
        cut >= CUT,
        "less idle while work waits than round-robin queues",
        format!("{:.1} % ({:.0} s to {:.0} s)", cut * 100.0, idle(&learner), idle(&turns)),
    );
    finding.figure("Jain's index of adaptive", format!("{:.2}", over(&learner, |score| score.jain).estimate));
    for (name, demand) in [("round-robin", Demand::Preferred), ("capability", Demand::Required)] {
        let scores = bench.scored(&worlds, name, demand)?;
        finding.figure(format!("{name} on one queue for all"), format!("{:.0} s", idle(&scores)));
    }
    for (world, (own, other)) in worlds.iter().zip(learner.iter().zip(&turns)) {
        if own.idle_while_queued_s > (1.0 - CUT) * other.idle_while_queued_s {
            finding.losing.push(format!(
                "{}: {:.0} s to {:.0} s",
                world.config.seed, own.idle_while_queued_s, other.idle_while_queued_s
            ));
        }
    }
    Ok(finding)
}
