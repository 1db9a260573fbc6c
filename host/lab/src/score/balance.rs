//! How evenly work is distributed.

use super::Played;
use crate::world::World;

fn counts(world: &World, played: &[Played]) -> Vec<u32> {
    let mut counts = vec![0_u32; world.agents.len()];
    for one in played {
        if let Some(count) = counts.get_mut(one.agent) {
            *count += 1;
        }
    }
    counts
}

/// Jain's fairness index of the attempts per unit of capacity: 1 if all agents had equally many, 1/n if one had all, 1
/// if there were none (Jain, Chiu and Hawe, "A Quantitative Measure of Fairness and Discrimination", 1984).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "pools are small")]
pub fn jain(world: &World, played: &[Played]) -> f64 {
    let load =
        |(agent, count): (usize, u32)| f64::from(count) / f64::from(world.agents[agent].capacity.max(1));
    let loads: Vec<f64> = counts(world, played).into_iter().enumerate().map(load).collect();
    let (sum, squares) = (loads.iter().sum::<f64>(), loads.iter().map(|load| load * load).sum::<f64>());
    if squares > 0.0 { sum * sum / (squares * loads.len() as f64) } else { 1.0 }
}

/// The largest share of the attempts that one agent had, 0.0 to 1.0.
#[must_use]
pub fn max_share(world: &World, played: &[Played]) -> f64 {
    let counts = counts(world, played);
    let most = counts.iter().max().copied().unwrap_or(0);
    f64::from(most) / f64::from(counts.iter().sum::<u32>().max(1))
}
