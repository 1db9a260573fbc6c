//! Bottlenecks: what the duration of runs consists of.

mod path;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

pub use path::{Link, Path, Step};

use baton_core::episode::Episode;
use baton_core::id::{RunId, TaskId};

use super::discovery;
use super::evidence::MOST;
use super::history::History;
use super::number::{amount, mean, real, share, total};

/// The critical path of each run, and what lies on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bottlenecks {
    /// By run, oldest first.
    pub runs: Vec<CriticalPath>,
    /// Kinds of tasks, those that take most first.
    pub kinds: Vec<Load>,
    /// The same for agents.
    pub agents: Vec<Load>,
}

/// The critical path of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalPath {
    /// The run.
    pub run: RunId,
    /// From the first moment that a task was ready to the last end, in milliseconds.
    pub makespan_ms: u64,
    /// First to last; their times add up to the makespan.
    pub steps: Path,
    /// Tasks on the path, those that take most first.
    pub tasks: Vec<Part>,
    /// Events of the longest steps.
    pub evidence: Vec<i64>,
}

/// A task on a critical path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The task.
    pub task: TaskId,
    /// Its id in the plan.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// From the end of what it waited for last to its start, in milliseconds.
    pub waiting_ms: u64,
    /// Time in its attempts on the path.
    pub working_ms: u64,
    /// Attempts on the path beyond the first.
    pub retries: usize,
    /// Share of the makespan, 0.0 to 1.0.
    pub share: f64,
}

/// What a kind of task, or an agent, contributes to the duration of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// The kind or the agent.
    pub name: String,
    /// Runs whose critical path it is on.
    pub runs: usize,
    /// On critical paths, in milliseconds.
    pub waiting_ms: u64,
    /// On critical paths, in milliseconds.
    pub working_ms: u64,
    /// Attempts on critical paths beyond the first.
    pub retries: usize,
    /// Share of all makespans together, 0.0 to 1.0.
    pub share: f64,
    /// Its share of all tasks of these runs, or of all attempts if it is an agent, 0.0 to 1.0.
    pub usual: f64,
    /// One-sided p-value of the hypothesis that its share of a run's path is on average no larger than its share of
    /// that run's tasks or attempts.
    pub p: f64,
    /// Takes at least twice its usual share, at a false discovery rate of 5 %.
    pub stands_out: bool,
    /// Events of its longest steps.
    pub evidence: Vec<i64>,
}

/// How many times its usual share a load must take to stand out.
const STANDING_OUT: f64 = 2.0;

/// The critical paths of all runs, and what lies on them.
#[must_use]
pub fn bottlenecks(episodes: &[Episode]) -> Bottlenecks {
    let history = History::of(episodes);
    let mut by_run: BTreeMap<RunId, Vec<&Episode>> = BTreeMap::new();
    for episode in episodes {
        by_run.entry(episode.run).or_default().push(episode);
    }
    let paths: Vec<(CriticalPath, &[&Episode])> = by_run
        .iter()
        .filter_map(|(run, attempts)| Some((critical(*run, attempts, &history)?, attempts.as_slice())))
        .collect();
    let kinds = loads(&paths, |step| &step.kind, |attempts| part_of_tasks(attempts));
    let agents = loads(&paths, |step| &step.agent, |attempts| part_of_attempts(attempts));
    Bottlenecks { runs: paths.into_iter().map(|(path, _)| path).collect(), kinds, agents }
}

fn critical(run: RunId, attempts: &[&Episode], history: &History) -> Option<CriticalPath> {
    let start = attempts.iter().map(|episode| episode.ready).min()?;
    let steps = path::path(attempts, history, start);
    let makespan_ms = total(steps.iter().map(Step::total_ms));
    let mut largest: Vec<&Step> = steps.iter().collect();
    largest.sort_by_key(|step| std::cmp::Reverse((step.total_ms(), step.seq)));
    let evidence = largest.iter().take(MOST).map(|step| step.seq).collect();
    Some(CriticalPath { run, makespan_ms, tasks: parts(&steps, makespan_ms), steps, evidence })
}

