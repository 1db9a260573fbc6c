//! Teams: agents that belong together by their accepted work and by their hand-offs.

mod graph;
mod louvain;
mod null;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::UnGraph;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use graph::{Node, knowledge};
pub use louvain::{communities, modularity};

use baton_core::episode::Episode;
use baton_core::seed::Seed;
use graph::{Record, drawn};
use louvain::Weights;

use super::evidence::telling;
use super::history::History;
use super::number::{mean, real, share};

/// The communities of the knowledge graph that have two agents or more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Teams {
    /// The most cohesive first. Empty unless the graph is structured.
    pub teams: Vec<Team>,
    /// Modularity of the best partition found, -0.5 to 1.0.
    pub modularity: f64,
    /// Modularity of the random graphs that the real one was last compared with.
    pub chance: Chance,
    /// Whether the graph is significantly more modular than random graphs.
    pub structured: bool,
}

/// The modularity of graphs without structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chance {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// The largest.
    pub highest: f64,
}

/// Agents that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    /// Sorted.
    pub agents: Vec<String>,
    /// What its members share, strongest first.
    pub bonds: Vec<Bond>,
    /// Share of its agents' ties that stay inside, 0.0 to 1.0.
    pub inside: f64,
    /// `inside` minus its expected value by chance, -1.0 to 1.0.
    pub cohesion: f64,
    /// Numbers of events, hand-offs inside the team first.
    pub evidence: Vec<i64>,
}

/// Something that members of a team share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bond {
    /// A skill, a kind or a folder.
    pub node: Node,
    /// Accepted tasks that tie the team's agents to it.
    pub tasks: f64,
    /// Share of all accepted tasks with it that are theirs, 0.0 to 1.0.
    pub share: f64,
}

/// Number of random graphs that the real one is compared with.
const NULLS: i64 = 24;
/// Maximum number of bonds that a team lists.
const BONDS: usize = 8;
/// The modularity from which a partition is clear: "values above about 0.3" of Newman and Girvan, 2004,
const CRISP: f64 = 0.3;
/// and the share of ties inside its communities: the weak sense of a community of Radicchi et al., "Defining and
/// Identifying Communities in Networks", 2004.
const INSIDE: f64 = 0.5;
/// An agent that is less than this fraction as cohesive as its community isn't a member of the team.
const LOOSE: f64 = 0.5;

/// The teams, with a seed for the order in which nodes are visited and for the graphs without structure.
///
/// There are teams if the graph is more modular than graphs with the same degrees in which tasks were dealt to agents
/// one by one; and if that is not only because agents specialise: the partition is crisp, or more modular than graphs
/// in which each agent keeps its amounts of work in trades dealt at random. A community is a team if more of its
/// agents' ties stay inside than leave, or more than chance makes in the latter graphs.
#[must_use]
pub fn teams(episodes: &[Episode], seed: Seed) -> Teams {
    let record = Record::of(episodes);
    let graph = drawn(&record);
    let found = communities(&graph, seed);
    let best = modularity(&graph, &found);
    let groups = members(&graph, &found);
    let smooth = drawn(&record.smoothed());
    let level = modularity(&smooth, &communities(&smooth, seed));
    let dealt = Null::of((1..=NULLS).map(|n| null::dealt(&record, seed.of(n))), seed);
    let mut result = Teams { teams: Vec::new(), modularity: best, chance: dealt.chance(), structured: false };
    let mut bar = f64::INFINITY;
    if result.chance.beaten_by(level) && !(best >= CRISP && kept(&groups) > INSIDE) {
        let traded = Null::of((1..=NULLS).map(|n| null::traded(&record, seed.of(n))), seed);
        result.chance = traded.chance();
        result.structured = result.chance.beaten_by(level);
        bar = traded.bar();
    } else {
        result.structured = result.chance.beaten_by(level);
    }
    if result.structured {
        let history = History::of(episodes);
        result.teams =
            groups.into_iter().filter(|team| team.inside > INSIDE || team.cohesion > bar).collect();
        for team in &mut result.teams {
            team.evidence = evidence(&history, team);
        }
    }
    result
}

/// The share of all agents' ties that stay inside communities.
fn kept(groups: &[Team]) -> f64 {
    let agents: usize = groups.iter().map(|team| team.agents.len()).sum();
    let sum: f64 = groups.iter().map(|team| team.inside * real(team.agents.len())).sum();
    share(sum, real(agents))
}

/// Random graphs: the modularity of each, and the cohesion of all their communities.
struct Null {
    modularities: Vec<f64>,
    cohesions: Vec<f64>,
}

