//! Proposals of new skills: recurring folders and file types at which some agents do better or worse than at
//! otherwise comparable work.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::episode::Episode;
use baton_core::id::{RunId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::gamma_ur;

use super::{Ability, Record, SkillThresholds};
use crate::discovery;
use crate::evidence::telling;
use crate::number::real;
use crate::proportion::Proportion;
use crate::strata::Stratum;

/// Files that make a difference to which agents succeed, and that no declared skill covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// A name for the skill: the longest of the folders, or the file type.
    pub name: String,
    /// Globs that mark the same tasks, such as `src/db/**` and `*.sql`, sorted.
    pub patterns: Vec<String>,
    /// Tasks that the patterns mark.
    pub tasks: usize,
    /// Runs with such tasks.
    pub runs: usize,
    /// Attempts at such tasks.
    pub attempts: usize,
    /// Those that were accepted.
    pub accepted: usize,
    /// Agents that have proven it, best first.
    pub holders: Vec<Ability>,
    /// p-value of the hypothesis that each agent does as well with these files as with comparable tasks without them.
    pub p: f64,
    /// Numbers of events, accepted attempts first.
    pub evidence: Vec<i64>,
}

/// A pattern is proposed only if it occurs in this many tasks, in this many runs,
const TASKS: usize = 10;
const RUNS: usize = 3;
/// and in at most half of all attempts: what nearly every task touches distinguishes nothing.
const WIDEST: f64 = 0.5;
/// Agents with fewer attempts at a pattern are no evidence for or against it.
const TRIED: usize = 5;
/// Two patterns coincide if this share of the tasks that either marks is marked by both.
const SAME: f64 = 0.9;
/// Maximum depth of folders.
const DEPTH: usize = 3;

/// An attempt that says something about its agent. `agent` and `cell` are indices; a cell is comparable work of one
/// agent, of one kind and with the same skills.
struct Sample<'a> {
    episode: &'a Episode,
    good: bool,
    agent: usize,
    cell: usize,
}

/// All proposals, surest first, with at most 1 % false ones. Folders and file types that nearly coincide become one
/// proposal, and one that only stands out because it overlaps with a surer one is dropped.
#[must_use]
pub fn proposals(episodes: &[Episode], bar: &SkillThresholds) -> Vec<Proposal> {
    let trials = trials(episodes);
    let mut marks = marks(&trials);
    let mut left = vec![true; trials.len()];
    let mut found = Vec::new();
    loop {
        let cells = cells(&trials, &left);
        let p_values: Vec<f64> = marks.iter().map(|mark| mark.p(&trials, &cells, &left)).collect();
        let significant = discovery::by_p_values(&p_values, discovery::STRICT);
        let best = (0..marks.len())
            .filter(|place| significant[*place])
            .min_by(|a, b| p_values[*a].total_cmp(&p_values[*b]).then_with(|| marks[*a].order(&marks[*b])));
        let Some(best) = best else { return found };
        let (p, mark) = (p_values[best], marks.remove(best));
        for (left, trial) in left.iter_mut().zip(&trials) {
            *left &= !mark.tasks.contains(&trial.episode.task);
        }
        let (same, rest) = marks.into_iter().partition(|other| mark.coincides(other));
        marks = rest;
        found.extend(mark.proposal(&trials, &same, p, bar));
    }
}

fn trials(episodes: &[Episode]) -> Vec<Sample<'_>> {
    let (mut agents, mut cells) = (BTreeMap::new(), BTreeMap::new());
    let mut trials = Vec::new();
    for episode in episodes {
        let Some(good) = episode.verdict.ability() else { continue };
        let next = agents.len();
        let agent = *agents.entry(episode.agent.as_str()).or_insert(next);
        let next = cells.len();
        let cell = *cells.entry((agent, &episode.kind, &episode.skills)).or_insert(next);
        trials.push(Sample { episode, good, agent, cell });
    }
    trials
}

/// The results of each cell, over the attempts that are left.
fn cells(trials: &[Sample], left: &[bool]) -> Vec<Proportion> {
    let mut cells = vec![Proportion::default(); trials.iter().map(|trial| trial.cell + 1).max().unwrap_or(0)];
    for (trial, _) in trials.iter().zip(left).filter(|(_, left)| **left) {
        cells[trial.cell].add(trial.good);
    }
    cells
}

