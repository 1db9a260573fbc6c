//! Communities of a weighted graph. Source: Blondel, Guillaume, Lambiotte and Lefebvre, "Fast Unfolding of Communities
//! in Large Networks", 2008.

use std::collections::BTreeMap;

use baton_core::seed::Seed;
use petgraph::graph::UnGraph;
use petgraph::visit::EdgeRef as _;

use crate::number::share;

/// The weights of a graph's edges, from each of its nodes.
pub(super) struct Weights {
    near: Vec<Vec<(usize, f64)>>,
    /// Twice the weight of a node's edges to itself.
    own: Vec<f64>,
    degrees: Vec<f64>,
    total: f64,
}

impl Weights {
    pub(super) fn of<N>(graph: &UnGraph<N, f64>) -> Self {
        let mut near: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); graph.node_count()];
        let mut own = vec![0.0; graph.node_count()];
        for edge in graph.edge_references() {
            let (a, b) = (edge.source().index(), edge.target().index());
            let weight = edge.weight().max(0.0);
            if a == b {
                own[a] += 2.0 * weight;
            } else {
                *near[a].entry(b).or_insert(0.0) += weight;
                *near[b].entry(a).or_insert(0.0) += weight;
            }
        }
        Self::from_parts(near, own)
    }

    fn from_parts(near: Vec<BTreeMap<usize, f64>>, own: Vec<f64>) -> Self {
        let near: Vec<Vec<(usize, f64)>> = near.into_iter().map(|near| near.into_iter().collect()).collect();
        let degrees: Vec<f64> = near
            .iter()
            .zip(&own)
            .map(|(near, own)| near.iter().map(|(_, weight)| weight).sum::<f64>() + own)
            .collect();
        let total = degrees.iter().sum();
        Self { near, own, degrees, total }
    }

    pub(super) fn near(&self, node: usize) -> &[(usize, f64)] {
        &self.near[node]
    }

    pub(super) fn degree(&self, node: usize) -> f64 {
        self.degrees[node]
    }

    /// Twice the weight of all edges.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// The graph whose nodes are the groups of this one.
    fn merged(&self, groups: &[usize]) -> Self {
        let count = groups.iter().max().map_or(0, |most| most + 1);
        let mut near: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); count];
        let mut own = vec![0.0; count];
        for (node, group) in groups.iter().enumerate() {
            own[*group] += self.own[node];
            for (to, weight) in &self.near[node] {
                if groups[*to] == *group {
                    own[*group] += weight;
                } else {
                    *near[*group].entry(groups[*to]).or_insert(0.0) += weight;
                }
            }
        }
        Self::from_parts(near, own)
    }
}

/// The community of each node, by index; communities are numbered in the order of their first nodes. The seed
/// determines the order in which nodes are visited.
#[must_use]
pub fn communities<N>(graph: &UnGraph<N, f64>, seed: Seed) -> Vec<usize> {
    let mut weights = Weights::of(graph);
    let mut found: Vec<usize> = (0..graph.node_count()).collect();
    for level in 0.. {
        let groups = numbered(&moved(&weights, seed.of(level)));
        let count = groups.iter().max().map_or(0, |most| most + 1);
        for group in &mut found {
            *group = groups[*group];
        }
        if count == groups.len() {
            break;
        }
        weights = weights.merged(&groups);
    }
    numbered(&found)
}

/// Groups renumbered by their first occurrence.
fn numbered(groups: &[usize]) -> Vec<usize> {
    let mut names = BTreeMap::new();
    groups
        .iter()
        .map(|group| {
            let next = names.len();
            *names.entry(*group).or_insert(next)
        })
        .collect()
}

/// Maximum number of rounds over all nodes on a level; it usually converges in ten.
const ROUNDS: usize = 100;
/// Minimum gain of a move, above rounding errors.
const GAIN: f64 = 1e-9;

/// Each node moves to the neighbouring group that raises the modularity most, until none does.
fn moved(weights: &Weights, seed: Seed) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..weights.degrees.len()).collect();
    let mut order: Vec<usize> = groups.clone();
    order.sort_by_key(|node| (seed.of(i64::try_from(*node).unwrap_or(0)).0, *node));
    if weights.total <= 0.0 {
        return groups;
    }
    let mut sums = weights.degrees.clone();
    let mut ties = vec![0.0; groups.len()];
    for _ in 0..ROUNDS {
        let mut still = true;
        for node in &order {
            let old = groups[*node];
            sums[old] -= weights.degrees[*node];
            for (to, weight) in &weights.near[*node] {
                ties[groups[*to]] += weight;
            }
            let new = weights.best(*node, &groups, &sums, &ties);
            for (to, _) in &weights.near[*node] {
                ties[groups[*to]] = 0.0;
            }
            sums[new] += weights.degrees[*node];
            groups[*node] = new;
            still &= new == old;
        }
        if still {
            break;
        }
    }
    groups
}