impl Null {
    fn of(records: impl Iterator<Item = Record>, seed: Seed) -> Self {
        let mut null = Self { modularities: Vec::new(), cohesions: Vec::new() };
        for record in records {
            let graph = drawn(&record);
            let found = communities(&graph, seed);
            null.modularities.push(modularity(&graph, &found));
            null.cohesions.extend(members(&graph, &found).iter().map(|team| team.cohesion));
        }
        null
    }

    fn chance(&self) -> Chance {
        Chance {
            mean: mean(&self.modularities),
            deviation: deviation(&self.modularities),
            highest: self.modularities.iter().copied().fold(0.0, f64::max),
        }
    }

    /// Cohesion above this is more than chance.
    fn bar(&self) -> f64 {
        mean(&self.cohesions) + 2.0 * deviation(&self.cohesions)
    }
}

impl Chance {
    /// Above the highest, and above the mean by four standard deviations.
    fn beaten_by(self, modularity: f64) -> bool {
        modularity > self.highest && modularity > self.mean + 4.0 * self.deviation
    }
}

fn deviation(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    share(squares, real(values.len().saturating_sub(1))).sqrt()
}

/// The communities of two agents or more, the most cohesive first.
fn members(graph: &UnGraph<Node, f64>, found: &[usize]) -> Vec<Team> {
    let weights = Weights::of(graph);
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, group) in found.iter().enumerate() {
        groups.entry(*group).or_default().push(place);
    }
    let mut teams: Vec<Team> = groups.values().filter_map(|group| team(graph, &weights, group)).collect();
    teams.sort_by(|a, b| b.cohesion.total_cmp(&a.cohesion).then_with(|| a.agents.cmp(&b.agents)));
    teams
}

fn team(graph: &UnGraph<Node, f64>, weights: &Weights, group: &[usize]) -> Option<Team> {
    let nodes: Vec<&Node> = graph.node_weights().collect();
    let own: BTreeSet<usize> = group.iter().copied().collect();
    let by_chance = share(group.iter().map(|place| weights.degree(*place)).sum(), weights.total());
    let agents: Vec<usize> = group.iter().copied().filter(|place| nodes[*place].is_agent()).collect();
    let all = inside(&agents, &own, weights);
    let belongs = |agent: &usize| inside(&[*agent], &own, weights) - by_chance >= LOOSE * (all - by_chance);
    let agents: Vec<usize> = agents.into_iter().filter(belongs).collect();
    if agents.len() < 2 {
        return None;
    }
    let inside = inside(&agents, &own, weights);
    let ours: BTreeSet<usize> = agents.iter().copied().collect();
    let topics = group.iter().filter(|place| !nodes[**place].is_agent());
    let mut bonds: Vec<Bond> = topics.map(|place| bond(nodes[*place], weights.near(*place), &ours)).collect();
    bonds.sort_by(|a, b| {
        (b.tasks * b.share).total_cmp(&(a.tasks * a.share)).then_with(|| a.node.cmp(&b.node))
    });
    bonds.truncate(BONDS);
    let mut names: Vec<String> = agents.iter().map(|place| nodes[*place].name().to_owned()).collect();
    names.sort();
    Some(Team { agents: names, bonds, inside, cohesion: inside - by_chance, evidence: Vec::new() })
}

/// The share of these agents' ties that stay among these nodes.
fn inside(agents: &[usize], own: &BTreeSet<usize>, weights: &Weights) -> f64 {
    let (mut kept, mut all) = (0.0, 0.0);
    for (to, weight) in agents.iter().flat_map(|agent| weights.near(*agent)) {
        all += weight;
        kept += if own.contains(to) { *weight } else { 0.0 };
    }
    share(kept, all)
}

fn bond(node: &Node, near: &[(usize, f64)], ours: &BTreeSet<usize>) -> Bond {
    let all: f64 = near.iter().map(|(_, weight)| weight).sum();
    let tasks: f64 = near.iter().filter(|(to, _)| ours.contains(to)).map(|(_, weight)| weight).sum();
    Bond { node: node.clone(), tasks, share: share(tasks, all) }
}

/// Accepted work of its agents on what they share, hand-offs between them first.
fn evidence(history: &History, team: &Team) -> Vec<i64> {
    let ours = |agent: &str| team.agents.iter().any(|own| own == agent);
    let accepted = history.tasks().filter_map(|attempts| history.accepted(attempts.first()?.task));
    let own = accepted.filter(|episode| ours(&episode.agent));
    let shared = own.filter(|episode| team.bonds.iter().any(|bond| bond.node.marks(episode)));
    let events = shared.map(|episode| {
        let givers = episode.depends_on.iter().filter_map(|task| history.accepted(*task));
        let handed = givers.filter(|giver| giver.agent != episode.agent).any(|giver| ours(&giver.agent));
        (handed, episode.seq)
    });
    telling(events)
}