/// A pattern, with the indices of the attempts at tasks that it marks.
struct Mark {
    pattern: String,
    tasks: BTreeSet<TaskId>,
    runs: BTreeSet<RunId>,
    attempts: Vec<usize>,
}

fn marks(trials: &[Sample]) -> Vec<Mark> {
    let mut by_files: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (place, trial) in trials.iter().enumerate() {
        by_files.entry(&trial.episode.files).or_default().push(place);
    }
    let mut by_pattern: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (files, places) in by_files {
        for pattern in files.iter().flat_map(|glob| patterns(glob)).collect::<BTreeSet<String>>() {
            by_pattern.entry(pattern).or_default().extend(&places);
        }
    }
    let widest = WIDEST * real(trials.len());
    by_pattern
        .into_iter()
        .filter(|(_, attempts)| attempts.len() >= TASKS && real(attempts.len()) <= widest)
        .map(|(pattern, attempts)| Mark {
            pattern,
            tasks: attempts.iter().map(|place| trials[*place].episode.task).collect(),
            runs: attempts.iter().map(|place| trials[*place].episode.run).collect(),
            attempts,
        })
        .filter(|mark| mark.tasks.len() >= TASKS && mark.runs.len() >= RUNS)
        .collect()
}

/// The folders of a glob up to the first wildcard, and its file type.
fn patterns(glob: &str) -> Vec<String> {
    let segments: Vec<&str> = glob.split('/').collect();
    let Some((file, folders)) = segments.split_last() else { return Vec::new() };
    let certain = folders.iter().take_while(|segment| !segment.contains(['*', '?'])).take(DEPTH);
    let mut folder = String::new();
    let mut found = Vec::new();
    for segment in certain {
        folder.push_str(segment);
        folder.push('/');
        found.push(format!("{folder}**"));
    }
    if let Some((_, extension)) = file.rsplit_once('.').filter(|(_, extension)| is_type(extension)) {
        found.push(format!("*.{extension}"));
    }
    found
}

fn is_type(extension: &str) -> bool {
    (1..=8).contains(&extension.len()) && extension.chars().all(|c| c.is_ascii_alphanumeric())
}

impl Mark {
    /// A χ² test with one degree of freedom per agent: the squared difference between its accepted attempts and what
    /// its comparable attempts predict, divided by the variance of the conditional test. Source: Cochran, "Some
    /// Methods for Strengthening the Common χ² Tests", 1954.
    fn p(&self, trials: &[Sample], cells: &[Proportion], left: &[bool]) -> f64 {
        let mut own: BTreeMap<usize, BTreeMap<usize, Proportion>> = BTreeMap::new();
        for trial in self.attempts.iter().filter(|place| left[**place]).map(|place| &trials[*place]) {
            own.entry(trial.agent).or_default().entry(trial.cell).or_default().add(trial.good);
        }
        let (mut sum, mut degrees) = (0.0, 0.0);
        for by_cell in own.values().filter(|cells| cells.values().map(|own| own.of).sum::<usize>() >= TRIED) {
            let (distance, variance) = deviation(by_cell, cells);
            if variance > 0.0 {
                sum += distance * distance / variance;
                degrees += 1.0;
            }
        }
        if degrees == 0.0 || sum <= 0.0 { 1.0 } else { gamma_ur(degrees / 2.0, sum / 2.0) }
    }

    /// Among equally sure marks the narrower one, then the one with the longer name, represents the others.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let name = |mark: &Self| (mark.tasks.len(), std::cmp::Reverse(mark.pattern.len()));
        name(self).cmp(&name(other)).then_with(|| self.pattern.cmp(&other.pattern))
    }

    fn coincides(&self, other: &Self) -> bool {
        let both = self.tasks.intersection(&other.tasks).count();
        let either = self.tasks.len() + other.tasks.len() - both;
        real(both) >= SAME * real(either)
    }

    fn proposal(&self, trials: &[Sample], same: &[Self], p: f64, bar: &SkillThresholds) -> Option<Proposal> {
        let attempts: Vec<&Sample> = self.attempts.iter().map(|place| &trials[*place]).collect();
        let holders = self.holders(&attempts, bar);
        if holders.is_empty() {
            return None;
        }
        let mut patterns: Vec<String> = same.iter().chain([self]).map(|mark| mark.pattern.clone()).collect();
        patterns.sort();
        Some(Proposal {
            name: name(&patterns),
            patterns,
            tasks: self.tasks.len(),
            runs: self.runs.len(),
            attempts: attempts.len(),
            accepted: attempts.iter().filter(|trial| trial.good).count(),
            holders,
            p,
            evidence: telling(attempts.iter().map(|trial| (trial.good, trial.episode.seq))),
        })
    }

    fn holders(&self, attempts: &[&Sample], bar: &SkillThresholds) -> Vec<Ability> {
        let mut by_agent: BTreeMap<&str, Record> = BTreeMap::new();
        for trial in attempts {
            by_agent.entry(&trial.episode.agent).or_default().add(trial.good, trial.episode.seq);
        }
        let mut holders: Vec<Ability> = by_agent
            .iter()
            .map(|(agent, trials)| trials.ability(agent, &self.pattern, true))
            .filter(|ability| ability.accepted >= bar.accepted && ability.low > bar.above)
            .collect();
        holders.sort_by(|a, b| b.low.total_cmp(&a.low));
        holders
    }
}

