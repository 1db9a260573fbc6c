//! Routers' predictions, compared with an oracle that knows every agent's skill and sees the same features.

use baton_stats::calibration::{Forecast, auc_within, brier_skill, calibration_error, reliability};
use baton_stats::plot;

use super::{Bench, Finding, Gate, GateError};
use crate::play::{Demand, Foreseen};
use crate::world::{Config, Pool, World};

const TASKS: usize = 2000;
/// Tasks that a router may learn from before its forecasts count.
const SCHOOL: usize = 500;
const SHARE: f64 = 0.6;
const ERROR: f64 = 0.05;
const BINS: usize = 15;

/// Forecasts of a router and of the oracle, on the same pairs of task and agent.
#[derive(Default)]
struct Pairs {
    router: Vec<Forecast>,
    ideal: Vec<Forecast>,
}

impl Pairs {
    fn add(&mut self, world: &World, foreseen: &[Foreseen]) {
        for &Foreseen { task, agent, success } in foreseen.iter().filter(|one| one.task >= SCHOOL) {
            let group = world.skills[world.tasks[task].skill].clone();
            let came = world.truth(agent, task);
            self.ideal.push(Forecast {
                group: group.clone(),
                chance: world.chance_given_features(agent, task),
                came,
            });
            self.router.push(Forecast { group, chance: success, came });
        }
    }
}

/// The share of forecasts on the right side of one half.
#[expect(clippy::cast_precision_loss, reason = "counts of forecasts")]
fn accuracy(forecasts: &[Forecast]) -> f64 {
    let right = forecasts.iter().filter(|one| (one.chance >= 0.5) == one.came).count();
    right as f64 / forecasts.len().max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of forecasts")]
fn base_rate(forecasts: &[Forecast]) -> f64 {
    let came = forecasts.iter().filter(|one| one.came).count() as f64 / forecasts.len().max(1) as f64;
    came.max(1.0 - came)
}

pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G4);
    for pool in [Pool::Specialists, Pool::Generalists] {
        let settings = Config { pool, tasks: TASKS, observability: 0.5, ..Config::default() };
        let mut worlds = bench.worlds(&settings);
        worlds.truncate(8);
        for name in ["predictive", "adaptive"] {
            let mut pairs = Pairs::default();
            for world in &worlds {
                let performance = bench.play(world, name, Demand::Preferred, false)?;
                pairs.add(world, &performance.foreseen);
            }
            judge(&mut finding, pool, name, &pairs)?;
        }
    }
    Ok(finding)
}

/// Only the router whose purpose is prediction has to pass.
fn judge(finding: &mut Finding, pool: Pool, name: &str, pairs: &Pairs) -> Result<(), GateError> {
    let skill = |forecasts: &[Forecast]| brier_skill(forecasts).unwrap_or(0.0);
    let (own, ideal) = (skill(&pairs.router), skill(&pairs.ideal));
    let error =
        calibration_error(&pairs.router, BINS).ok_or_else(|| GateError::NoForecast(name.to_owned()))?;
    let label = format!("{pool:?}: {name}");
    let ratio = format!("{:.2} ({own:.3} to {ideal:.3})", own / ideal);
    let off = format!("{:.3} (chance alone {:.3})", error.error, error.floor);
    if name == "predictive" {
        finding.demand(
            own >= SHARE * ideal,
            format!("{label}: Brier skill against the ideal knower's"),
            ratio,
        );
        finding.demand(error.error <= ERROR, format!("{label}: calibration error"), off);
    } else {
        finding.figure(format!("{label}: Brier skill against the ideal knower's"), ratio);
        finding.figure(format!("{label}: calibration error"), off);
    }
    finding.figure(
        format!("{label}: accuracy, between its base rate and its ceiling"),
        format!(
            "{:.1} % ({:.1} %, {:.1} %)",
            accuracy(&pairs.router) * 100.0,
            base_rate(&pairs.router) * 100.0,
            accuracy(&pairs.ideal) * 100.0
        ),
    );
    let auc = |forecasts: &[Forecast]| auc_within(forecasts).unwrap_or(0.5);
    finding.figure(
        format!("{label}: AUC within a skill, and its ceiling"),
        format!("{:.3}, {:.3}", auc(&pairs.router), auc(&pairs.ideal)),
    );
    if pool == Pool::Specialists {
        let drawn =
            plot::reliability(&format!("Forecasts of {name}"), &reliability(&pairs.router, BINS, 0.95));
        finding.plots.push((format!("calibration-{name}.svg"), drawn?));
    }
    Ok(())
}
