//! How likely everybody is to succeed at everything, from the record of the whole pool.
//!
//! Log-odds are a sum of effects: a base, what a declaration is worth, the agent's kind, the agent, the skill. Each has a
//! normal prior around nothing known, so that what is learned of one agent or skill says something about the others, and
//! the less is known of one the more it is like them (Gelman et al., "Bayesian Data Analysis", 3rd ed., 2013, chapter
//! 15). The most likely effects are found by Newton's method, one group after the other. What an agent achieves at a
//! skill then scatters around that sum by a beta distribution, whose strength counts as so many trials.

use crate::cells::{Cell, Cells};

/// Of log-odds, before anything is known.
#[derive(Clone, Copy, Debug)]
struct Prior {
    mean: f64,
    variance: f64,
}

/// More succeed than fail.
const BASE: Prior = Prior { mean: 0.2, variance: 1.0 };

/// Who declares a skill has 1.65 times the odds of who does not. How much it really is, is learned: ten cells that are
/// known well weigh as much as this.
const DECLARED: Prior = Prior { mean: 0.5, variance: 0.1 };

const KIND: Prior = Prior { mean: 0.0, variance: 0.03 };
const AGENT: Prior = Prior { mean: 0.0, variance: 0.1 };
const SKILL: Prior = Prior { mean: 0.0, variance: 0.8 };

/// As how many trials counts what the rest of the record lets expect of an agent at a skill. It is a standard deviation
/// of 0.12 around an even chance.
const STRENGTH: f64 = 16.0;

/// Rounds over all groups. More change the third digit of no chance.
const ROUNDS: usize = 6;

/// One effect in log-odds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Effect {
    mean: f64,
    variance: f64,
}

/// A group of effects that is found at once, because no cell has two of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Group {
    Base,
    Declared,
    Skill,
    Kind,
    Agent,
}

/// What is thought of one agent at one skill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// Of success.
    pub chance: f64,
    /// The variance of that chance, of what sets the agent apart.
    pub variance: f64,
    /// 0.0 to 1.0: how much of it is evidence.
    pub confidence: f64,
}

/// All effects.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    base: Effect,
    declared: Effect,
    skills: Vec<Effect>,
    kinds: Vec<Effect>,
    agents: Vec<Effect>,
}

impl Fit {
    pub fn of(cells: &Cells<'_>) -> Self {
        let kinds = cells.kinds.iter().max().map_or(0, |most| most + 1);
        let mut fit = Self {
            base: BASE.effect(),
            declared: DECLARED.effect(),
            skills: vec![SKILL.effect(); cells.skills.len()],
            kinds: vec![KIND.effect(); kinds],
            agents: vec![AGENT.effect(); cells.kinds.len()],
        };
        for _ in 0..ROUNDS {
            for group in [Group::Base, Group::Declared, Group::Skill, Group::Kind, Group::Agent] {
                fit.improve(group, cells);
            }
        }
        fit
    }

    /// One step of Newton's method for each effect of a group, the others as they are.
    fn improve(&mut self, group: Group, cells: &Cells<'_>) {
        let mut sums = vec![(0.0, 0.0); self.group(group).1.len()];
        for cell in &cells.cells {
            let Some((at, value)) = group.part(cell, cells) else { continue };
            let chance = logistic(self.odds(cells, cell.agent, cell.skill, cell.stand));
            // A cell tells of the others only as far as it is not an exception itself: at most so many trials.
            let counts = (STRENGTH + 1.0) / (STRENGTH + cell.trials.max(1.0));
            sums[at].0 += value * counts * (cell.successes - cell.trials * chance);
            sums[at].1 += value * value * counts * cell.trials * chance * (1.0 - chance);
        }
        let (prior, effects) = self.group(group);
        for (effect, (slope, information)) in effects.iter_mut().zip(sums) {
            let precision = information + 1.0 / prior.variance;
            let step = (slope - (effect.mean - prior.mean) / prior.variance) / precision;
            // Far from the top a whole step can go beyond it.
            effect.mean += step.clamp(-1.0, 1.0);
            effect.variance = 1.0 / precision;
        }
    }

    fn group(&mut self, group: Group) -> (Prior, &mut [Effect]) {
        match group {
            Group::Base => (BASE, std::slice::from_mut(&mut self.base)),
            Group::Declared => (DECLARED, std::slice::from_mut(&mut self.declared)),
            Group::Skill => (SKILL, &mut self.skills),
            Group::Kind => (KIND, &mut self.kinds),
            Group::Agent => (AGENT, &mut self.agents),
        }
    }

    fn odds(&self, cells: &Cells<'_>, agent: usize, skill: Option<usize>, stand: f64) -> f64 {
        self.base.mean
            + self.declared.mean * stand
            + self.kinds[cells.kinds[agent]].mean
            + self.agents[agent].mean
            + skill.map_or(0.0, |skill| self.skills[skill].mean)
    }

    /// Of an agent at a skill, or at work without skills.
    pub fn belief(&self, cells: &Cells<'_>, agent: usize, skill: Option<&str>) -> Belief {
        let stand = skill.map_or(0.0, |skill| cells.stand(agent, skill));
        let place = skill.and_then(|skill| cells.skills.get(skill)).map(|skill| skill.place);
        let own = self.agents[agent].variance + self.kinds[cells.kinds[agent]].variance;
        let said = stand * stand * self.declared.variance;
        let common = self.base.variance + place.map_or(SKILL.variance, |skill| self.skills[skill].variance);
        let expected = moderated(self.odds(cells, agent, place, stand), own + said + common);
        let (successes, trials) = cells.record(agent, skill);
        let chance = (STRENGTH * expected + successes) / (STRENGTH + trials);
        let assumed = STRENGTH / (STRENGTH + trials);
        let doubt = (own + said) * (expected * (1.0 - expected)).powi(2);
        let known = 1.0 - own / (AGENT.variance + KIND.variance);
        Belief {
            chance,
            variance: chance * (1.0 - chance) / (STRENGTH + trials + 1.0) + assumed * assumed * doubt,
            confidence: 1.0 - assumed * (1.0 - known),
        }
    }

    /// What who declares a skill has more than who does not, in log-odds.
    #[cfg(test)]
    pub fn declared(&self) -> f64 {
        self.declared.mean
    }
}

impl Prior {
    fn effect(self) -> Effect {
        Effect { mean: self.mean, variance: self.variance }
    }
}

impl Group {
    /// Which effect of the group a cell has, and how much of it.
    fn part(self, cell: &Cell, cells: &Cells<'_>) -> Option<(usize, f64)> {
        match self {
            Self::Base => Some((0, 1.0)),
            Self::Declared => Some((0, cell.stand)),
            Self::Skill => cell.skill.map(|skill| (skill, 1.0)),
            Self::Kind => Some((cells.kinds[cell.agent], 1.0)),
            Self::Agent => Some((cell.agent, 1.0)),
        }
    }
}

/// The mean chance of normally distributed log-odds, approximately (MacKay, "The Evidence Framework Applied to
/// Classification Networks", 1992).
fn moderated(mean: f64, variance: f64) -> f64 {
    logistic(mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt())
}

/// The chance that goes with log-odds.
pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}
