//! Learning against matching by capability: with wrong declarations, and with true ones.

use baton_stats::plot::{Caption, Spot, scatter};

use super::{Bench, Finding, Gate, GateError, interval, over, real, signed};
use crate::play::Demand;
use crate::score::{Reference, Score, score};
use crate::world::{Config, Pool, World};

const WRONG: f64 = 0.3;
const AHEAD: f64 = 0.02;
const BEHIND: f64 = -0.04;

/// How much an hour is worth is up to the operator: a learner that waits for the best agent does better but later.
/// These settings, and the defaults, were tuned in worlds with seeds from 10,000 on.
type Settings = &'static [(&'static str, &'static str)];
const ITS_OWN: Settings = &[];
const PATIENT: Settings = &[("wait", "0.002"), ("patience", "1000")];

/// Both sides in the same worlds.
struct Compared {
    worlds: Vec<World>,
    learner: Vec<Score>,
    matched: Vec<Score>,
}

fn compared(bench: &Bench<'_>, pool: Pool, wrong: f64, settings: Settings) -> Result<Compared, GateError> {
    let worlds = bench.worlds(&Config { pool, wrong_declarations: wrong, ..Config::default() });
    let learner = bench.scored_with(&worlds, "adaptive", Demand::Preferred, settings)?;
    let matched = bench.scored(&worlds, "capability", Demand::Required)?;
    Ok(Compared { worlds, learner, matched })
}

impl Compared {
    fn differences(&self) -> Vec<f64> {
        self.learner.iter().zip(&self.matched).map(|(one, other)| one.success - other.success).collect()
    }

    /// Ratio of the p95 sojourn times, learner to matching.
    fn slower(&self) -> f64 {
        let p95 = |scores: &[Score]| over(scores, |score| real(score.sojourn.p95)).estimate;
        p95(&self.learner) / p95(&self.matched)
    }

    /// Worlds in which the learner is worse by at least this much.
    fn losing(&self, pool: Pool, behind: f64) -> Vec<String> {
        let lost = self.worlds.iter().zip(self.differences()).filter(|(_, difference)| *difference < behind);
        lost.map(|(world, difference)| {
            format!("{pool:?} {}: {:+.1} points", world.config.seed, difference * 100.0)
        })
        .collect()
    }

    fn tell(&self, finding: &mut Finding, pool: Pool) {
        let share =
            |scores: &[Score]| format!("{:.1} %", over(scores, |score| score.success).estimate * 100.0);
        let minutes = |scores: &[Score]| {
            format!("{:.1} min", over(scores, |score| real(score.sojourn.p95)).estimate / 60_000.0)
        };
        finding.figure(
            format!("{pool:?}: adaptive, done and p95"),
            format!("{}, {}", share(&self.learner), minutes(&self.learner)),
        );
        finding.figure(
            format!("{pool:?}: capability, done and p95"),
            format!("{}, {}", share(&self.matched), minutes(&self.matched)),
        );
        for reference in
            [Reference::LeastLoaded, Reference::Capability, Reference::BestSingle, Reference::SkillOracle]
        {
            let scores: Vec<Score> =
                self.worlds.iter().map(|world| score(world, &reference.play(world))).collect();
            finding.figure(
                format!("{pool:?}: {} with a queue for each agent", reference.name()),
                format!("{}, {}", share(&scores), minutes(&scores)),
            );
        }
    }
}

const POOLS: [Pool; 2] = [Pool::Specialists, Pool::Generalists];

pub(super) fn wrong(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G1);
    for pool in POOLS {
        let compared = compared(bench, pool, WRONG, ITS_OWN)?;
        let ahead = interval(&compared.differences());
        let holds = ahead.estimate >= AHEAD && ahead.low > 0.0;
        finding.demand(holds, format!("{pool:?}: points ahead"), signed(ahead, 100.0));
        let slower = compared.slower();
        finding.demand(slower <= 2.0, format!("{pool:?}: p95 sojourn, times"), format!("{slower:.2}"));
        compared.tell(&mut finding, pool);
        finding.losing.extend(compared.losing(pool, 0.0));
        if pool == Pool::Generalists {
            finding.plots.push(("cost-and-quality.svg".into(), front(bench, &compared)?));
        }
    }
    Ok(finding)
}

pub(super) fn right(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G2);
    for pool in POOLS {
        let compared = compared(bench, pool, 0.0, PATIENT)?;
        let behind = interval(&compared.differences());
        finding.demand(behind.estimate >= BEHIND, format!("{pool:?}: points ahead"), signed(behind, 100.0));
        finding.figure(format!("{pool:?}: p95 sojourn, times"), format!("{:.2}", compared.slower()));
        compared.tell(&mut finding, pool);
        finding.losing.extend(compared.losing(pool, BEHIND));
        let brisk = self::compared(bench, pool, 0.0, ITS_OWN)?;
        finding.figure(
            format!("{pool:?}: points ahead and p95, times, with its own settings"),
            format!("{}, {:.2}", signed(interval(&brisk.differences()), 100.0), brisk.slower()),
        );
    }
    Ok(finding)
}

/// Cost and quality of every router.
fn front(bench: &Bench<'_>, compared: &Compared) -> Result<String, GateError> {
    let spot = |name: &str, scores: &[Score]| Spot {
        name: name.to_owned(),
        cost: over(scores, |score| score.cost_per_accepted.unwrap_or(0.0)).estimate / 1e6,
        quality: over(scores, |score| score.success).estimate,
    };
    let mut spots =
        vec![spot("adaptive", &compared.learner), spot("capability, required", &compared.matched)];
    for name in ["random", "least-loaded", "predictive", "capability"] {
        spots.push(spot(name, &bench.scored(&compared.worlds, name, Demand::Preferred)?));
    }
    let caption = Caption {
        title: "What is done, and what it costs".into(),
        across: "cost of an accepted task".into(),
        up: "share of tasks done".into(),
    };
    Ok(scatter(&caption, &spots)?)
}