/// The difference between an agent's accepted attempts and their expected number, and its variance.
fn deviation(own: &BTreeMap<usize, Proportion>, cells: &[Proportion]) -> (f64, f64) {
    own.iter().fold((0.0, 0.0), |(distance, variance), (cell, own)| {
        let (mean, spread) = Stratum { own: *own, rest: cells[*cell].minus(*own) }.moments();
        (distance + real(own.good) - mean, variance + spread)
    })
}

/// The longest folder without its wildcard, else the file type.
fn name(patterns: &[String]) -> String {
    let folder =
        patterns.iter().filter_map(|pattern| pattern.strip_suffix("/**")).max_by_key(|folder| folder.len());
    let kind = patterns.iter().find_map(|pattern| pattern.strip_prefix("*."));
    folder.or(kind).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Verdict;
    use baton_core::seed::Seed;

    use super::*;

    /// 2,000 tasks by eight agents, of which each touches the rust sources, and one of ten the database; most of these
    /// touch the manual, and few others do. Half of the agents do well with the database if it is special, and all do
    /// alike with the rest.
    fn world(seed: u64, special: bool) -> Vec<Episode> {
        let task = |seq: i64| {
            let draw = |n: i64| Seed(seed).of(seq).of(n).fraction();
            let mut files = vec!["src/rust/**".to_owned()];
            let database = draw(1) < 0.1;
            if database {
                files.push("db/migrations/*.sql".into());
            }
            if draw(2) < if database { 0.6 } else { 0.05 } {
                files.push("docs/*.md".into());
            }
            let rate = match (special && database, seq % 2) {
                (true, 0) => 0.9,
                (true, _) => 0.4,
                (false, _) => 0.75,
            };
            let verdict = if draw(3) < rate { Verdict::Accepted } else { Verdict::Refused };
            Episode {
                run: RunId(seq / 50),
                agent: format!("a{}", seq % 8),
                files,
                verdict,
                ..crate::sample::sample(seq)
            }
        };
        (0..2000).map(task).collect()
    }

    #[test]
    fn files_that_make_a_difference_become_one_proposal() {
        for seed in 0..10 {
            let found = proposals(&world(seed, true), &SkillThresholds::default());
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].name, "db/migrations");
            assert_eq!(found[0].patterns, ["*.sql", "db/**", "db/migrations/**"]);
            assert!(
                found[0]
                    .holders
                    .iter()
                    .all(|holder| ["a0", "a2", "a4", "a6"].contains(&holder.agent.as_str()))
            );
            assert!(found[0].holders.len() >= 3 && found[0].runs == 40);
        }
    }

    #[test]
    fn files_that_make_none_are_not_proposed() {
        let found: usize =
            (0..20).map(|seed| proposals(&world(seed, false), &SkillThresholds::default()).len()).sum();
        assert!(found <= 1, "{found} in 20 histories");
        assert!(proposals(&[], &SkillThresholds::default()).is_empty());
    }

    #[test]
    fn folders_are_taken_as_far_as_they_are_certain() {
        assert_eq!(patterns("src/db/*/x.rs"), ["src/**", "src/db/**", "*.rs"]);
        assert_eq!(patterns("a/b/c/d/**"), ["a/**", "a/b/**", "a/b/c/**"]);
        assert_eq!(patterns("*.sql"), ["*.sql"]);
        assert_eq!(patterns("src/main.rs"), ["src/**", "*.rs"]);
        assert!(patterns("**").is_empty() && patterns("").is_empty() && patterns("README").is_empty());
        assert!(patterns("x.*").is_empty());
    }
}
