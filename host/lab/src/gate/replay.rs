//! Whether replayed decisions and lessons are identical.

use baton_engine::replay::verify;
use baton_store::read::routing::{self, Excerpt};

use super::{Bench, FIRST, Finding, Gate, GateError};
use crate::play::Demand;
use crate::world::{Config, World};

const ROUTERS: [&str; 6] = ["adaptive", "predictive", "random", "capability", "least-loaded", "round-robin"];

pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G7);
    let world = World::build(&Config { seed: FIRST, ..Config::default() });
    for name in ROUTERS {
        let performance = bench.play(&world, name, Demand::Preferred, true)?;
        let (router, conn) = (bench.router(name)?, performance.simulator.store().reader());
        let mut differences = Vec::new();
        let decisions = routing::decisions(conn, Excerpt::default())?;
        for id in &decisions {
            let decided = routing::decision(conn, *id)?;
            differences
                .extend(verify::decision(&router, &decided).err().map(|why| format!("{name} {id}: {why}")));
        }
        let lessons = routing::lessons(conn, Excerpt::default())?;
        for id in &lessons {
            let taught = routing::lesson(conn, *id)?;
            differences.extend(
                verify::lesson(&router, &taught).err().map(|why| format!("{name} lesson {id}: {why}")),
            );
        }
        finding.demand(
            differences.is_empty() && !decisions.is_empty(),
            name,
            format!("{} decisions, {} lessons, {} differ", decisions.len(), lessons.len(), differences.len()),
        );
        finding.losing.extend(differences.into_iter().take(5));
    }
    Ok(finding)
}