fn parts(steps: &[Step], makespan_ms: u64) -> Vec<Part> {
    let mut parts: BTreeMap<TaskId, Part> = BTreeMap::new();
    for step in steps {
        let part = parts.entry(step.task).or_insert_with(|| Part {
            task: step.task,
            name: step.name.clone(),
            kind: step.kind.clone(),
            waiting_ms: 0,
            working_ms: 0,
            retries: 0,
            share: 0.0,
        });
        part.waiting_ms = part.waiting_ms.saturating_add(step.waiting_ms);
        part.working_ms = part.working_ms.saturating_add(step.working_ms);
        part.retries += usize::from(step.link == Link::Retry);
        part.share = share(amount(part.waiting_ms) + amount(part.working_ms), amount(makespan_ms));
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.task.cmp(&b.task)));
    parts
}

/// Each kind's share of the tasks of a run.
fn part_of_tasks<'a>(attempts: &[&'a Episode]) -> BTreeMap<&'a str, f64> {
    let tasks: BTreeMap<TaskId, &str> =
        attempts.iter().map(|episode| (episode.task, episode.kind.as_str())).collect();
    let all = real(tasks.len());
    parts_of(tasks.into_values(), all)
}

fn part_of_attempts<'a>(attempts: &[&'a Episode]) -> BTreeMap<&'a str, f64> {
    parts_of(attempts.iter().map(|episode| episode.agent.as_str()), real(attempts.len()))
}

fn parts_of<'a>(names: impl Iterator<Item = &'a str>, all: f64) -> BTreeMap<&'a str, f64> {
    let mut parts = BTreeMap::new();
    for name in names {
        *parts.entry(name).or_insert(0.0) += 1.0 / all;
    }
    parts
}

/// The contribution of one name, run by run.
#[derive(Default)]
struct Sum<'a> {
    steps: Vec<&'a Step>,
    /// For each run in which it occurs: its share of the makespan minus its usual share, and its usual share.
    excess: Vec<f64>,
    parts: Vec<f64>,
    runs: BTreeSet<RunId>,
}

fn loads<'a>(
    paths: &'a [(CriticalPath, &'a [&'a Episode])],
    name: impl Fn(&Step) -> &str,
    part: impl Fn(&'a [&'a Episode]) -> BTreeMap<&'a str, f64>,
) -> Vec<Load> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for (path, attempts) in paths {
        let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
        for step in &path.steps {
            let sum = taken.entry(name(step)).or_default();
            *sum = sum.saturating_add(step.total_ms());
        }
        for (name, part) in part(attempts) {
            let sum = sums.entry(name).or_default();
            let taken = taken.get(name).copied().unwrap_or(0);
            sum.excess.push(share(amount(taken), amount(path.makespan_ms)) - part);
            sum.parts.push(part);
        }
    }
    for (path, _) in paths {
        for step in &path.steps {
            let Some(sum) = sums.get_mut(name(step)) else { continue };
            sum.steps.push(step);
            sum.runs.insert(path.run);
        }
    }
    let whole = total(paths.iter().map(|(path, _)| path.makespan_ms));
    significant(sums.iter().map(|(name, sum)| sum.load(name, amount(whole), real(paths.len()))).collect())
}

fn significant(mut loads: Vec<Load>) -> Vec<Load> {
    let p_values: Vec<f64> = loads.iter().map(|load| load.p).collect();
    for (load, significant) in loads.iter_mut().zip(discovery::by_p_values(&p_values, discovery::RATE)) {
        load.stands_out = significant && load.share >= STANDING_OUT * load.usual;
    }
    loads.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    loads
}

impl Sum<'_> {
    fn load(&self, name: &str, whole: f64, runs: f64) -> Load {
        let mut largest = self.steps.clone();
        largest.sort_by_key(|step| std::cmp::Reverse((step.total_ms(), step.seq)));
        let waiting_ms = total(self.steps.iter().map(|step| step.waiting_ms));
        let working_ms = total(self.steps.iter().map(|step| step.working_ms));
        Load {
            name: name.to_owned(),
            runs: self.runs.len(),
            waiting_ms,
            working_ms,
            retries: self.steps.iter().filter(|step| step.link == Link::Retry).count(),
            share: share(amount(waiting_ms) + amount(working_ms), whole),
            usual: share(self.parts.iter().sum(), runs),
            p: above_zero(&self.excess),
            stands_out: false,
            evidence: largest.iter().take(MOST).map(|step| step.seq).collect(),
        }
    }
}

