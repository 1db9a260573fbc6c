//! What is known of a plan before it runs.

use std::path::{Path, PathBuf};

use baton_core::agent::Card;
use baton_core::kind::Kind;
use baton_core::plan::check::Available;
use baton_core::plan::simulate::{self, Timeline, generalists};
use baton_core::plan::{Plan, graph, load};
use baton_core::span::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plugins;
use crate::runs::Nothing;
use crate::{App, AppError};

/// Which plan is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanQuery {
    /// A plan file, or a folder of them.
    pub plan: PathBuf,
}

/// A plan without errors, in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanSummary {
    /// The plan's name.
    pub name: String,
    /// How many workstreams it has.
    pub workstreams: usize,
    /// How many dependencies there are between them.
    pub dependencies: usize,
    /// How many steps it takes when everything that could run at once does.
    pub waves: usize,
    /// The plan's content.
    pub digest: String,
    /// Whether it was looked at who can do each workstream: only where agents are configured or registered.
    #[serde(skip)]
    pub has_agents: bool,
}

/// Checks a plan, also for what the configuration and the store have to carry it out with.
///
/// # Errors
/// All errors of the plan at once; the store can't be read.
pub(crate) fn check(app: &App, query: &PlanQuery) -> Result<PlanSummary, AppError> {
    let available = available(app)?;
    let plan = load::load_for(&query.plan, &available)?;
    Ok(PlanSummary {
        workstreams: plan.workstreams.len(),
        dependencies: plan.workstreams.iter().map(|one| one.depends_on.len()).sum(),
        waves: graph::shape(&plan).waves.len(),
        digest: plan.digest(),
        has_agents: !available.agents.is_empty(),
        name: plan.name,
    })
}

fn available(app: &App) -> Result<Available, AppError> {
    let known = plugins::plugins(app, &Nothing {})?;
    let named = |kind: Kind| {
        let of_kind = known.iter().filter(|plugin| plugin.kind == kind);
        of_kind.map(|plugin| plugin.name.clone()).collect()
    };
    Ok(Available {
        executors: named(Kind::Executor),
        validators: named(Kind::Validator),
        agents: app.agents()?,
    })
}

/// The waves and the critical path of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlanGraph {
    /// Workstreams by the wave in which they could start.
    pub waves: Vec<Vec<String>>,
    /// The longest chain by estimates, first to last.
    pub critical: Vec<String>,
    /// The length of that chain: no number of agents is faster.
    pub critical_span: Span,
    /// All estimates together: what one agent needs.
    pub total: Span,
    /// The plan itself, to be drawn.
    #[serde(skip)]
    pub plan: Plan,
}

/// The waves and the critical path of a plan.
///
/// # Errors
/// All errors of the plan at once.
pub fn graph(plan: &Path) -> Result<PlanGraph, AppError> {
    let plan = load::load(plan)?;
    let shape = graph::shape(&plan);
    let name = |index: &usize| plan.workstreams[*index].id.clone();
    Ok(PlanGraph {
        waves: shape.waves.iter().map(|wave| wave.iter().map(name).collect()).collect(),
        critical: shape.critical.iter().map(name).collect(),
        critical_span: shape.critical_span,
        total: shape.total,
        plan,
    })
}

/// With whom a plan is simulated.
#[derive(Clone, Debug, PartialEq)]
pub enum Teams {
    /// Once, with these agents.
    Of(Vec<Card>),
    /// Once for each of these numbers of agents that can do everything.
    Counts(Vec<usize>),
}

/// The timeline that a plan's estimates predict.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Simulation {
    /// How many attempts may run at once.
    pub agents: usize,
    /// From the first start to the last end, in milliseconds.
    pub span_ms: u64,
    /// How many times as fast as one agent that can do everything.
    pub speed_up: f64,
    /// By start, then by agent.
    pub timeline: Vec<SimulatedTask>,
    /// Workstreams that no agent can do, or gets to.
    #[serde(skip)]
    pub stranded: Vec<String>,
    /// The agents by their place; those that can do everything have no name.
    #[serde(skip)]
    pub names: Vec<Option<String>>,
}

/// One workstream's place in a predicted timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SimulatedTask {
    /// Its id.
    pub workstream: String,
    /// The agent's place among those that there are, from 0.
    pub agent: usize,
    /// After the plan's start, in milliseconds.
    pub start_ms: u64,
    /// After the plan's start, in milliseconds.
    pub end_ms: u64,
}

/// The timelines that a plan's estimates predict.
///
/// # Errors
/// All errors of the plan at once.
pub fn simulate(plan: &Path, teams: &Teams) -> Result<Vec<Simulation>, AppError> {
    let plan = load::load(plan)?;
    let seats = |card: &Card| vec![Some(card.clone()); card.capacity as usize];
    let teams: Vec<Vec<Option<Card>>> = match teams {
        Teams::Of(agents) => vec![agents.iter().flat_map(seats).collect()],
        Teams::Counts(counts) => {
            counts.iter().filter(|count| **count > 0).map(|count| generalists(*count)).collect()
        }
    };
    let alone = simulate::timeline(&plan, &generalists(1)).span;
    Ok(teams.iter().map(|team| simulated(&plan, team, alone)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn simulated(plan: &Plan, team: &[Option<Card>], alone: Span) -> Simulation {
    let Timeline { slots, span, stranded } = simulate::timeline(plan, team);
    let id = |index: usize| plan.workstreams[index].id.clone();
    let task = |slot: &simulate::Slot| SimulatedTask {
        workstream: id(slot.workstream),
        agent: slot.agent,
        start_ms: slot.start.millis(),
        end_ms: slot.end.millis(),
    };
    Simulation {
        agents: team.len(),
        span_ms: span.millis(),
        speed_up: alone.millis().max(1) as f64 / span.millis().max(1) as f64,
        timeline: slots.iter().map(task).collect(),
        stranded: stranded.into_iter().map(id).collect(),
        names: team.iter().map(|card| card.as_ref().map(|card| card.name.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::plan::Workstream;

    use super::*;

    fn stream(id: &str) -> Workstream {
        Workstream { estimate: Some(Span::from_secs(3600)), ..Workstream::named(id) }
    }

    #[test]
    fn a_simulation_is_compared_with_one_agent_that_can_do_everything() {
        let plan = Plan { name: "p".into(), workstreams: vec![stream("a"), stream("b")] };
        let pair = simulated(&plan, &generalists(2), simulate::timeline(&plan, &generalists(1)).span);
        assert_eq!((pair.agents, pair.span_ms, pair.speed_up), (2, 3_600_000, 2.0));
        let places = pair.timeline.iter().map(|task| (task.workstream.as_str(), task.agent, task.end_ms));
        assert_eq!(places.collect::<Vec<_>>(), [("a", 0, 3_600_000), ("b", 1, 3_600_000)]);
    }
}
