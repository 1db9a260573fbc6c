//! A simulated world: agents of known skill, tasks of known difficulty, and what would become of every task with
//! every agent, drawn before anything is played. Every router faces the same table, so that two routers differ by
//! nothing but their choices (common random numbers).

pub mod arrival;
pub mod config;
pub mod copula;
pub mod declaration;
pub mod draw;
pub mod drift;
pub mod feature;
pub mod pool;
pub mod service;

pub use config::{Arrivals, Config, Drift, Noise, Service, Skew, Which};
pub use pool::Pool;

use baton_core::seed::Seed;
use copula::Copula;
use draw::Draw;
use drift::Shift;
use pool::Roster;

/// Cost of an attempt by an agent of average price, in millionths of the currency. Invented: only ratios matter.
pub const MEAN_COST_MICROS: f64 = 20_000.0;

/// An agent as it presents itself. What it can really do is [`World::success_chance`].
#[derive(Clone, Debug, PartialEq)]
pub struct SimAgent {
    pub name: String,
    /// Declared skills: indices into [`World::skills`], ascending, at least one.
    pub declared: Vec<usize>,
    /// Maximum number of concurrent attempts, at least 1.
    pub capacity: u32,
    /// What an attempt costs on average before any change of prices, in millionths of the currency.
    pub cost_micros: u64,
}

/// A task, in order of arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct SimTask {
    pub name: String,
    /// Index into [`World::skills`].
    pub skill: usize,
    /// When it is submitted, in milliseconds from the start.
    pub arrives: u64,
    /// What a router may see of it: see [`feature`].
    pub features: Vec<(String, f64)>,
    /// Its difficulty, a draw from N(0, 1): higher is harder, for every agent. Hidden from routers.
    pub difficulty: f64,
    /// The two noisy views of the difficulty from which the features are made.
    pub views: [f64; 2],
}

/// Everything that was drawn.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Config,
    pub skills: Vec<String>,
    /// How often each skill is asked for; adds up to 1.
    pub shares: Vec<f64>,
    pub agents: Vec<SimAgent>,
    pub tasks: Vec<SimTask>,
    chances: Vec<Vec<f64>>,
    costs: Vec<Vec<f64>>,
    means: Vec<Vec<f64>>,
    shift: Shift,
    copula: Copula,
    truths: Vec<bool>,
    services: Vec<u64>,
}

impl World {
    /// Draws a world. The same configuration gives the same world; settings are clamped to their ranges.
    #[must_use]
    pub fn build(config: &Config) -> Self {
        let config = config.tamed();
        let seed = Seed(config.seed);
        let roster = config.pool.roster();
        let means = service::means(&config.service, config.skew, &roster, seed);
        let tasks = tasks(&config, &roster, &means, seed);
        let mut world = Self {
            agents: agents(&config, &roster, seed),
            shift: Shift::of(config.drift, roster.best(), tasks.len()),
            copula: Copula::new(config.rho),
            skills: roster.skills,
            shares: roster.shares,
            chances: roster.chances,
            costs: roster.costs,
            means,
            tasks,
            truths: Vec::new(),
            services: Vec::new(),
            config,
        };
        world.settle(seed);
        world
    }

    /// Draws the outcome of every task with every agent.
    fn settle(&mut self, seed: Seed) {
        let base: Vec<Vec<f64>> = self
            .chances
            .iter()
            .map(|row| row.iter().map(|chance| copula::quantile(*chance)).collect())
            .collect();
        let cells = self.tasks.len() * self.agents.len();
        (self.truths, self.services) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        for (index, task) in self.tasks.iter().enumerate() {
            for (agent, thresholds) in base.iter().enumerate() {
                let threshold = if self.shift.changes(agent, index) {
                    copula::quantile(self.success_chance(agent, index))
                } else {
                    thresholds[task.skill]
                };
                let own = draw::normal(draw::pair(seed, Draw::Outcome, index, agent));
                self.truths.push(self.copula.latent(task.difficulty, own) < threshold);
                let pace = draw::normal(draw::pair(seed, Draw::Service, index, agent));
                let mean = self.means[agent][task.skill];
                self.services.push(service::lognormal(mean, self.config.service.sigma, pace));
            }
        }
    }

    fn cell(&self, agent: usize, task: usize) -> Option<usize> {
        (agent < self.agents.len() && task < self.tasks.len()).then(|| task * self.agents.len() + agent)
    }

    /// The chance, before its difficulty is known, that this agent succeeds in the task: its skill, with drift as it
    /// stands when this task comes. Zero while the agent is not there.
    #[must_use]
    pub fn success_chance(&self, agent: usize, task: usize) -> f64 {
        let (Some(row), Some(at)) = (self.chances.get(agent), self.tasks.get(task)) else { return 0.0 };
        (row[at.skill] * self.shift.factor(agent, task)).clamp(0.0, 1.0)
    }