/// One-sided p-value of the hypothesis that the mean is at most zero.
/// Source: Student, "The Probable Error of a Mean", 1908.
fn above_zero(values: &[f64]) -> f64 {
    let (n, middle) = (real(values.len()), mean(values));
    if n < 3.0 || middle <= 0.0 {
        return 1.0;
    }
    let variance = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (n - 1.0);
    if variance <= 0.0 {
        return 0.0;
    }
    let t_squared = middle * middle * n / variance;
    0.5 * beta_reg((n - 1.0) / 2.0, 0.5, (n - 1.0) / (n - 1.0 + t_squared))
}

#[cfg(test)]
mod tests {
    use baton_core::clock::Time;
    use baton_core::seed::Seed;

    use super::*;

    /// Runs of ten tasks, each after the one before or on its own, of four kinds, of which one may take longer.
    fn world(seed: u64, slow: i64) -> Vec<Episode> {
        let mut episodes = Vec::new();
        for run in 0..60 {
            let mut ended = Vec::new();
            for place in 0..10 {
                let draw = |n: i64| Seed(seed).of(run * 10 + place).of(n);
                let before: Option<i64> = ended.last().copied().filter(|_| draw(1).fraction() < 0.6);
                let ready = before.unwrap_or(run * 1_000_000);
                let kind = (0..4).find(|kind| draw(2).fraction() < (f64::from(*kind) + 1.0) / 4.0).unwrap();
                let length = 500 + i64::try_from(draw(3).0 % 1000).unwrap();
                let end = ready + length * if kind == 0 { slow } else { 1 };
                ended.push(end);
                let seq = run * 10 + place + 1;
                episodes.push(Episode {
                    run: RunId(run + 1),
                    kind: format!("k{kind}"),
                    agent: format!("a{place}"),
                    ready: Time(ready),
                    started: Time(ready),
                    ended: Time(end),
                    depends_on: before.map(|_| TaskId(seq - 1)).into_iter().collect(),
                    ..crate::sample::sample(seq)
                });
            }
        }
        episodes
    }

    #[test]
    fn a_slow_kind_stands_out() {
        for seed in 0..10 {
            let found = bottlenecks(&world(seed, 4));
            assert_eq!(found.kinds[0].name, "k0");
            let significant: Vec<&str> =
                found.kinds.iter().filter(|load| load.stands_out).map(|load| load.name.as_str()).collect();
            assert_eq!(significant, ["k0"], "{:?}", found.kinds);
        }
    }

    #[test]
    fn kinds_that_are_alike_do_not() {
        for seed in 0..20 {
            assert!(bottlenecks(&world(seed, 1)).kinds.iter().all(|load| !load.stands_out));
        }
    }

    #[test]
    fn the_parts_of_every_path_add_up_to_its_length() {
        let episodes = world(3, 2);
        let found = bottlenecks(&episodes);
        assert_eq!(found.runs.len(), 60);
        for path in &found.runs {
            let own: Vec<&Episode> = episodes.iter().filter(|episode| episode.run == path.run).collect();
            let from = own.iter().map(|episode| episode.ready.0).min().unwrap();
            let to = own.iter().map(|episode| episode.ended.0).max().unwrap();
            assert_eq!(i64::try_from(path.makespan_ms).unwrap(), to - from);
            assert!((path.tasks.iter().map(|part| part.share).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        for loads in [&found.kinds, &found.agents] {
            assert!((loads.iter().map(|load| load.share).sum::<f64>() - 1.0).abs() < 1e-9);
            assert!((loads.iter().map(|load| load.usual).sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_mean_is_tested_as_student_does() {
        let p = above_zero(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((p - 0.006_7).abs() < 1e-4, "t = 4.2426 with 4 degrees of freedom: {p}");
        assert!((above_zero(&[-1.0, 1.0, -2.0]) - 1.0).abs() < 1e-12);
        assert_eq!(bottlenecks(&[]), Bottlenecks::default());
    }
}
