//! The dependency graph of a plan: waves, critical path, and drawings.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use super::{Plan, Workstream};
use crate::span::Span;

/// Edges point from a workstream to what depends on it; a node's index is its position in the plan.
type Graph = DiGraph<(), ()>;

fn graph(workstreams: &[&Workstream]) -> Graph {
    let position: HashMap<&str, u32> =
        workstreams.iter().zip(0_u32..).map(|(workstream, index)| (workstream.id.as_str(), index)).collect();
    let edges = workstreams.iter().zip(0_u32..).flat_map(|(workstream, child)| {
        let position = &position;
        workstream.depends_on.iter().filter_map(move |parent| Some((*position.get(parent.as_str())?, child)))
    });
    let mut graph = Graph::with_capacity(workstreams.len(), workstreams.len());
    for _ in workstreams {
        graph.add_node(());
    }
    graph.extend_with_edges(edges);
    graph
}

/// A cycle for each group of workstreams that depend on each other, in dependency order.
pub(super) fn cycles(workstreams: &[&Workstream]) -> Vec<Vec<usize>> {
    let graph = graph(workstreams);
    if toposort(&graph, None).is_ok() {
        return Vec::new();
    }
    let groups = kosaraju_scc(&graph).into_iter().filter(|group| group.len() > 1);
    let mut cycles: Vec<Vec<usize>> = groups.map(|group| walk(&graph, &group)).collect();
    cycles.sort();
    cycles
}

/// A cycle inside a strongly connected group: follows edges inside it until a node is reached again.
fn walk(graph: &Graph, group: &[NodeIndex]) -> Vec<usize> {
    let inside = |node: &NodeIndex| group.contains(node);
    let Some(mut at) = group.iter().min().copied() else { return Vec::new() };
    let mut path: Vec<NodeIndex> = Vec::new();
    loop {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            let mut cycle: Vec<usize> = path[start..].iter().map(|node| node.index()).collect();
            let least = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(place, _)| place);
            cycle.rotate_left(least);
            return cycle;
        }
        path.push(at);
        let Some(next) = graph.neighbors(at).filter(inside).min() else { return Vec::new() };
        at = next;
    }
}

/// Waves and critical path of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Positions in the plan: wave n can start once waves 0 to n-1 are done.
    pub waves: Vec<Vec<usize>>,
    /// The longest chain by estimates, first to last.
    pub critical: Vec<usize>,
    /// Duration of that chain: more agents can't make the run faster.
    pub critical_span: Span,
    /// Sum of all estimates: what a single agent needs.
    pub total: Span,
    /// For each workstream the duration of the longest chain that starts with it.
    pub tail: Vec<Span>,
}

/// The waves and the critical path of a plan. Linear in workstreams and dependencies.
#[must_use]
pub fn shape(plan: &Plan) -> Shape {
    let workstreams: Vec<&Workstream> = plan.workstreams.iter().collect();
    let graph = graph(&workstreams);
    let order = toposort(&graph, None).unwrap_or_default();
    let mut wave = vec![0; workstreams.len()];
    for &node in &order {
        for edge in graph.edges(node) {
            let child = edge.target().index();
            wave[child] = wave[child].max(wave[node.index()] + 1);
        }
    }
    let mut waves = vec![Vec::new(); wave.iter().max().map_or(0, |last| last + 1)];
    for (index, &wave) in wave.iter().enumerate() {
        waves[wave].push(index);
    }
    let mut tail = vec![Duration::ZERO; workstreams.len()];
    let mut next = vec![None; workstreams.len()];
    for &node in order.iter().rev() {
        let index = node.index();
        let longest = graph
            .neighbors(node)
            .map(|child| (tail[child.index()], child.index()))
            .max_by_key(|(span, child)| (*span, usize::MAX - child));
        tail[index] = workstreams[index].expected().0 + longest.map_or(Duration::ZERO, |(span, _)| span);
        next[index] = longest.map(|(_, child)| child);
    }
    let first = (0..tail.len()).max_by_key(|&index| (tail[index], usize::MAX - index));
    let critical: Vec<usize> = std::iter::successors(first, |&index| next[index]).collect();
    Shape {
        waves,
        critical_span: Span(first.map_or(Duration::ZERO, |index| tail[index])),
        total: Span(workstreams.iter().map(|workstream| workstream.expected().0).sum()),
        critical,
        tail: tail.into_iter().map(Span).collect(),
    }
}

/// `graph TD` for Mermaid; the critical path is drawn thick.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let shape = shape(plan);
    let mut text = String::from("graph TD\n");
    let mut edge = 0;
    let mut thick = Vec::new();
    for (index, workstream) in plan.workstreams.iter().enumerate() {
        let _ = writeln!(
            text,
            "  n{index}[\"{}\"]",
            label(workstream).replace(char::is_control, " ").replace('"', "#quot;")
        );
        for parent in &workstream.depends_on {
            let Some(parent) = plan.position(parent) else { continue };
            let _ = writeln!(text, "  n{parent} --> n{index}");
            if shape.critical.windows(2).any(|pair| pair == [parent, index]) {
                thick.push(edge.to_string());
            }
            edge += 1;
        }
    }
    if !thick.is_empty() {
        let _ = writeln!(text, "  linkStyle {} stroke-width:4px", thick.join(","));
    }
    text
}

/// A `digraph` for Graphviz; the critical path is bold.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let shape = shape(plan);
    let mut text = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (index, workstream) in plan.workstreams.iter().enumerate() {
        let _ = writeln!(
            text,
            "  n{index} [label=\"{}\"];",
            label(workstream).replace(char::is_control, " ").replace('\\', "\\\\").replace('"', "\\\"")
        );
        for parent in &workstream.depends_on {
            let Some(parent) = plan.position(parent) else { continue };
            let bold = shape.critical.windows(2).any(|pair| pair == [parent, index]);
            let _ = writeln!(text, "  n{parent} -> n{index}{};", if bold { " [style=bold]" } else { "" });
        }
    }
    text.push_str("}\n");
    text
}

fn label(workstream: &Workstream) -> String {
    let span = workstream.estimate.map(|span| format!(" ({span})")).unwrap_or_default();
    if workstream.title.is_empty() {
        format!("{}{span}", workstream.id)
    } else {
        format!("{}: {}{span}", workstream.id, workstream.title)
    }
}