    /// The forecast of an oracle that knows every agent's skill and sees the task's features: `P(success |
    /// features)`. See [`Copula::chance`].
    #[must_use]
    pub fn chance_given_features(&self, agent: usize, task: usize) -> f64 {
        let Some(at) = self.tasks.get(task) else { return 0.0 };
        self.copula
            .chance(self.success_chance(agent, task), feature::belief(at.views, self.config.observability))
    }

    /// Whether this agent really would do the task.
    #[must_use]
    pub fn truth(&self, agent: usize, task: usize) -> bool {
        self.cell(agent, task).is_some_and(|cell| self.truths[cell])
    }

    /// Duration of this agent's attempt at the task, in milliseconds, at least 1.
    #[must_use]
    pub fn service_ms(&self, agent: usize, task: usize) -> u64 {
        self.cell(agent, task).map_or(1, |cell| self.services[cell])
    }

    /// How long this agent takes for a task of a skill on average, in milliseconds.
    #[must_use]
    pub fn mean_service_ms(&self, agent: usize, skill: usize) -> f64 {
        self.means.get(agent).and_then(|row| row.get(skill)).copied().unwrap_or(0.0)
    }

    /// Whether a validator accepts this attempt, counted from 0: the truth, mistaken as often as [`Noise`] says.
    #[must_use]
    pub fn observed(&self, agent: usize, task: usize, attempt: u32) -> bool {
        let cell = draw::pair(Seed(self.config.seed), Draw::Validator, task, agent);
        let lot = cell.of(i64::from(attempt)).fraction();
        if self.truth(agent, task) {
            lot >= self.config.validator.false_refuse
        } else {
            lot < self.config.validator.false_accept
        }
    }

    /// Cost of this agent's attempt at the task, in millionths of the currency.
    #[must_use]
    pub fn cost_micros(&self, agent: usize, task: usize) -> u64 {
        let (Some(row), Some(at)) = (self.costs.get(agent), self.tasks.get(task)) else { return 0 };
        draw::whole(row[at.skill] * self.shift.price(agent, task) * MEAN_COST_MICROS)
    }

    /// Whether the agent is present when this task arrives.
    #[must_use]
    pub fn present(&self, agent: usize, task: usize) -> bool {
        agent < self.agents.len() && self.shift.present(agent, task)
    }

    /// Whether the agent declares the skill that this task needs.
    #[must_use]
    pub fn declares(&self, agent: usize, task: usize) -> bool {
        let (Some(agent), Some(task)) = (self.agents.get(agent), self.tasks.get(task)) else { return false };
        agent.declared.binary_search(&task.skill).is_ok()
    }

    /// The agent whose chance with this task is the highest, the first among equals; none in an empty pool.
    #[must_use]
    pub fn skill_oracle(&self, task: usize) -> Option<usize> {
        let best = |one: &usize, other: &usize| {
            self.success_chance(*one, task).total_cmp(&self.success_chance(*other, task)).then(other.cmp(one))
        };
        (0..self.agents.len()).filter(|agent| self.present(*agent, task)).max_by(best)
    }

    /// The mean chance of an agent over all skills as often as they are asked for, before any drift.
    #[must_use]
    pub fn quality(&self, agent: usize) -> f64 {
        self.chances.get(agent).map_or(0.0, |row| pool::weighted(row, &self.shares))
    }

    /// The first task that drift touches; none without drift.
    #[must_use]
    pub fn drift_at(&self) -> Option<usize> {
        self.shift.at()
    }
}

fn agents(config: &Config, roster: &Roster, seed: Seed) -> Vec<SimAgent> {
    let declared = declaration::declared(&roster.chances, config.wrong_declarations, seed);
    let agent = |(index, declared): (usize, Vec<usize>)| SimAgent {
        name: roster.agents[index].clone(),
        declared,
        capacity: config.capacity,
        cost_micros: draw::whole(pool::weighted(&roster.costs[index], &roster.shares) * MEAN_COST_MICROS),
    };
    declared.into_iter().enumerate().map(agent).collect()
}

fn tasks(config: &Config, roster: &Roster, means: &[Vec<f64>], seed: Seed) -> Vec<SimTask> {
    let rate = config.utilisation * service::throughput(means, &roster.shares, config.capacity);
    let arrivals = arrival::times(config.arrivals, rate, config.tasks, seed);
    let task = |(index, arrives): (usize, u64)| {
        let skill = draw::among(&roster.shares, draw::one(seed, Draw::Skill, index).fraction());
        let difficulty = draw::normal(draw::one(seed, Draw::Difficulty, index));
        let views = feature::views(difficulty, config.observability, draw::one(seed, Draw::Feature, index));
        SimTask {
            name: format!("{}-{index:04}", roster.skills[skill]),
            skill,
            arrives,
            features: feature::features(views, draw::one(seed, Draw::Chaff, index)),
            difficulty,
            views,
        }
    };
    arrivals.into_iter().enumerate().map(task).collect()
}

#[cfg(test)]
pub mod bivariate;

#[cfg(test)]
mod tests;