impl Weights {
    /// The best group for a node, given the degrees of the groups without it and its ties to them; ties prefer its
    /// own group, then that of its first neighbour.
    fn best(&self, node: usize, groups: &[usize], sums: &[f64], ties: &[f64]) -> usize {
        let gain = |group: usize| ties[group] - sums[group] * self.degrees[node] / self.total;
        let (mut best, mut most) = (groups[node], gain(groups[node]));
        for (to, _) in &self.near[node] {
            let offer = gain(groups[*to]);
            if offer > most + GAIN * self.total {
                (best, most) = (groups[*to], offer);
            }
        }
        best
    }
}

/// The share of weight inside groups, minus its expected value if edges were drawn by degrees alone; 0 for a graph
/// without edges. Source: Newman and Girvan, "Finding and Evaluating Community Structure in Networks", 2004.
#[must_use]
pub fn modularity<N>(graph: &UnGraph<N, f64>, groups: &[usize]) -> f64 {
    let weights = Weights::of(graph);
    let group = |node: usize| groups.get(node).copied().unwrap_or(0);
    let mut inside = 0.0;
    let mut degrees: BTreeMap<usize, f64> = BTreeMap::new();
    for node in 0..weights.degrees.len() {
        *degrees.entry(group(node)).or_insert(0.0) += weights.degrees[node];
        inside += weights.own[node];
        inside += weights.near[node]
            .iter()
            .filter(|(to, _)| group(*to) == group(node))
            .map(|(_, w)| w)
            .sum::<f64>();
    }
    let by_chance: f64 = degrees.values().map(|degree| share(*degree, weights.total).powi(2)).sum();
    share(inside, weights.total) - by_chance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: usize, edges: &[(u32, u32, f64)]) -> UnGraph<(), f64> {
        let mut graph = UnGraph::new_undirected();
        (0..nodes).for_each(|_| {
            graph.add_node(());
        });
        graph.extend_with_edges(edges.iter().copied());
        graph
    }

    /// Two triangles joined by one edge: m = 7, so Q = 6/7 − 2·(7/14)² = 5/14.
    #[test]
    fn two_triangles_are_two_communities() {
        let edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5), (2, 3)];
        let graph = graph(6, &edges.map(|(a, b)| (a, b, 1.0)));
        let found = communities(&graph, Seed(1));
        assert_eq!(found, [0, 0, 0, 1, 1, 1]);
        assert!((modularity(&graph, &found) - 5.0 / 14.0).abs() < 1e-12);
    }

    /// Every partition of small graphs, tried.
    #[test]
    fn the_best_of_a_few_seeds_is_nearly_the_best_there_is() {
        for instance in 0..20 {
            let draw = |a: u32, b: u32| Seed(instance).of(i64::from(a)).of(i64::from(b)).fraction();
            let edges: Vec<(u32, u32, f64)> = (0..6)
                .flat_map(|a| (a + 1..6).map(move |b| (a, b)))
                .filter(|(a, b)| draw(*a, *b) < 0.4)
                .map(|(a, b)| (a, b, 1.0 + draw(b, a)))
                .collect();
            let graph = graph(6, &edges);
            let best = (0..6_usize.pow(5))
                .map(|code| (0..6).map(|node| code / 6_usize.pow(node) % 6).collect::<Vec<usize>>())
                .map(|groups| modularity(&graph, &groups))
                .fold(f64::NEG_INFINITY, f64::max);
            let found = (0..5)
                .map(|seed| modularity(&graph, &communities(&graph, Seed(seed))))
                .fold(f64::NEG_INFINITY, f64::max);
            assert!(found <= best + 1e-9 && found > best - 0.03, "{found} of {best}");
        }
    }

    #[test]
    fn graphs_without_edges_or_nodes_have_no_communities_to_speak_of() {
        assert!(communities(&graph(0, &[]), Seed(1)).is_empty());
        assert_eq!(communities(&graph(3, &[]), Seed(1)), [0, 1, 2]);
        assert!(modularity(&graph(3, &[]), &[0, 1, 2]).abs() < 1e-12);
    }

    #[test]
    fn an_edge_to_itself_counts_for_its_node() {
        let graph = graph(2, &[(0, 0, 1.0), (0, 1, 1.0)]);
        assert!((modularity(&graph, &[0, 1]) - (2.0 / 4.0 - (9.0 + 1.0) / 16.0)).abs() < 1e-12);
    }
}
