//! The knowledge graph: agents, and the skills, kinds and folders that tie them together, with accepted work as weights.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::episode::Episode;
use petgraph::graph::{NodeIndex, UnGraph};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::number::{real, share};

/// A node of the knowledge graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", content = "name")]
pub enum Node {
    /// An agent's name.
    Agent(String),
    /// A skill that tasks asked for.
    Skill(String),
    /// A kind of task.
    Kind(String),
    /// The two uppermost folders of what a task may touch, such as `src/db`.
    Folder(String),
}

impl Node {
    /// The name, whatever it names.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(name) | Self::Skill(name) | Self::Kind(name) | Self::Folder(name) => name,
        }
    }

    pub(super) fn is_agent(&self) -> bool {
        match self {
            Self::Agent(_) => true,
            Self::Skill(_) | Self::Kind(_) | Self::Folder(_) => false,
        }
    }

    /// Whether an attempt was made by the agent, or involves the skill, kind or folder.
    pub(super) fn marks(&self, episode: &Episode) -> bool {
        match self {
            Self::Agent(name) => episode.agent == *name,
            Self::Skill(name) => episode.skills.contains(name),
            Self::Kind(name) => episode.kind == *name,
            Self::Folder(name) => {
                episode.files.iter().any(|glob| folder(glob).is_some_and(|found| found == *name))
            }
        }
    }
}

fn folder(glob: &str) -> Option<String> {
    let (folders, _) = glob.rsplit_once('/')?;
    let certain = folders.split('/').take_while(|segment| !segment.contains(['*', '?'])).take(2);
    let folder = certain.collect::<Vec<_>>().join("/");
    (!folder.is_empty()).then_some(folder)
}

/// Accepted work by agent, and hand-offs between agents.
pub(super) struct Record {
    pub(super) agents: Vec<String>,
    /// Skills, kinds and folders, sorted.
    topics: Vec<Node>,
    /// Accepted tasks, by agent and topic.
    ties: Vec<Vec<f64>>,
    /// Accepted tasks, by agent and trade. A trade is a skill with all tasks of which it is the rarest one, or a kind of
    /// tasks without skills: what an agent can do or can't, while a trade's kinds and folders come along with it.
    pub(super) trades: Vec<Vec<usize>>,
    /// Share of the tasks of each trade that involve each topic.
    profiles: Vec<Vec<f64>>,
    /// Accepted tasks that depend on another one, by giver and taker.
    pub(super) handed: Vec<Vec<usize>>,
}

impl Record {
    pub(super) fn of(episodes: &[Episode]) -> Self {
        let history = History::of(episodes);
        let done: Vec<&Episode> =
            history.tasks().filter_map(|attempts| history.accepted(attempts.first()?.task)).collect();
        let agents = numbered(done.iter().map(|episode| episode.agent.as_str()));
        let looks: BTreeSet<Look> = done.iter().map(|episode| look(episode)).collect();
        let sorts: BTreeMap<Look, BTreeSet<Node>> =
            looks.into_iter().map(|look| (look, nodes(look))).collect();
        let topics = numbered(sorts.values().flatten());
        let places: BTreeMap<Look, Vec<usize>> = sorts
            .iter()
            .map(|(look, sort)| (*look, sort.iter().map(|node| topics[node]).collect()))
            .collect();
        let demand = demand(&done);
        let crafts: Vec<&str> = done.iter().map(|episode| trade(episode, &demand)).collect();
        let names = numbered(crafts.iter().copied());
        let mut record = Self {
            agents: agents.keys().map(|agent| (*agent).to_owned()).collect(),
            topics: topics.keys().map(|topic| (*topic).clone()).collect(),
            ties: vec![vec![0.0; topics.len()]; agents.len()],
            trades: vec![vec![0; names.len()]; agents.len()],
            profiles: vec![vec![0.0; topics.len()]; names.len()],
            handed: vec![vec![0; agents.len()]; agents.len()],
        };
        for (episode, craft) in done.iter().zip(&crafts) {
            let (taker, trade) = (agents[episode.agent.as_str()], names[craft]);
            record.trades[taker][trade] += 1;
            for topic in &places[&look(episode)] {
                record.ties[taker][*topic] += 1.0;
                record.profiles[trade][*topic] += 1.0;
            }
            for giver in episode.depends_on.iter().filter_map(|task| history.accepted(*task)) {
                record.handed[agents[giver.agent.as_str()]][taker] += 1;
            }
        }
        record.normalise();
        record
    }

