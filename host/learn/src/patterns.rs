//! Patterns: small subgraphs of dependent tasks that runs have in common, by kind, and their results.

mod form;
mod subgraphs;

use std::collections::{BTreeMap, HashMap};

use baton_core::episode::Episode;
use baton_core::id::{RunId, TaskId};
use form::{Form, Forms, Kinds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::gamma_lr;

use super::discovery;
use super::history::History;
use super::number::{amount, mean, real, share, total};
use super::ranks::median;

/// Patterns that runs have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Patterns {
    /// Those that are more frequent than by chance first, then by support.
    pub patterns: Vec<Pattern>,
    /// Number of connected sub-DAGs of 2 to 4 tasks that were examined.
    pub seen: usize,
    /// Not all of them were examined: the limit is divided among the runs, the newest first.
    pub cut: bool,
}

/// A connected, induced sub-DAG of 2 to 4 tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The kind at each position, in an order that respects the dependencies.
    pub kinds: Vec<String>,
    /// Pairs of a position and one that depends on it.
    pub edges: Vec<(usize, usize)>,
    /// Number of runs with it.
    pub runs: usize,
    /// Occurrences in all runs; they may overlap.
    pub occurrences: usize,
    /// Upper bound of the expected number of runs with it, if the kinds of each run were assigned to its tasks at
    /// random.
    pub expected_runs: f64,
    /// p-value of the hypothesis that they are.
    pub p: f64,
    /// More frequent than by chance, at a false discovery rate of 5 % over all possible patterns of its size.
    pub unusual: bool,
    /// Share of its tasks that were accepted at the first attempt, 0.0 to 1.0.
    pub first_try: f64,
    /// Mean number of attempts per task.
    pub attempts: f64,
    /// Median time from when the first task was ready to the last end, in milliseconds.
    pub duration_ms: f64,
    /// Mean cost of an occurrence in millionths of the currency, over those whose cost is known.
    pub cost_micros: Option<f64>,
    /// The tasks of its newest occurrence, by position.
    pub example: Vec<TaskId>,
    /// The events that ended the tasks of the newest occurrences.
    pub evidence: Vec<i64>,
}

/// Maximum number of sub-DAGs that are examined.
const LIMIT: usize = 200_000;
/// A pattern is reported if it is in at least this many runs,
const LEAST: usize = 2;
/// and in at least one of this many,
const ONE_IN: usize = 50;
/// and at most this many are.
const MOST: usize = 200;

/// The patterns of all runs.
#[must_use]
pub fn patterns(episodes: &[Episode]) -> Patterns {
    let history = History::of(episodes);
    let names = names(episodes);
    let dags: Vec<Dag> =
        history.runs().into_iter().rev().map(|(run, tasks)| dag(run, &tasks, &history, &names)).collect();
    let mut census = Census::default();
    for (place, dag) in dags.iter().enumerate() {
        census.count(dag, place, LIMIT.saturating_sub(census.seen) / (dags.len() - place));
    }
    let patterns = census.patterns(&dags, &names);
    Patterns { patterns, seen: census.seen, cut: census.cut }
}

