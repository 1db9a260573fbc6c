//! The world of a made-up history: agents, skills and kinds of task, and what was planted among them.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::seed::Seed;
use baton_learn::anomaly::Metric;
use baton_learn::drift::Direction;

use super::Truth;
use super::draws::Draws;

pub(super) const SKILLS: [&str; 12] = [
    "rust",
    "sql",
    "react",
    "python",
    "terraform",
    "writing",
    "security",
    "design",
    "analytics",
    "android",
    "search",
    "payments",
];
/// Asked for by every second kind, and everybody has it.
pub(super) const COMMON: &str = "review";
/// Nobody has it.
pub(super) const MISSING: &str = "cobol";
const CHECKS: [&str; 5] = ["clippy", "tests", "coverage", "schema", "style"];
/// Agents that have each skill, out of 20.
const ABLE: usize = 5;

/// A kind of task.
pub(super) struct Kind {
    pub(super) name: String,
    /// The place of the skill that matters.
    pub(super) skill: usize,
    pub(super) skills: Vec<String>,
    /// Median length of an attempt, in milliseconds.
    pub(super) length_ms: f64,
    /// Checks that refuse its outcomes.
    pub(super) checks: Vec<&'static str>,
}

/// Agents, skills and kinds by their places.
pub(super) struct World {
    pub(super) agents: Vec<String>,
    pub(super) kinds: Vec<Kind>,
    /// For each skill who has it, and so usually gets it.
    pub(super) able: Vec<Vec<usize>>,
    /// For each skill who says so and hasn't.
    pub(super) boasters: Vec<Vec<usize>>,
    /// How often an agent's attempts with a skill are accepted.
    pub(super) rates: Vec<Vec<f64>>,
    /// Giver and taker that often follow each other, and what it adds to the rate.
    pub(super) pairs: BTreeMap<(usize, usize), f64>,
    /// The rate of an agent and skill from the run on.
    pub(super) drifts: BTreeMap<(usize, usize), (usize, [f64; 2])>,
    /// Who does well with the special files; none if they are not special.
    pub(super) specialists: BTreeSet<usize>,
    /// Kinds of the planted diamond: first, two in the middle, last.
    pub(super) shape: Option<[usize; 4]>,
    pub(super) latency: Option<usize>,
    pub(super) cost: Option<usize>,
    pub(super) failures: Option<usize>,
    /// The run from which those three shift.
    pub(super) shift: usize,
    pub(super) gap: bool,
    pub(super) declared: BTreeMap<String, Vec<String>>,
    pub(super) truth: Truth,
}

impl World {
    pub(super) fn drawn(seed: Seed, agents: usize, runs: usize, with: bool) -> Self {
        let mut draws = Draws::of(seed);
        let mut world = Self::plain(&mut draws, agents, with);
        world.plant_pairs(&mut draws, with);
        world.shift = runs;
        if with {
            world.plant_drifts(&mut draws, runs);
            world.plant_declarations(&mut draws);
            world.plant_files(&mut draws);
            world.plant_lengths(&mut draws);
            world.plant_shifts(&mut draws, runs);
            world.plant_checks(&mut draws);
        }
        world
    }

    /// With teams, the agents that have one skill have all three of their team; without, each skill is dealt to agents
    /// at random.
    fn plain(draws: &mut Draws, count: usize, teams: bool) -> Self {
        let agents: Vec<String> = (1..=count).map(|number| format!("agent-{number:02}")).collect();
        let everyone: Vec<usize> = draws.sample(&(0..count).collect::<Vec<usize>>(), count);
        let size = count * ABLE / 20;
        let able: Vec<Vec<usize>> = (0..SKILLS.len())
            .map(|skill| match teams {
                true => everyone.iter().copied().skip(skill / 3 * size).take(size).collect(),
                false => draws.sample(&everyone, size),
            })
            .collect();
        let mut rates: Vec<Vec<f64>> = vec![vec![0.25; SKILLS.len()]; count];
        for (skill, able) in able.iter().enumerate() {
            for agent in able {
                rates[*agent][skill] = draws.between(0.68, 0.82);
            }
        }
        let named = |places: &[usize]| places.iter().map(|place| agents[*place].clone()).collect();
        let mut truth = Truth::default();
        if teams {
            truth.teams = able.iter().step_by(3).map(|team| named(team)).collect();
        }
        let declared = declared(&agents, &able);
        let boasters = vec![Vec::new(); SKILLS.len()];
        Self {
            kinds: kinds(),
            pairs: BTreeMap::new(),
            drifts: BTreeMap::new(),
            specialists: BTreeSet::new(),
            shape: None,
            latency: None,
            cost: None,
            failures: None,
            shift: 0,
            gap: teams,
            agents,
            able,
            boasters,
            rates,
            declared,
            truth,
        }
    }

    /// Five pairs that do better together, five that do worse, and five that are as busy and do neither.
    fn plant_pairs(&mut self, draws: &mut Draws, with: bool) {
        let all = self.agents.len();
        while self.pairs.len() < 15 {
            let (giver, taker) = (draws.below(all), draws.below(all));
            let has_skills = self.able.iter().any(|able| able.contains(&taker));
            if self.pairs.contains_key(&(giver, taker)) || !has_skills {
                continue;
            }
            let effect = match self.pairs.len() {
                0..5 if with => 0.25,
                5..10 if with => -0.35,
                _ => 0.0,
            };
            self.pairs.insert((giver, taker), effect);
            if effect != 0.0 {
                let names = (self.agents[giver].clone(), self.agents[taker].clone(), effect > 0.0);
                self.truth.pairs.push(names);
            }
        }
    }