    fn normalise(&mut self) {
        for (trade, profile) in self.profiles.iter_mut().enumerate() {
            let all: usize = self.trades.iter().map(|row| row[trade]).sum();
            for part in profile {
                *part = share(*part, real(all));
            }
        }
    }

    /// The same amounts, with the topics of each trade in equal shares for every agent, as in the random graphs.
    pub(super) fn smoothed(&self) -> Self {
        self.with(self.trades.clone(), self.handed.clone())
    }

    /// The same topics with other amounts of each trade per agent, and other hand-offs.
    pub(super) fn with(&self, trades: Vec<Vec<usize>>, handed: Vec<Vec<usize>>) -> Self {
        let mut ties = vec![vec![0.0; self.topics.len()]; self.agents.len()];
        for (ties, amounts) in ties.iter_mut().zip(&trades) {
            for (profile, amount) in self.profiles.iter().zip(amounts).filter(|(_, amount)| **amount > 0) {
                for (tie, part) in ties.iter_mut().zip(profile) {
                    *tie += part * real(*amount);
                }
            }
        }
        let (agents, topics, profiles) = (self.agents.clone(), self.topics.clone(), self.profiles.clone());
        Self { agents, topics, ties, trades, profiles, handed }
    }
}

fn numbered<T: Ord>(names: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    names.collect::<BTreeSet<T>>().into_iter().zip(0..).collect()
}

/// How many tasks ask for each skill.
fn demand<'a>(done: &[&'a Episode]) -> BTreeMap<&'a str, usize> {
    let mut demand = BTreeMap::new();
    for skill in done.iter().flat_map(|episode| &episode.skills) {
        *demand.entry(skill.as_str()).or_insert(0) += 1;
    }
    demand
}

fn trade<'a>(episode: &'a Episode, demand: &BTreeMap<&str, usize>) -> &'a str {
    let rarest = episode.skills.iter().min_by_key(|skill| demand.get(skill.as_str()));
    rarest.unwrap_or(&episode.kind)
}

/// Kind, skills and files of a task.
type Look<'a> = (&'a str, &'a [String], &'a [String]);

fn look(episode: &Episode) -> Look<'_> {
    (&episode.kind, &episode.skills, &episode.files)
}

fn nodes((kind, skills, files): Look) -> BTreeSet<Node> {
    let kind = (!kind.is_empty()).then(|| Node::Kind(kind.to_owned()));
    let skills = skills.iter().cloned().map(Node::Skill);
    let folders = files.iter().filter_map(|glob| folder(glob)).map(Node::Folder);
    kind.into_iter().chain(skills).chain(folders).collect()
}

/// The knowledge graph. The weight between an agent and a skill, kind or folder is the number of the agent's accepted
/// tasks with it; the weight between agents is the number of hand-offs after which the taker was accepted.
#[must_use]
pub fn knowledge(episodes: &[Episode]) -> UnGraph<Node, f64> {
    drawn(&Record::of(episodes))
}

pub(super) fn drawn(record: &Record) -> UnGraph<Node, f64> {
    let mut graph = UnGraph::new_undirected();
    let agents: Vec<NodeIndex> =
        record.agents.iter().map(|agent| graph.add_node(Node::Agent(agent.clone()))).collect();
    let topics: Vec<NodeIndex> = record.topics.iter().map(|topic| graph.add_node(topic.clone())).collect();
    for (agent, ties) in agents.iter().zip(&record.ties) {
        for (topic, weight) in topics.iter().zip(ties).filter(|(_, weight)| **weight > 0.0) {
            graph.add_edge(*agent, *topic, *weight);
        }
    }
    for (a, first) in agents.iter().enumerate() {
        for (b, second) in agents.iter().enumerate().skip(a + 1) {
            let both = record.handed[a][b] + record.handed[b][a];
            if both > 0 {
                graph.add_edge(*first, *second, real(both));
            }
        }
    }
    graph
}