/// The kinds, sorted; a kind's number is its index.
fn names(episodes: &[Episode]) -> Vec<&str> {
    let mut names: Vec<&str> = episodes.iter().map(|episode| episode.kind.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The tasks of a run and what depends on what.
struct Dag {
    run: RunId,
    nodes: Vec<Node>,
    /// Indices of the tasks that depend on each.
    children: Vec<Vec<usize>>,
    /// Tasks of each kind.
    kinds: Vec<usize>,
}

/// A task with its results.
struct Node {
    task: TaskId,
    kind: usize,
    first_try: bool,
    attempts: usize,
    ready: i64,
    ended: i64,
    cost: Option<u64>,
    seq: i64,
}

fn dag(run: RunId, tasks: &[TaskId], history: &History, names: &[&str]) -> Dag {
    let nodes: Vec<Node> = tasks.iter().filter_map(|task| node(history.attempts(*task), names)).collect();
    let places: BTreeMap<TaskId, usize> =
        nodes.iter().zip(0..).map(|(node, place)| (node.task, place)).collect();
    let mut children = vec![Vec::new(); nodes.len()];
    for (node, child) in nodes.iter().zip(0..) {
        let needs = history.attempts(node.task).first().map_or(&[][..], |first| &first.depends_on);
        for parent in needs.iter().filter_map(|task| places.get(task)).filter(|parent| **parent != child) {
            children[*parent].push(child);
        }
    }
    let mut kinds = vec![0; names.len()];
    for node in &nodes {
        kinds[node.kind] += 1;
    }
    Dag { run, nodes, children, kinds }
}

fn node(attempts: &[&Episode], names: &[&str]) -> Option<Node> {
    let (first, last) = (attempts.first()?, attempts.last()?);
    let costs = attempts.iter().map(|episode| episode.cost_micros);
    Some(Node {
        task: first.task,
        kind: names.binary_search(&first.kind.as_str()).ok()?,
        first_try: first.verdict.is_accepted(),
        attempts: attempts.len(),
        ready: first.ready.0,
        ended: last.ended.0,
        cost: costs.collect::<Option<Vec<u64>>>().map(total),
        seq: last.seq,
    })
}

/// Counts over all runs.
#[derive(Default)]
struct Census {
    forms: Forms,
    counts: HashMap<Form, Count>,
    /// How often each shape, whatever its kinds, occurs in each run, by the run's index.
    shapes: HashMap<Form, BTreeMap<usize, usize>>,
    seen: usize,
    cut: bool,
}

/// What is known of the occurrences of a form.
#[derive(Default)]
struct Count {
    runs: usize,
    newest_run: Option<RunId>,
    occurrences: usize,
    first_tries: usize,
    attempts: usize,
    durations: Vec<f64>,
    costs: Vec<f64>,
    example: Vec<TaskId>,
    evidence: Vec<i64>,
}

impl Census {
    fn count(&mut self, dag: &Dag, place: usize, limit: usize) {
        let whole = subgraphs::each(&dag.children, dag.run, limit, |places| {
            self.seen += 1;
            let mut kinds = Kinds::default();
            for (slot, place) in kinds.iter_mut().zip(places) {
                *slot = dag.nodes[*place].kind;
            }
            let edges = form::edges(places, &dag.children);
            let Some((form, order)) = self.forms.of(kinds, edges, places.len()) else { return };
            *self.shapes.entry(form.shape()).or_default().entry(place).or_insert(0) += 1;
            let nodes = order.iter().take(places.len()).map(|slot| &dag.nodes[places[*slot]]);
            self.counts.entry(form).or_default().add(dag.run, &nodes.collect::<Vec<_>>());
        });
        self.cut |= !whole;
    }

    fn patterns(&mut self, dags: &[Dag], names: &[&str]) -> Vec<Pattern> {
        let least = LEAST.max(dags.len() / ONE_IN);
        let counts = std::mem::take(&mut self.counts);
        let mut frequent: Vec<(Form, Count)> =
            counts.into_iter().filter(|(_, count)| count.runs >= least).collect();
        frequent.sort_by_key(|(form, _)| *form);
        let mut patterns = Vec::new();
        for group in frequent.chunk_by(|(a, _), (b, _)| a.size() == b.size()) {
            let chances: Vec<(f64, f64)> =
                group.iter().map(|(form, count)| self.chance(form, count.runs, dags)).collect();
            let p_values: Vec<f64> = chances.iter().map(|(_, p)| *p).collect();
            let size = group.first().map_or(0, |(form, _)| form.size());
            let significant = discovery::among(&p_values, self.possible(size, names.len()), discovery::RATE);
            let parts = group.iter().zip(chances.into_iter().zip(significant));
            patterns.extend(parts.map(|((form, count), ((expected, p), unusual))| {
                count.pattern(form, names, expected, p, unusual)
            }));
        }
        patterns.sort_by(Pattern::order);
        patterns.truncate(MOST);
        patterns
    }

    /// An upper bound of the number of forms of a size: every shape seen, with every kind at every position.
    fn possible(&self, size: usize, kinds: usize) -> usize {
        let shapes = self.shapes.keys().filter(|shape| shape.size() == size).count();
        (0..size).fold(shapes, |forms, _| forms.saturating_mul(kinds))
    }

    /// An upper bound of the expected number of runs with the form, if each run's kinds were assigned to its tasks at
    /// random, and the probability of at least `runs`. A run has it with at most the mean number of its occurrences
    /// (Markov's inequality), and a sum of independent chances is no wider than Poisson's distribution. Source of the
    /// comparison: Milo et al., "Network Motifs: Simple Building Blocks of Complex Networks", 2002.
    fn chance(&self, form: &Form, runs: usize, dags: &[Dag]) -> (f64, f64) {
        let arrangements = real(form.arrangements());
        let in_run = |(place, occurrences): (&usize, &usize)| {
            let dag = dags.get(*place)?;
            let dealt = form.dealt(&dag.kinds, dag.nodes.len());
            Some((real(*occurrences) * arrangements * dealt).min(1.0))
        };
        let expected: f64 = self.shapes.get(&form.shape()).into_iter().flatten().filter_map(in_run).sum();
        let p = if expected > 0.0 { gamma_lr(real(runs), expected) } else { 1.0 };
        (expected, p)
    }
}

impl Pattern {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let support = |one: &Self| (one.runs, one.occurrences, one.kinds.len());
        let sure = if self.unusual { self.p.total_cmp(&other.p) } else { std::cmp::Ordering::Equal };
        let by_name = || (&self.kinds, &self.edges).cmp(&(&other.kinds, &other.edges));
        let rest = || support(other).cmp(&support(self)).then_with(by_name);
        other.unusual.cmp(&self.unusual).then(sure).then_with(rest)
    }
}

impl Count {
    fn add(&mut self, run: RunId, nodes: &[&Node]) {
        if self.newest_run != Some(run) {
            self.newest_run = Some(run);
            self.runs += 1;
        }
        self.occurrences += 1;
        self.first_tries += nodes.iter().filter(|node| node.first_try).count();
        self.attempts += nodes.iter().map(|node| node.attempts).sum::<usize>();
        let ready = nodes.iter().map(|node| node.ready).min().unwrap_or(0);
        let ended = nodes.iter().map(|node| node.ended).max().unwrap_or(0);
        self.durations.push(amount(u64::try_from(ended.saturating_sub(ready)).unwrap_or(0)));
        let costs = nodes.iter().map(|node| node.cost).collect::<Option<Vec<u64>>>();
        self.costs.extend(costs.map(|costs| amount(total(costs))));
        if self.example.is_empty() {
            self.example = nodes.iter().map(|node| node.task).collect();
        }
        if self.evidence.len() + nodes.len() <= super::evidence::MOST {
            self.evidence.extend(nodes.iter().map(|node| node.seq));
        }
    }

    fn pattern(&self, form: &Form, names: &[&str], expected_runs: f64, p: f64, unusual: bool) -> Pattern {
        let tasks = real(self.occurrences) * real(form.size());
        let name = |kind: &usize| names.get(*kind).copied().unwrap_or_default().to_owned();
        Pattern {
            kinds: form.kinds().iter().map(name).collect(),
            edges: form.edges(),
            runs: self.runs,
            occurrences: self.occurrences,
            expected_runs,
            p,
            unusual,
            first_try: share(real(self.first_tries), tasks),
            attempts: share(real(self.attempts), tasks),
            duration_ms: median(&self.durations),
            cost_micros: (!self.costs.is_empty()).then(|| mean(&self.costs)),
            example: self.example.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use baton_core::clock::Time;
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    fn task(run: i64, place: i64, kind: &str, needs: &[i64]) -> Episode {
        let id = |place: i64| TaskId(run * 100 + place);
        Episode {
            run: RunId(run),
            task: id(place),
            kind: kind.into(),
            depends_on: needs.iter().map(|need| id(*need)).collect(),
            ..crate::sample::sample(run * 100 + place)
        }
    }

    /// Runs of 20 tasks of eight kinds at random, with a diamond in some.
    fn world(seed: u64, share: f64) -> Vec<Episode> {
        let mut episodes = Vec::new();
        for run in 1..=80 {
            let draw = |n: i64| Seed(seed).of(run).of(n);
            let below = |n: i64, bound: u64| i64::try_from(draw(n).0 % bound).unwrap();
            for (place, before) in (0..20).zip(0..) {
                let depends = before > 0 && draw(100 + place).fraction() < 0.8;
                let needs: Vec<i64> = depends.then(|| below(200 + place, before)).into_iter().collect();
                episodes.push(task(run, place, &format!("k{}", below(300 + place, 8)), &needs));
            }
            if draw(1).fraction() < share {
                for (place, kind, needs) in
                    [(20, "k0", &[][..]), (21, "k1", &[20]), (22, "k2", &[20]), (23, "k3", &[21, 22])]
                {
                    episodes.push(task(run, place, kind, needs));
                }
            }
        }
        episodes
    }

    #[test]
    fn a_planted_shape_is_found_and_little_else() {
        for seed in 0..5 {
            let found = patterns(&world(seed, 0.4));
            let unusual: Vec<&Pattern> = found.patterns.iter().filter(|pattern| pattern.unusual).collect();
            let whole =
                unusual.iter().find(|pattern| pattern.edges == [(0, 1), (0, 2), (1, 3), (2, 3)]).unwrap();
            assert_eq!(whole.kinds, ["k0", "k1", "k2", "k3"]);
            assert!(whole.runs >= 20 && whole.expected_runs < 2.0);
            assert_eq!(whole.example.iter().map(|task| task.0 % 100).collect::<Vec<_>>(), [20, 21, 22, 23]);
        }
    }

    #[test]
    fn kinds_at_random_make_no_unusual_patterns() {
        let significant: usize = (0..10)
            .map(|seed| patterns(&world(seed, 0.0)).patterns.iter().filter(|pattern| pattern.unusual).count())
            .sum();
        assert!(significant <= 1, "{significant}");
    }

    #[test]
    fn outcomes_are_those_of_the_occurrences() {
        let mut episodes = Vec::new();
        for run in [1, 2] {
            let first = task(run, 1, "a", &[]);
            episodes.push(Episode { ready: Time(0), ended: Time(10), cost_micros: Some(5), ..first });
            let refused =
                Episode { verdict: Verdict::Refused, cost_micros: Some(1), ..task(run, 2, "b", &[1]) };
            episodes.push(Episode { ready: Time(10), ended: Time(20), ..refused });
            let again = Episode { seq: run * 100 + 3, cost_micros: Some(2), ..task(run, 2, "b", &[1]) };
            episodes.push(Episode { ready: Time(20), ended: Time(10 + 20 * run), ..again });
        }
        let found = patterns(&episodes);
        assert_eq!((found.patterns.len(), found.seen, found.cut), (1, 2, false));
        let pattern = &found.patterns[0];
        assert_eq!((pattern.runs, pattern.occurrences), (2, 2));
        assert_eq!(
            (pattern.kinds.as_slice(), pattern.edges.as_slice()),
            (&["a".to_owned(), "b".into()][..], &[(0, 1)][..])
        );
        assert!((pattern.first_try - 0.5).abs() < 1e-9 && (pattern.attempts - 1.5).abs() < 1e-9);
        assert!((pattern.duration_ms - 40.0).abs() < 1e-9 && pattern.cost_micros == Some(8.0));
        assert_eq!(pattern.example, [TaskId(201), TaskId(202)]);
        assert_eq!(pattern.evidence, [201, 203, 101, 103]);
        assert!(
            (pattern.expected_runs - 1.0).abs() < 1e-9,
            "two tasks of two kinds in one of two orders, in two runs"
        );
    }

    #[test]
    fn a_run_of_enormous_breadth_is_cut_and_leaves_room_for_others() {
        let mut episodes: Vec<Episode> =
            (0..1500).map(|place| task(100, place, "leaf", if place > 0 { &[0] } else { &[] })).collect();
        for run in [1, 2] {
            episodes.extend([task(run, 1, "a", &[]), task(run, 2, "b", &[1])]);
        }
        let found = patterns(&episodes);
        assert!(found.cut && found.seen <= LIMIT);
        assert!(found.patterns.iter().any(|pattern| pattern.kinds == ["a", "b"] && pattern.runs == 2));
    }

    #[test]
    fn tasks_that_wait_for_each_other_or_for_themselves_do_no_harm() {
        let found = patterns(&[task(1, 1, "a", &[1, 2, 7]), task(1, 2, "b", &[1])]);
        assert!(found.patterns.is_empty());
        assert_eq!(patterns(&[]), Patterns::default());
    }
}