    fn plant_drifts(&mut self, draws: &mut Draws, runs: usize) {
        let skills: Vec<usize> = (0..SKILLS.len()).collect();
        for (number, skill) in draws.sample(&skills, 4).into_iter().enumerate() {
            let Some(agent) = draws.pick(&self.able[skill]).copied() else { continue };
            let from = draws.below(runs / 5) + runs * 2 / 5;
            let down = number < 3;
            let (rates, direction) =
                if down { ([0.8, 0.35], Direction::Down) } else { ([0.35, 0.8], Direction::Up) };
            self.drifts.insert((agent, skill), (from, rates));
            self.truth.drifts.push((self.agents[agent].clone(), SKILLS[skill].to_owned(), direction));
        }
    }

    /// 24 abilities that are not declared, and six declarations without the ability.
    fn plant_declarations(&mut self, draws: &mut Draws) {
        let able: Vec<(usize, usize)> = self
            .able
            .iter()
            .zip(0..)
            .flat_map(|(able, skill)| able.iter().map(move |agent| (*agent, skill)))
            .filter(|cell| !self.drifts.contains_key(cell))
            .collect();
        for (agent, skill) in draws.sample(&able, 24) {
            let name = &self.agents[agent];
            self.declared.entry(name.clone()).or_default().retain(|said| said != SKILLS[skill]);
            self.truth.undeclared.insert((name.clone(), SKILLS[skill].to_owned()));
        }
        for skill in draws.sample(&(0..SKILLS.len()).collect::<Vec<usize>>(), 6) {
            let agent = draws.below(self.agents.len());
            if !self.able[skill].contains(&agent) {
                self.boasters[skill].push(agent);
                self.rates[agent][skill] = 0.15;
                self.overstate(agent, SKILLS[skill]);
            }
        }
        for agent in 0..3 {
            self.overstate(agent, MISSING);
        }
        self.truth.gaps.insert(MISSING.to_owned());
    }

    fn overstate(&mut self, agent: usize, skill: &str) {
        let name = &self.agents[agent];
        self.declared.entry(name.clone()).or_default().push(skill.to_owned());
        self.truth.overstated.insert((name.clone(), skill.to_owned()));
    }

    fn plant_files(&mut self, draws: &mut Draws) {
        let everyone: Vec<usize> = (0..self.agents.len()).collect();
        self.specialists = draws.sample(&everyone, 6).into_iter().collect();
        self.truth.proposals = ["db/**", "db/migrations/**", "*.sql"].map(str::to_owned).into();
    }

    /// A kind that takes four times as long, and a diamond of four other kinds.
    fn plant_lengths(&mut self, draws: &mut Draws) {
        let places: Vec<usize> = (0..self.kinds.len()).collect();
        let [slow, first, left, right, last] = draws.sample(&places, 5)[..] else { return };
        self.kinds[slow].length_ms *= 4.0;
        self.truth.slow.insert(self.kinds[slow].name.clone());
        let name = |place: usize| self.kinds[place].name.clone();
        self.truth.shape = [(first, left), (first, right), (left, last), (right, last)]
            .map(|(a, b)| (name(a), name(b)))
            .into();
        self.truth.shape_kinds = [first, left, right, last].map(name).into();
        self.truth.shape_kinds.sort();
        self.shape = Some([first, left, right, last]);
    }

    /// In the last runs, about 40 attempts of each agent.
    fn plant_shifts(&mut self, draws: &mut Draws, runs: usize) {
        let everyone: Vec<usize> = (0..self.agents.len()).collect();
        let [latency, cost, failures] = draws.sample(&everyone, 3)[..] else { return };
        (self.latency, self.cost, self.failures) = (Some(latency), Some(cost), Some(failures));
        self.shift = runs.saturating_sub(self.agents.len() * 3 / 4);
        self.truth.anomalies =
            [(latency, Metric::Latency), (cost, Metric::Cost), (failures, Metric::Failures)]
                .map(|(agent, measure)| (self.agents[agent].clone(), measure, true))
                .into();
    }

    fn plant_checks(&mut self, draws: &mut Draws) {
        for kind in &mut self.kinds {
            kind.checks = draws.sample(&CHECKS, 2);
            self.truth.notes.extend(kind.checks.iter().map(|check| (kind.name.clone(), (*check).to_owned())));
        }
    }
}

fn kinds() -> Vec<Kind> {
    let kind = |skill: usize, common: bool| {
        let name = SKILLS[skill];
        let skills: Vec<String> =
            if common { vec![COMMON.to_owned(), name.to_owned()] } else { vec![name.to_owned()] };
        let mut skills = skills;
        skills.sort();
        let name = if common { format!("{name}+{COMMON}") } else { name.to_owned() };
        Kind { name, skill, skills, length_ms: 240_000.0, checks: Vec::new() }
    };
    (0..SKILLS.len()).flat_map(|skill| [kind(skill, false), kind(skill, true)]).collect()
}

fn declared(agents: &[String], able: &[Vec<usize>]) -> BTreeMap<String, Vec<String>> {
    let mut declared: BTreeMap<String, Vec<String>> =
        agents.iter().map(|agent| (agent.clone(), vec![COMMON.to_owned()])).collect();
    for (skill, able) in SKILLS.iter().zip(able) {
        for agent in able {
            declared.entry(agents[*agent].clone()).or_default().push((*skill).to_owned());
        }
    }
    declared
}
